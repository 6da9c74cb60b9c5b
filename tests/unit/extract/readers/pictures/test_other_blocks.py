"""Text in blocks of images that no reader knows, and what programs write there."""

import io
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from holdgate.extract.readers.pictures import image, other_blocks
from tests.unit.extract.readers.recording import read

WORDS = "her number is 536-90-4399"


def saved(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (20, 20)).save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a PNG with one more chunk, before its pixels."""
    data = saved("PNG")
    place = data.index(b"IDAT") - 4
    added = len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
    return data[:place] + added + data[place:]


def segment(kind: int, body: bytes) -> bytes:
    data = saved("JPEG")
    return data[:2] + bytes((255, kind)) + (len(body) + 2).to_bytes(2, "big") + body + data[2:]


def camera_notes() -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x927C] = WORDS.encode()
    return exif


HIDDEN = {
    "a private chunk": chunk(b"prVt", WORDS.encode()),
    "a private chunk in UTF-16": chunk(b"prVt", b"x" + WORDS.encode("utf-16-le")),
    "a colour profile": saved("PNG", icc_profile=WORDS.encode() * 3),
    "a colour profile of a JPEG": saved("JPEG", icc_profile=WORDS.encode() * 3),
    "data of an application": segment(0xEF, WORDS.encode()),
    "notes of a camera": saved("JPEG", exif=camera_notes()),
    "an extension of a GIF": saved("GIF")[:-1]
    + b"!\xff\x0bNETSCAPE2.0"
    + bytes([len(WORDS)])
    + WORDS.encode()
    + b"\0;",
}


@pytest.mark.parametrize("data", [pytest.param(one, id=name) for name, one in HIDDEN.items()])
def test_text_in_a_block_that_no_reader_knows_is_read(data: bytes) -> None:
    assert WORDS in read(image, data).whole()


@pytest.mark.parametrize(
    "text", ["Copyright 1998 Hewlett", "2026:11:23 09:00:00", "IEC 61966-2.1 Default RGB", "serial 12345"]
)
def test_values_that_programs_write_are_not_read_as_text(text: str) -> None:
    assert list(other_blocks.texts(chunk(b"prVt", text.encode()))) == []


def test_a_comment_is_passed_on_once() -> None:
    texts = [text for text, _ in read(image, saved("JPEG", comment=WORDS.encode())).texts]
    assert texts.count(WORDS) == 1


@given(st.binary(max_size=300), st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"GIF89a"]))
def test_any_bytes_are_searched_without_an_exception(data: bytes, start: bytes) -> None:
    list(other_blocks.texts(start + data))


@pytest.mark.parametrize("piece", [b"\xff", b"\xff\xd8", b"\xff\xe0\0\x02", b"a 1", b"\0\0\0\0prVt\0\0\0\0"])
def test_a_long_image_takes_linear_time(piece: bytes) -> None:
    def seconds(count: int) -> float:
        begun = time.process_time()
        for start in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"GIF89a"):
            list(other_blocks.texts(start + piece * count))
        return time.process_time() - begun

    seconds(100)
    assert min(seconds(60_000) for _ in range(3)) < 14 * min(seconds(10_000) for _ in range(3)) + 0.01
