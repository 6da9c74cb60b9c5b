"""Reads the extra files of macOS in archives and mail: AppleDouble and AppleSingle files, and .DS_Store.

Follows RFC 1740, appendix A and B (header and entries). The format of the folder settings in .DS_Store is unpublished,
so only the strings are read: names and comments of files.
"""

import struct

from holdgate.extract.extents import archives
from holdgate.extract.format import Format
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink, UnreadableError

DOUBLE, SINGLE = b"\x00\x05\x16\x07", b"\x00\x05\x16\x00"
FOLDER = b"\x00\x00\x00\x01Bud1"
DATA_FORK, RESOURCE_FORK, NAME, COMMENT = 1, 2, 3, 4
PLACE = "file properties"
EMPTY_FORK = 286
"""A resource fork of this many bytes is empty: it has a map and a remark that states this."""


def read(document: Document, sink: Sink) -> None:
    """Read one of the three; raise UnreadableError("damaged") for anything else."""
    data = document.data
    if data.startswith(FOLDER):
        _strings(data, sink)
    elif data.startswith((DOUBLE, SINGLE)):
        _read_entries(data, document.name, sink)
    else:
        raise UnreadableError("damaged")


def _read_entries(data: bytes, name: str, sink: Sink) -> None:
    try:
        (count,) = struct.unpack_from(">H", data, 24)
        entries = [struct.unpack_from(">III", data, 26 + 12 * number) for number in range(count)]
    except struct.error:
        raise UnreadableError("damaged") from None
    for kind, offset, length in entries:
        entry = data[offset : offset + length]
        if len(entry) < length:
            sink.limited("damaged")
        if kind == DATA_FORK:
            sink.embedded(entry, name)
        elif kind in (NAME, COMMENT):
            sink.text(entry.decode("mac_roman"), PLACE)
        else:
            _strings(entry, sink)
            if kind == RESOURCE_FORK and length > EMPTY_FORK:
                sink.limited("resource fork, only strings read")


def _strings(data: bytes, sink: Sink) -> None:
    for text in strings(data, big_endian=True):
        sink.text(text, PLACE)


FORMAT = Format(
    kind="apple",
    read=read,
    claims=archives.of_apple,
    holds="files that macOS puts next to others: AppleDouble, AppleSingle, .DS_Store",
    read_by="Holdgate",
    unread="",
    signatures=(
        (0, b"\0\5\x16\7"),  # AppleDouble, RFC 1740
        (0, b"\0\5\x16\0"),  # AppleSingle
        (0, b"\0\0\0\1Bud1"),  # .DS_Store
    ),
)
