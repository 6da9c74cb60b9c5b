import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.identify import identify
from holdgate.extract.readers.pictures import metafile
from holdgate.extract.reading import Document, UnreadableError
from tests.unit.extract.readers.recording import read


def emf(*records: bytes) -> bytes:
    header = struct.pack("<II32s4s64s", 1, 108, b"", b" EMF", b"")
    return header + b"".join(records) + struct.pack("<II12s", 14, 20, b"")


def text_w(text: str, height: int, options: int = 0) -> bytes:
    raw = text.encode("utf-16-le")
    raw += b"\0" * (-len(raw) % 4)
    body = struct.pack("<16sIffiiIII16sI", b"", 1, 1, 1, 0, height, len(text), 76, options, b"", 0)
    return struct.pack("<II", 84, 8 + len(body) + len(raw)) + body + raw


def wmf(*records: bytes, placeable: bool = False) -> bytes:
    head = b"\xd7\xcd\xc6\x9a" + b"\0" * 18 if placeable else b""
    return head + b"\x01\x00\x09\x00\x00\x03" + b"\0" * 12 + b"".join(records)


def record(function: int, body: bytes) -> bytes:
    return struct.pack("<IH", 3 + len(body) // 2, function) + body


def test_adjacent_texts_are_joined_to_a_line() -> None:
    sink = read(metafile, emf(text_w("card", 5), text_w("4111 1111", 5), text_w("below", 9)))
    assert [text for text, _ in sink.texts] == ["card 4111 1111", "below"]
    sink = read(metafile, emf(*(text_w(digit, 5) for digit in "4711")))
    assert [text for text, _ in sink.texts] == ["4711"]


def test_glyph_numbers_are_not_text() -> None:
    assert read(metafile, emf(text_w("ab", 5, options=0x10))).texts == []


@pytest.mark.parametrize("placeable", [False, True])
def test_old_metafiles_are_read(placeable: bool) -> None:
    plain = record(0x0521, struct.pack("<H6shh", 5, b"Hello\0", 7, 1))
    extended = record(0x0A32, struct.pack("<hhHH6s", 9, 1, 6, 0, b"second"))
    clipped = record(0x0A32, struct.pack("<hhHH8s6s", 12, 1, 5, 4, b"", b"third\0"))
    sink = read(metafile, wmf(plain, extended, clipped, placeable=placeable))
    assert [text for text, _ in sink.texts] == ["Hello", "second", "third"]


def test_bitmaps_are_passed_on_as_files() -> None:
    header = struct.pack("<IiiHHIIiiII", 40, 1, 1, 1, 24, 0, 4, 0, 0, 0, 0)
    body = struct.pack("<16s24s4I24s", b"", b"", 88, 40, 128, 4, b"") + header + b"abc\0"
    picture = struct.pack("<2sIII", b"BM", 58, 0, 54) + header + b"abc\0"
    assert read(metafile, emf(struct.pack("<II", 81, 8 + len(body)) + body)).documents == [("picture.bmp", picture)]
    old = record(0x0F43, b"\0" * 22 + header + b"abc\0")
    assert read(metafile, wmf(old)).documents == [("picture.bmp", picture)]


@pytest.mark.parametrize("data", [emf(), wmf(), wmf(placeable=True)])
def test_metafiles_are_recognised_by_their_content(data: bytes) -> None:
    assert identify(Document(data)) == "metafile"


def test_damage_is_reported() -> None:
    assert read(metafile, emf(b"\1\0\0\0\0\0\0\0")).reasons == ["damaged picture"]
    with pytest.raises(UnreadableError):
        read(metafile, b"GIF89a")


@given(st.binary(max_size=200))
def test_any_input_is_read_without_an_exception(junk: bytes) -> None:
    read(metafile, emf(junk))
    read(metafile, wmf(junk))
