"""Text in bytes of an unknown format: the result does not depend on how the search is made faster."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.readers.texts.byte_strings import LETTERS, strings

# What a run is, without the parts that make a search faster.
_LITTLE = re.compile(rb"(?:[\t\x20-\x7e\xa0-\xff]\x00|[\x00-\xff][\x01-\x04]|[\x10-\x3f]\x20){6,}")
_BIG = re.compile(rb"(?:\x00[\t\x20-\x7e\xa0-\xff]|[\x01-\x04][\x00-\xff]|\x20[\x10-\x3f]){6,}")
_BYTES = st.lists(
    st.sampled_from(
        [
            b"\0", b"\0\0", b"\0\0\0", b"\0" * 7, b"\x01", b"\x04", b"\x05", b" ", b"A", b"7", b"\xff", b"\xff" * 4,
            b"\x1f", b"\x90", b"a\0b\0c\0d\0e\0f\0", b"\0a\0b\0c\0d\0e\0f", b"\0\1", b"\1\0", b"\x10\x20",
        ]
    ),
    max_size=40,
).map(b"".join)  # fmt: skip


def _reference(data: bytes, *, big_endian: bool) -> Iterator[str]:
    pattern, codec = (_BIG, "utf-16-be") if big_endian else (_LITTLE, "utf-16-le")
    for match in pattern.finditer(data):
        text = match.group().decode(codec, "replace").strip()
        if LETTERS.search(text):
            yield text


@given(data=_BYTES, big_endian=st.booleans())
def test_the_same_runs_are_found_as_by_the_plain_pattern(data: bytes, big_endian: bool) -> None:
    """Zeros between the runs, which most binary files have, are skipped without a run being cut."""
    assert list(strings(data, narrow=False, big_endian=big_endian)) == list(_reference(data, big_endian=big_endian))


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("before", [b"", b"\0", b"\0" * 3, b"\0" * 4, b"\xff\xff"])
@pytest.mark.parametrize("after", [b"", b"\0" * 2, b"\0" * 3, b"\0" * 4, b"\xff\xff"])
@pytest.mark.parametrize("text", ["Invoice", "ĀbcdefĀ", "Ѐвгдеё"])
def test_a_run_between_zeros_is_complete(codec: str, before: bytes, after: bytes, text: str) -> None:
    """A character that ends or begins with a zero byte, next to zeros, belongs to the run."""
    run = text.encode(codec)
    found = [one for one in strings(before + run + after, narrow=False, big_endian=codec == "utf-16-be") if one]
    assert found == list(_reference(before + run + after, big_endian=codec == "utf-16-be"))
    assert any(text[1:-1] in one for one in found)


def test_five_characters_are_not_a_run() -> None:
    """A near miss: a run has six characters."""
    assert list(strings("Anna5".encode("utf-16-le"), narrow=False)) == []
    assert list(strings(b"\0\0\0" + "Anna5".encode("utf-16-le") + b"\0\0\0", narrow=False)) == []
