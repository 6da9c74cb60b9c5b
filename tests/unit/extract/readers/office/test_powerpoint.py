import struct
import zlib

import pytest

from holdgate.extract.readers.office import ole
from holdgate.extract.reading import UnreadableError
from tests.data.compound_writer import compound
from tests.unit.extract.readers.recording import read

USER = struct.pack("<HHIII", 0, 0x0FF6, 20, 0x14, 0xE391C05F)


def atom(kind: int, body: bytes, instance: int = 0) -> bytes:
    return struct.pack("<HHI", instance << 4, kind, len(body)) + body


def container(kind: int, *records: bytes, instance: int = 0) -> bytes:
    body = b"".join(records)
    return struct.pack("<HHI", instance << 4 | 0xF, kind, len(body)) + body


def presentation(*records: bytes, user: bytes = USER) -> bytes:
    return compound({"Current User": user, "PowerPoint Document": b"".join(records)})


def wide(text: str) -> bytes:
    return text.encode("utf-16-le")


def test_slides_notes_masters_and_comments_are_named() -> None:
    slides = container(
        0x0FF0, atom(0x03F3, b"\0" * 20), atom(0x0FA0, wide("first")), atom(0x03F3, b"\0" * 20), atom(0x0FA8, b"second")
    )
    comment = container(0x2EE0, atom(0x0FBA, wide("remark"), 1))
    sink = read(
        ole,
        presentation(
            container(0x03E8, slides),
            container(0x03EE, container(0x1388, atom(0x138B, comment))),
            container(0x03F0, atom(0x0FA0, wide("spoken"))),
            container(0x03F8, atom(0x0FA0, wide("layout"))),
        ),
    )
    assert sink.place_of("first") == "slide 1"
    assert sink.place_of("second") == "slide 2"
    assert sink.place_of("remark") == "slide, comment"
    assert sink.place_of("spoken") == "notes"
    assert sink.place_of("layout") == "master"


def test_embedded_objects_are_decompressed() -> None:
    packed = struct.pack("<I", 6) + zlib.compress(b"object")
    sink = read(ole, presentation(atom(0x1011, packed, 1), atom(0x1011, b"plain", 0)))
    assert [content for _, content in sink.documents] == [b"object", b"plain"]


def test_an_object_that_cannot_be_decompressed_is_reported() -> None:
    sink = read(ole, presentation(atom(0x1011, b"\4\0\0\0nothing", 1)))
    assert sink.reasons == ["embedded object not read"]


def test_deep_nesting_ends_and_is_reported() -> None:
    record = atom(0x0FA8, b"deepest")
    for _ in range(100):
        record = container(0x03E8, record)
    sink = read(ole, presentation(record))
    assert sink.reasons == ["nested too deeply"]


def test_an_encrypted_presentation_is_reported() -> None:
    user = struct.pack("<HHIII", 0, 0x0FF6, 20, 0x14, 0xF3D1C4DF)
    with pytest.raises(UnreadableError, match=r"^encrypted$"):
        read(ole, presentation(user=user))
