"""The extents of compound files, signed files, Arrow files and rich text."""

import struct

import olefile

from holdgate.extract import ole_file

Spans = list[tuple[int, int]]

_CONSTRUCTED = 0x20
_INDEFINITE = 0x80
_DEEPEST = 100
_MESSAGE = 0xFFFFFFFF


def of_compound(data: bytes) -> Spans:
    """The header and all sectors up to the last used one ([MS-CFB] 2.3)."""
    file = ole_file.opened(data)
    last = next((number for number in range(len(file.fat) - 1, -1, -1) if file.fat[number] != olefile.FREESECT), 0)
    return [(0, (last + 2) * file.sector_size)]


def of_der(data: bytes) -> Spans:
    """The first element, in DER or BER (X.690, 8.1). Text encodings are not handled here."""
    if data[:1] != b"\x30":
        return [(0, len(data))]
    return [(0, _element_end(data, 0, 0))]


def _element_end(data: bytes, position: int, depth: int) -> int:
    """Return the end of the element at `position`; one of indefinite length ends with two NUL bytes."""
    if depth > _DEEPEST:
        raise ValueError
    length = data[position + 1]
    position += 2
    if length > _INDEFINITE:
        count = length & 0x7F
        length = int.from_bytes(data[position : position + count], "big")
        return position + count + length
    if length != _INDEFINITE:
        return position + length
    while data[position : position + 2] != b"\0\0":
        position = _element_end(data, position, depth + 1)
    return position + 2


def of_arrow(data: bytes) -> Spans:
    """A stream up to its end mark; a file up to the length and magic after its footer (Arrow columnar format 1.4)."""
    file = data.startswith(b"ARROW1")
    position = 8 if file else 0
    while position + 8 <= len(data):
        first, size = struct.unpack_from("<Ii", data, position)
        if first != _MESSAGE:
            first, size, position = _MESSAGE, int(first), position - 4
        position += 8
        if size <= 0:
            break
        position += size + _body_length(data[position : position + size])
    if not file:
        return [(0, position)]
    magic = data.find(b"ARROW1", position)
    while magic >= 0 and struct.unpack_from("<i", data, magic - 4)[0] != magic - 4 - position:
        magic = data.find(b"ARROW1", magic + 1)
    if magic < 0:
        raise ValueError
    return [(0, magic + 6)]


def _body_length(header: bytes) -> int:
    """Return the field bodyLength of a message (Message.fbs)."""
    (root,) = struct.unpack_from("<I", header)
    table = root - struct.unpack_from("<i", header, root)[0]
    size = struct.unpack_from("<H", header, table)[0]
    offset = struct.unpack_from("<H", header, table + 10)[0] if size > 10 else 0
    return int(struct.unpack_from("<q", header, root + offset)[0]) if offset else 0
