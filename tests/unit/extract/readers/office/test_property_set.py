import struct

from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.readers.office.property_set import read_properties
from tests.unit.extract.readers.recording import RecordingSink


def property_set(*properties: tuple[int, bytes], codepage: int = 1252) -> bytes:
    """Return a stream with one set: its code page, then properties as id and typed value."""
    entries = [(1, struct.pack("<IHH", 2, codepage, 0)), *properties]
    offset, offsets, values = 8 + 8 * len(entries), b"", b""
    for identifier, value in entries:
        offsets += struct.pack("<II", identifier, offset + len(values))
        values += value + b"\0" * (-len(value) % 4)
    body = struct.pack("<II", 8 + len(offsets) + len(values), len(entries)) + offsets + values
    return struct.pack("<HHI16sI16sI", 0xFFFE, 0, 0, b"", 1, b"", 48) + body


def narrow(text: bytes) -> bytes:
    return struct.pack("<II", 0x1E, len(text) + 1) + text + b"\0"


def texts(data: bytes) -> list[str]:
    sink = RecordingSink()
    read_properties(data, sink)
    assert sink.reasons == []
    return [text for text, _ in sink.texts]


def test_strings_are_in_the_code_page_of_the_set() -> None:
    assert texts(property_set((2, narrow("Привет".encode("cp1251"))), codepage=1251)) == ["Привет"]
    assert texts(property_set((2, narrow("Grüße".encode())), codepage=65001)) == ["Grüße"]


def test_custom_properties_are_read_with_their_names() -> None:
    dictionary = struct.pack("<III", 1, 2, 5) + b"case\0"
    wide = struct.pack("<II", 0x1F, 5) + "4711\0".encode("utf-16-le")
    assert texts(property_set((0, dictionary), (2, wide))) == ["case", "4711"]


def test_vectors_numbers_and_dates_are_read() -> None:
    vector = struct.pack("<II", 0x101E, 2) + b"\5\0\0\0one\0\0" + b"\4\0\0\0two\0"
    date = struct.pack("<IQ", 0x40, 119_600_064_000_000_000)
    assert texts(property_set((3, vector), (4, struct.pack("<Ii", 3, 4711)), (5, date))) == [
        "one",
        "two",
        "4711",
        "1980-01-01 00:00",
    ]


def test_the_strings_of_a_damaged_set_are_read() -> None:
    data = property_set((2, narrow(b"Account 4711")))
    assert "Account 4711" in texts(data[:44] + b"\xff\0\0\0" + data[48:])


@given(st.binary(max_size=200))
def test_any_input_is_read_without_an_exception(data: bytes) -> None:
    read_properties(struct.pack("<HHI16sI16sI", 0xFFFE, 0, 0, b"", 1, b"", 48) + data, RecordingSink())
