import struct

import pytest

from holdgate.extract.readers.office import tnef
from holdgate.extract.reading import UnreadableError
from tests.unit.extract.readers.recording import read


def attribute(number: int, value: bytes, level: int = 1) -> bytes:
    return struct.pack("<BHHI", level, number, 6, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def variable(kind: int, number: int, value: bytes) -> bytes:
    return struct.pack("<HHII", kind, number, 1, len(value)) + value + b"\0" * (-len(value) % 4)


def named(kind: int, number: int, name: str, value: bytes) -> bytes:
    encoded = name.encode("utf-16-le")
    head = struct.pack("<HH16sII", kind, number, b"g" * 16, 1, len(encoded)) + encoded + b"\0" * (-len(encoded) % 4)
    return head + struct.pack("<II", 1, len(value)) + value + b"\0" * (-len(value) % 4)


def stream(*attributes: bytes) -> bytes:
    return b"\x78\x9f\x3e\x22\1\0" + b"".join(attributes)


def wide(text: str) -> bytes:
    return text.encode("utf-16-le")


def test_subject_body_and_properties_are_read() -> None:
    properties = struct.pack("<I", 3) + variable(0x1F, 0x1000, wide("the body"))
    properties += struct.pack("<HHI", 3, 0x0017, 1) + named(0x1F, 0x8001, "case number", wide("4711-0815"))
    sink = read(tnef, stream(attribute(0x8004, b"a subject\0"), attribute(0x9003, properties)))
    assert sink.place_of("a subject") == "subject"
    assert sink.place_of("the body") == ""
    assert sink.place_of("4711-0815") == "message properties"
    assert sink.place_of("case number") == "message properties"
    assert sink.reasons == []


def test_attachments_keep_their_long_names() -> None:
    names = (
        struct.pack("<I", 2)
        + variable(0x1F, 0x3707, wide("a long name.csv"))
        + variable(0x1F, 0x370E, wide("text/csv"))
    )
    data = stream(
        attribute(0x9002, b"\0" * 14, 2), attribute(0x8010, b"ALONGN~1.CSV\0", 2), attribute(0x800F, b"one", 2),
        attribute(0x9005, names, 2), attribute(0x9002, b"\0" * 14, 2), attribute(0x8010, b"b.txt\0", 2),
        attribute(0x800F, b"two", 2),
    )  # fmt: skip
    assert read(tnef, data).documents == [("a long name.csv", b"one"), ("b.txt", b"two")]


def test_an_inner_message_is_passed_on_without_its_interface_id() -> None:
    inner = stream(attribute(0x8004, b"inner\0"))
    properties = struct.pack("<I", 1) + variable(0x0D, 0x3701, b"i" * 16 + inner)
    sink = read(tnef, stream(attribute(0x9002, b"\0" * 14, 2), attribute(0x9005, properties, 2)))
    assert [content for _, content in sink.documents] == [inner]


def test_recipients_are_read() -> None:
    row = struct.pack("<I", 1) + variable(0x1E, 0x3003, b"anna@corp.example\0")
    sink = read(tnef, stream(attribute(0x9004, struct.pack("<I", 1) + row)))
    assert sink.place_of("anna@corp.example") == "recipient, recipient properties"


def test_damage_is_reported_and_the_data_before_it_is_read() -> None:
    whole = stream(attribute(0x8004, b"a subject\0"), attribute(0x800C, b"the body\0"))
    sink = read(tnef, whole[:-6])
    assert sink.place_of("a subject") == "subject"
    assert sink.reasons == ["damaged"]
    with pytest.raises(UnreadableError, match=r"^damaged$"):
        read(tnef, b"winmail")
