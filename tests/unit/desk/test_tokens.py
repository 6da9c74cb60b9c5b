import random
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate import keyfile
from holdgate.desk import tokens
from holdgate.desk.tokens import Claim, Key, parse
from holdgate.quarantine.incident import new_incident_id

KEY = Key(b"k" * 32)
DEADLINE = datetime(2026, 11, 25, 12, tzinfo=UTC)
PURPOSES = (tokens.LINK, tokens.REPLY, tokens.BOUNCE, tokens.WITHDRAW)


def claim_of(token: str) -> Claim:
    claim = parse(token)
    assert claim is not None
    return claim


@given(st.sampled_from(PURPOSES), st.integers(0, 10**12 - 1), st.emails(), st.datetimes(timezones=st.just(UTC)))
def test_a_token_is_valid_only_for_its_purpose_person_and_deadline(
    purpose: str, number: int, person: str, deadline: datetime
) -> None:
    incident_id = new_incident_id()
    token = KEY.token(purpose, incident_id, number, person, deadline)
    claim = claim_of(token)
    assert (claim.purpose, claim.incident_id, claim.number) == (purpose, incident_id, number)
    assert KEY.proves(claim, person, deadline)
    assert KEY.proves(claim_of(token.upper()), person, deadline)
    assert not KEY.proves(claim, person + "x", deadline)
    assert not KEY.proves(claim, person, deadline + timedelta(microseconds=1000))
    assert not Key(b"l" * 32).proves(claim, person, deadline)


def test_a_reply_address_is_within_the_limit_of_rfc_5321() -> None:
    token = KEY.token(tokens.REPLY, "7K3M-Q9TX-2ABC", 10**9, "boss@corp.example", DEADLINE)
    assert len(f"holdgate+{token}") <= 64


def test_parts_of_two_tokens_cannot_be_combined() -> None:
    one = claim_of(KEY.token(tokens.LINK, "AAAA-AAAA-AAAA", 1, "a@corp.example", DEADLINE))
    for swapped in (
        Claim(tokens.REPLY, one.incident_id, one.number, one.mac),
        Claim(one.purpose, "AAAA-AAAA-AAAB", one.number, one.mac),
        Claim(one.purpose, one.incident_id, 2, one.mac),
    ):
        assert not KEY.proves(swapped, "a@corp.example", DEADLINE)


@pytest.mark.slow
def test_one_hundred_thousand_forged_and_damaged_tokens_are_invalid() -> None:
    chance = random.Random(7)
    good = KEY.token(tokens.LINK, "7K3M-Q9TX-2ABC", 12, "boss@corp.example", DEADLINE)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
    proven = 0
    for _ in range(100_000):
        damaged = list(good)
        kind = chance.randrange(4)
        if kind == 0:
            damaged[chance.randrange(len(damaged))] = chance.choice(letters)
        elif kind == 1:
            del damaged[chance.randrange(len(damaged)) :]
        elif kind == 2:
            one, other = chance.randrange(len(damaged)), chance.randrange(len(damaged))
            damaged[one], damaged[other] = damaged[other], damaged[one]
        else:
            damaged[-26:] = chance.choices("abcdefghijklmnopqrstuvwxyz234567", k=26)
        if "".join(damaged) == good:
            continue
        claim = parse("".join(damaged))
        proven += claim is not None and KEY.proves(claim, "boss@corp.example", DEADLINE)
    assert proven == 0


