"""Finds the images in drawings of old Office files.

Follows [MS-ODRAW] 2.2.23 (OfficeArtBlip): a record header, one or two checksums, a tag byte or a metafile header, then
the image. Records are found by their headers, so that streams with different wrappers are read in the same way.
"""

import re
import struct
import zlib
from collections.abc import Iterator

from holdgate.extract.budget import LimitReachedError
from holdgate.extract.readers.office.compound import Within
from holdgate.extract.readers.pictures import metafile
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink, UnreadableError

# The record type of each kind of image, after two bytes of instance and version. A pattern that begins with any bytes
# is slow, because it is tried everywhere.
BLIP = re.compile(rb"(?s)(?P<kind>[\x1a-\x1f\x29\x2a])\xf0(?=(?P<size>.{4}))")
# Record instances of each kind, with one and with two checksums.
INSTANCES = {
    0x1A: ("picture.emf", (0x3D4,), (0x3D5,)),
    0x1B: ("picture.wmf", (0x216,), (0x217,)),
    0x1C: ("picture.pict", (0x542,), (0x543,)),
    0x1D: ("picture.jpeg", (0x46A, 0x6E2), (0x46B, 0x6E3)),
    0x1E: ("picture.png", (0x6E0,), (0x6E1,)),
    0x1F: ("picture.dib", (0x7A8,), (0x7A9,)),
    0x29: ("picture.tiff", (0x6E4,), (0x6E5,)),
    0x2A: ("picture.jpeg", (0x46A, 0x6E2), (0x46B, 0x6E3)),
}
METAFILES = frozenset({0x1A, 0x1B, 0x1C})


def pictures(data: bytes, sink: Sink) -> Iterator[tuple[bytes, str]]:
    """Yield raster images with a name that states their kind; read metafiles."""
    at = 0
    while match := BLIP.search(data, at + 2):
        begin = match.start() - 2
        at = begin + 1
        sink.budget.check_time()
        (head,) = struct.unpack_from("<H", data, begin)
        (size,) = struct.unpack("<I", match["size"])
        kind = match["kind"][0]
        name, one, two = INSTANCES[kind]
        instance = head >> 4
        if head & 0xF or instance not in (*one, *two) or size > len(data) - match.end():
            continue
        start = begin + 8 + (16 if instance in one else 32)
        end = begin + 8 + size
        at = end
        if kind in METAFILES:
            _read_metafile(data[start:end], sink)
        else:
            yield data[start + 1 : end], name


def _read_metafile(data: bytes, sink: Sink) -> None:
    """Read a metafile ([MS-ODRAW] 2.2.31: sizes, bounds, and whether it is compressed)."""
    if len(data) < 34:
        return
    size, _, _, _, _, _, _, _, compression = struct.unpack_from("<I4i2iIB", data, 0)
    content = data[34:]
    if compression == 0:
        try:
            sink.budget.check_entry(len(content), size)
            content = zlib.decompressobj().decompress(content, max(1, size))
        except (zlib.error, LimitReachedError):
            sink.limited("picture not read")
            return
        sink.budget.spend_bytes(len(content))
    try:
        metafile.read(Document(content), Within(sink, "picture"))
    except UnreadableError:
        for text in strings(content):
            sink.text(text, "picture")
