"""Text in blocks of an image of which no reader knows the content: application data, private chunks, colour profiles.

Programs write there, and so can anybody. Only text in which a person could have written a number is of interest: the
rest are names of programs and cameras. Follows ISO/IEC 15948, 11.3 (PNG) and ITU-T T.81, B.1.1 (JPEG).
"""

import re
import zlib
from collections.abc import Iterator

from holdgate.extract.written import digits, is_written

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
# Pixels, and text that has its own reader.
_READ_CHUNKS = frozenset((b"IHDR", b"PLTE", b"IDAT", b"fdAT", b"tEXt", b"zTXt", b"iTXt", b"IEND"))
_XMP = b"http://ns.adobe.com/xap/1.0/"
_MARKER = re.compile(rb"\xff([\x01-\xfe])")
_NARROW = re.compile(rb"[\x20-\x7e]{9,}+")
_WIDE = re.compile(rb"(?:[\x20-\x7e]\x00){9,}+")
_PROFILE_BYTES = 4_000_000
_FEWEST_DIGITS = 8
"""The most frequent profile is called "IEC 61966-2.1"."""


def texts(data: bytes) -> Iterator[str]:
    """Yield such texts of an image, in the order of its blocks."""
    for block in _blocks(data):
        for run in _NARROW.finditer(block):
            if _is_written(text := run[0].decode("ascii")):
                yield text
        for run in _WIDE.finditer(block):
            if _is_written(text := run[0].decode("utf-16-le")):
                yield text


def _is_written(text: str) -> bool:
    return digits(text) >= _FEWEST_DIGITS and is_written(text)


def _blocks(data: bytes) -> Iterator[bytes]:
    if data.startswith(_PNG):
        yield from _chunks(data)
    elif data.startswith(_JPEG):
        yield from _segments(data)
    else:
        yield data


def _chunks(data: bytes) -> Iterator[bytes]:
    position = len(_PNG)
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        position += 12 + length
        if kind == b"iCCP":
            yield _inflated(body.partition(b"\0")[2][1:])
        if kind not in _READ_CHUNKS:
            yield body


def _inflated(packed: bytes) -> bytes:
    """Return an ICC profile, as much of it as can be unpacked: without one, programs show the image all the same."""
    inflate = zlib.decompressobj()
    try:
        return inflate.decompress(packed, _PROFILE_BYTES)
    except zlib.error:
        return b""


def _segments(data: bytes) -> Iterator[bytes]:
    """Yield application data and comments, between the scans too."""
    position = len(_JPEG)
    while marker := _MARKER.search(data, position):
        position = marker.end()
        kind = marker[1][0]
        if 0xD0 <= kind <= 0xD9 or kind == 1:
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        body = data[position + 2 : position + length]
        position += length
        if (0xE0 <= kind <= 0xEF or kind == 0xFE) and not body.startswith(_XMP):
            yield body