@given(st.text(max_size=80))
def test_text_that_is_not_a_token_is_refused(text: str) -> None:
    claim = parse(text)
    assert claim is None or KEY.proves(claim, "a@corp.example", DEADLINE) is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a-7k3mq9tx2abc-1-" + "a" * 25,
        "a-7k3mq9tx2abc-١-" + "a" * 26,
        "a" * 10**6,
        "a-7k3mq9tx2abc-01-" + "a" * 26,
    ],
)
def test_tokens_in_other_forms_are_refused(text: str) -> None:
    assert parse(text) is None


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers()), max_size=4))
def test_sealed_content_is_unsealed_only_for_the_same_purpose(content: dict[str, str | int]) -> None:
    sealed = KEY.seal("session", content)
    assert KEY.unseal("session", sealed) == content
    assert KEY.unseal("link", sealed) is None
    assert Key(b"l" * 32).unseal("session", sealed) is None
    assert KEY.unseal("session", sealed[:-1]) is None
    assert KEY.unseal("session", "x" + sealed) is None


@given(st.text())
def test_any_invalid_text_is_refused_without_an_exception(text: str) -> None:
    assert KEY.unseal("session", text) is None
    assert not KEY.stamped(text, "a@corp.example", "decision")


def test_a_stamp_is_valid_only_for_its_fields() -> None:
    stamp = KEY.stamp("a@corp.example", "decision 1")
    assert KEY.stamped(stamp, "a@corp.example", "decision 1")
    assert not KEY.stamped(stamp, "a@corp.example", "decision 2")
    assert not KEY.stamped(stamp, "a@corp.example decision", "1")


def test_the_key_file_is_written_once_and_readable_only_by_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "token.key"
    first = Key.load(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Key.load(path) == first
    assert first != Key.load(tmp_path / "other.key")
    assert first.secret.hex() not in repr(first)
    path.write_text("abcd\n")
    with pytest.raises(ValueError, match="32 bytes"):
        Key.load(path)


def test_a_replaced_key_still_verifies_but_no_longer_signs(tmp_path: Path) -> None:
    path = tmp_path / "token.key"
    key = Key.load(path)
    claim = claim_of(key.token(tokens.LINK, "AAAA-AAAA-AAAA", 1, "a@corp.example", DEADLINE))
    sealed, stamp = key.seal("session", {"who": "a"}), key.stamp("a", "list")
    path.chmod(0o640)
    now = datetime(2026, 11, 28, tzinfo=UTC)
    assert keyfile.rotate(path, now, revoke=False) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    for one in (key, Key.load(path)):  # a desk that runs, and one that is started now
        assert one.proves(claim, "a@corp.example", DEADLINE)
        assert one.unseal("session", sealed) == {"who": "a"}
        assert one.stamped(stamp, "a", "list")
        assert one.stamp("a", "list") != stamp
        assert claim_of(one.token(tokens.LINK, "AAAA-AAAA-AAAA", 1, "a@corp.example", DEADLINE)) != claim
    # Each is kept as long after its own end, not after that of another.
    assert keyfile.rotate(path, now + timedelta(days=40), revoke=False) == 2
    assert keyfile.rotate(path, now + timedelta(days=80), revoke=False) == 2
    assert not key.proves(claim, "a@corp.example", DEADLINE)


def test_a_compromised_key_can_be_revoked(tmp_path: Path) -> None:
    path = tmp_path / "token.key"
    key = Key.load(path)
    claim = claim_of(key.token(tokens.LINK, "AAAA-AAAA-AAAA", 1, "a@corp.example", DEADLINE))
    keyfile.rotate(path, datetime(2026, 11, 28, tzinfo=UTC), revoke=False)
    assert keyfile.rotate(path, datetime(2026, 11, 28, tzinfo=UTC), revoke=True) == 0
    assert not key.proves(claim, "a@corp.example", DEADLINE)
    assert len(path.read_text().split()) == 1


def test_a_damaged_key_file_leaves_the_loaded_keys_active(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "token.key"
    key = Key.load(path)
    stamp = key.stamp("a")
    path.write_text("broken")
    assert key.stamped(stamp, "a")
    assert "stage=keys" in caplog.text
    with pytest.raises(ValueError, match="line 1"):
        keyfile.rotate(path, DEADLINE, revoke=False)
    path.unlink()
    assert key.stamped(stamp, "a")
