"""Parquet files that pyarrow wrote (tests/data/make_parquet.py): each value on its own, with its column's name."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.budget import LimitReachedError
from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.extract.readers.data import lz4_block, parquet, parquet_values, thrift
from holdgate.extract.reading import UnreadableError
from tests.support.sink import read_all

FILES = Path(__file__).parents[4] / "data/parquet"
NAMES = sorted(path.name for path in FILES.iterdir())
VALUES = [
    "name: Alice",
    "name: Rosenquist",
    "number: 4111111111111111",
    "number: 4012888888881881",
    "share: 219099999",
    "many: a",
    "many: Rosenquist-inside",
    "inner.deep: Rosenquist-below",
    "fixed: Rosenquist-12345",
]


def data_of(name: str) -> bytes:
    return (FILES / name).read_bytes()


@pytest.mark.parametrize("name", [name for name in NAMES if "brotli" not in name])
def test_each_value_is_a_separate_text(name: str) -> None:
    extraction = extract_file(name, data_of(name))
    (part,) = extraction.parts
    assert (part.status, part.reader, extraction.signals) == (Status.COMPLETE, "parquet", [])
    lines = part.text.splitlines()
    assert [value for value in VALUES if value not in lines] == []
    assert not any("AliceRosen" in line or line.endswith(": 5") for line in lines)
    assert part.place_at(part.text.index("number")) == "column number"


def test_an_unsupported_compression_is_limited() -> None:
    (part,) = extract_file("brotli.parquet", data_of("brotli.parquet")).parts
    assert (part.status, part.reason) == (Status.LIMITED, parquet.UNREAD)


def test_an_encrypted_footer_is_reported_as_encrypted() -> None:
    data = b"PARE" + bytes(40) + b"PARE"
    assert extract_file("a.parquet", data).reason.endswith("encrypted")


def test_data_between_the_columns_and_the_footer_is_read() -> None:
    data = data_of("plain.parquet")
    length = int.from_bytes(data[-8:-4], "little")
    at = len(data) - 8 - length
    tail = b"Rosenquist, which no column accounts for in this file"
    parts = extract_file("a.parquet", data[:at] + tail + data[at:]).parts
    assert any("no column accounts" in part.text for part in parts)


@pytest.mark.parametrize("name", NAMES)
def test_damage_is_never_complete(name: str) -> None:
    data = data_of(name)
    assert extract_file("a.parquet", data[:-1]).status is not Status.COMPLETE
    assert extract_file("a.parquet", data[:8] + b"\xff" * 200 + data[208:]).status is not Status.COMPLETE


@given(st.sampled_from(NAMES), st.integers(0, 5_000), st.binary(min_size=1, max_size=8))
def test_damage_raises_only_the_expected_errors(name: str, at: int, damage: bytes) -> None:
    data = data_of(name)
    at %= len(data)
    with contextlib.suppress(UnreadableError, LimitReachedError):
        read_all(parquet.read, data[:at] + damage + data[at + len(damage) :])


@given(st.binary(max_size=100), st.integers(1, 7), st.integers(0, 9))
def test_any_bytes_can_be_read_as_a_page(data: bytes, kind: int, encoding: int) -> None:
    with contextlib.suppress(ValueError, parquet_values.UnknownEncodingError):
        list(parquet_values.values(data, kind, 3, encoding))


@given(st.binary(max_size=100))
def test_any_bytes_can_be_read_as_a_structure_or_a_block(data: bytes) -> None:
    with contextlib.suppress(thrift.ThriftError):
        thrift.Reader(data).struct()
    with contextlib.suppress(ValueError):
        assert len(lz4_block.unpacked(data, 1_000)) <= 1_000
