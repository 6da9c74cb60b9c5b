"""Binary property lists as Python's plistlib writes them."""

import plistlib

from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status

PAGE = b"<html><p>Rosenquist on a page</p></html>"
LIST = {
    "cardNumber": "4111 1111 1111 1111",
    "Größe": "Łódź",
    "number": 219099999,
    "large": 4111111111111111,
    "share": 0.5,
    "WebMainResource": {"WebResourceData": PAGE, "WebResourceMIMEType": "text/html"},
    "list": ["one", b"short data"],
}
DATA = plistlib.dumps(LIST, fmt=plistlib.FMT_BINARY)


def test_each_value_has_its_key() -> None:
    extraction = extract_file("a.plist", DATA)
    part = extraction.parts[0]
    assert (part.reader, extraction.status, extraction.signals) == ("plist", Status.COMPLETE, [])
    lines = part.text.splitlines()
    wanted = ["cardNumber: 4111 1111 1111 1111", "Größe: Łódź", "number: 219099999", "large: 4111111111111111"]
    assert [line for line in [*wanted, "share: 0.5", "one", "short data"] if line not in lines] == []
    assert "Rosenquist on a page" in [part.text for part in extraction.parts]


def test_an_object_that_nothing_refers_to_is_read() -> None:
    # The reference to the value of the only key is turned to the key itself.
    data = bytearray(plistlib.dumps({"key": "Rosenquist alone"}, fmt=plistlib.FMT_BINARY))
    at = data.index(b"\xd1\x01\x02")
    data[at + 2] = 1
    assert "Rosenquist alone" in extract_file("a.plist", bytes(data)).parts[0].text


def test_bytes_between_objects_are_read() -> None:
    tail = b"Rosenquist, which no object of the list accounts for"
    moved = bytearray(DATA[:-32] + tail + DATA[-32:])
    assert any("Rosenquist, which" in part.text for part in extract_file("a.plist", bytes(moved)).parts)


def test_damage_is_never_complete() -> None:
    assert extract_file("a.plist", DATA[:-5]).status is not Status.COMPLETE
    assert extract_file("a.plist", b"bplist00" + bytes(40)).status is not Status.COMPLETE


@given(st.binary(max_size=120))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    assert extract_file("a.plist", b"bplist00" + data).parts
