"""The seal is valid for one message, from one sender, to its recipients, for a limited time."""

import itertools
import os
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.seal import SEALED_FIELDS, BodyHash, Key, KeyFileError, Sealed, Sealer, SealStatus, add_key, load_keys

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = Key("k0000001", NOW - timedelta(days=1), b"x" * 32)
HOUR = timedelta(hours=1)
SEALER = Sealer([KEY], HOUR)
MESSAGE = Sealed(
    "anna@corp.example",
    ("bob@partner.example", "eve@partner.example"),
    {"from": b" <anna@corp.example>", "subject": b" Lunch", "message-id": b" <1@corp.example>"},
    b"\1" * 32,
)


def test_a_new_seal_is_valid() -> None:
    value = SEALER.seal(MESSAGE, NOW)
    assert len(value) < 200
    assert SEALER.verify(value, MESSAGE, NOW + HOUR) is SealStatus.VALID
    assert SEALER.verify(f" {value}\r\n", MESSAGE, NOW) is SealStatus.VALID


def test_a_seal_is_valid_for_some_of_its_recipients_but_no_other() -> None:
    value = SEALER.seal(MESSAGE, NOW)
    assert SEALER.verify(value, replace(MESSAGE, recipients=("eve@partner.example",)), NOW) is SealStatus.VALID
    more = (*MESSAGE.recipients, "rival@partner.example")
    assert SEALER.verify(value, replace(MESSAGE, recipients=more), NOW) is SealStatus.ALTERED


@pytest.mark.parametrize(
    "changed",
    [
        replace(MESSAGE, sender="eve@corp.example"),
        replace(MESSAGE, body=b"\2" * 32),
        replace(MESSAGE, header=b"\2" * 32),
        *(replace(MESSAGE, fields={**MESSAGE.fields, name: b" x"}) for name in SEALED_FIELDS),
        replace(MESSAGE, fields={}),
        # Text moves from one part to another.
        replace(MESSAGE, sender="anna@corp.example <anna@corp.example>", fields={**MESSAGE.fields, "from": b""}),
    ],
)
def test_a_seal_copied_to_another_message_is_invalid(changed: Sealed) -> None:
    assert SEALER.verify(SEALER.seal(MESSAGE, NOW), changed, NOW) is SealStatus.ALTERED


@pytest.mark.parametrize("age", [HOUR + timedelta(seconds=1), timedelta(days=30), timedelta(minutes=-6)])
def test_a_seal_of_another_time_is_stale(age: timedelta) -> None:
    assert SEALER.verify(SEALER.seal(MESSAGE, NOW), MESSAGE, NOW + age) is SealStatus.STALE


def test_the_time_of_a_seal_cannot_be_changed() -> None:
    old = SEALER.seal(MESSAGE, NOW - timedelta(days=30))
    moved = old.replace(f"t={int((NOW - timedelta(days=30)).timestamp())}", f"t={int(NOW.timestamp())}")
    assert moved != old
    assert SEALER.verify(moved, MESSAGE, NOW) is SealStatus.ALTERED


def test_a_seal_with_an_unknown_key_is_invalid() -> None:
    foreign = Sealer([Key("k0000002", NOW, b"y" * 32)], HOUR)
    assert SEALER.verify(foreign.seal(MESSAGE, NOW), MESSAGE, NOW) is SealStatus.UNKNOWN_KEY
    stolen_name = Sealer([Key("k0000001", NOW, b"y" * 32)], HOUR)
    assert SEALER.verify(stolen_name.seal(MESSAGE, NOW), MESSAGE, NOW) is SealStatus.ALTERED


def test_the_newest_key_seals_and_older_ones_still_verify() -> None:
    newer = Key("k0000002", NOW, b"y" * 32)
    both = Sealer([KEY, newer], HOUR)
    assert "k=k0000002" in both.seal(MESSAGE, NOW)
    assert both.verify(SEALER.seal(MESSAGE, NOW), MESSAGE, NOW) is SealStatus.VALID


def test_without_a_key_nothing_is_sealed_and_no_seal_is_valid() -> None:
    none = Sealer([], HOUR)
    assert none.seal(MESSAGE, NOW) == ""
    assert none.verify(SEALER.seal(MESSAGE, NOW), MESSAGE, NOW) is SealStatus.UNKNOWN_KEY


def test_a_message_to_many_is_not_sealed() -> None:
    many = replace(MESSAGE, recipients=tuple(f"r{number}@partner.example" for number in range(51)))
    assert SEALER.seal(many, NOW) == ""


@given(
    st.text()
    | st.from_regex(r"v=1; k=k0000001; t=\d{1,12}; r=[A-Za-z0-9_-]{0,20}; s=[A-Za-z0-9_-]{43}", fullmatch=True)
)
def test_no_invented_seal_is_valid_or_raises(value: str) -> None:
    assert SEALER.verify(value, MESSAGE, NOW) is not SealStatus.VALID


@given(body=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=5), tail=st.integers(0, 3))
def test_the_body_hash_ignores_chunking_and_trailing_empty_lines(body: bytes, cuts: list[int], tail: int) -> None:
    whole, pieces = BodyHash(), BodyHash()
    whole.update(body)
    places = [0, *sorted(cuts), len(body)]
    for begin, end in itertools.pairwise(places):
        pieces.update(body[begin:end])
    for _ in range(tail):
        pieces.update(b"\r\n")
    if len(cuts) == 0 or max(cuts) <= len(body):
        assert pieces.digest() == whole.digest()


def test_keys_are_created_kept_and_dropped(tmp_path: Path) -> None:
    path = tmp_path / "seal.keys"
    assert load_keys(path) == []
    keep = timedelta(days=7)
    for day in (0, 1, 9):
        add_key(path, keep=keep, group_id=os.getgid(), now=NOW + timedelta(days=day))
    keys = load_keys(path)
    assert [key.created for key in keys] == [NOW + timedelta(days=9)]
    add_key(path, keep=keep, group_id=os.getgid(), now=NOW + timedelta(days=10))
    assert len(load_keys(path)) == 2
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["seal.keys"]
    assert keys[0].secret.hex() not in repr(keys)


@pytest.mark.parametrize(
    "text", ["", "key = 3", "[[key]]\nid = 'x'", "\xff", "[[key]]\nid='a'\nsecret='zz'\ncreated=1"]
)
def test_a_file_without_valid_keys_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "seal.keys"
    path.write_text(text, encoding="latin-1")
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match=r"holdgate seal new-key|8 characters"):
        load_keys(path)


def test_keys_that_others_may_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "seal.keys"
    add_key(path, keep=HOUR, group_id=os.getgid(), now=NOW)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 0640"):
        load_keys(path)


def test_empty_lines_are_not_kept_in_memory() -> None:
    one, lines = BodyHash(), b"\r\n" * 2**15
    tracemalloc.start()
    try:
        for _ in range(100):
            one.update(lines)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < len(lines) * 10
    assert one.digest() == BodyHash().digest()
