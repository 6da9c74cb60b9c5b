"""Arrow files that pyarrow wrote (tests/data/make_arrow.py): every value on its own, with the name of its column."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.budget import LimitReachedError
from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.extract.readers.data import arrow
from holdgate.extract.reading import UnreadableError
from tests.support.sink import read_all

FILES = Path(__file__).parents[4] / "data/arrow"
VALUES = [
    "name: Alice",
    "name: Rosenquist",
    "note: three",
    "number: 4111111111111111",
    "number: 4012888888881881",
    "many.item: a",
    "many.item: Rosenquist-inside",
    "inner.deep: Rosenquist-below",
    "kind: Rosenquist-red",
    "large: Rosenquist-large",
]


@pytest.mark.parametrize("name", ["uncompressed.feather", "lz4.feather", "zstd.feather", "stream.arrows"])
def test_each_value_is_a_separate_text(name: str) -> None:
    extraction = extract_file(name, (FILES / name).read_bytes())
    (part,) = extraction.parts
    assert (part.status, part.reader) == (Status.COMPLETE, "arrow")
    lines = part.text.splitlines()
    assert [value for value in VALUES if value not in lines] == []
    assert not any("AliceBob" in line or "small" in line for line in lines)


def test_a_column_with_unclear_buffers_is_read_as_strings() -> None:
    extraction = extract_file("views.arrow", (FILES / "views.arrow").read_bytes())
    assert (extraction.status, extraction.parts[0].reason) == (
        Status.LIMITED,
        "columns of views, unions or runs: only strings read",
    )
    assert "before: first" in extraction.parts[0].text
    assert "Rosenquist, a long value of a view" in extraction.parts[0].text


def test_values_outside_the_slice_are_read() -> None:
    data = (FILES / "uncompressed.feather").read_bytes()
    # The last offset of the column "large" is reduced by five letters: they are in the buffer, and in no row.
    end = len("xyzRosenquist-large").to_bytes(8, "little")
    at = data.rindex(end)
    shortened = data[:at] + (len("xyzRosenquist-large") - 5).to_bytes(8, "little") + data[at + 8 :]
    lines = extract_file("a.feather", shortened).parts[0].text.splitlines()
    assert "large: Rosenquist-" in lines
    assert "large: large" in lines


@pytest.mark.parametrize("data", [b"ARROW1\0\0", b"ARROW1", b"\xff\xff\xff\xff\x10\0\0\0" + bytes(16)])
def test_a_file_without_a_schema_is_damaged(data: bytes) -> None:
    with pytest.raises(UnreadableError, match="damaged"):
        read_all(arrow.read, data)


@given(st.data())
def test_damage_raises_only_the_expected_errors(data: st.DataObject) -> None:
    file = bytearray((FILES / "uncompressed.feather").read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        file[data.draw(st.integers(8, len(file) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UnreadableError, LimitReachedError):
        read_all(arrow.read, bytes(file))
