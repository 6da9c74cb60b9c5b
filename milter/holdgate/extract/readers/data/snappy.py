"""Unpacks Snappy blocks, in which Apple's iWork and Parquet store their data, at a limited cost.

Follows the Snappy compressed format description (format_description.txt): a length, then literals and copies.
"""


class SnappyError(Exception):
    """The block is damaged, or longer than allowed."""


def unpacked(data: bytes, most: int) -> bytes:
    """Return the content of a block. Raises SnappyError for more than `most` bytes, before any is unpacked."""
    size, at = _length(data)
    if size > most:
        raise SnappyError("too large")
    out = bytearray()
    end = len(data)
    while at < end:
        tag = data[at]
        at += 1
        kind = tag & 3
        if kind == 0:
            length = tag >> 2
            if length >= 60:
                width = length - 59
                length = int.from_bytes(data[at : at + width], "little")
                at += width
            length += 1
            if at + length > end:
                raise SnappyError("cut off")
            out += data[at : at + length]
            at += length
        else:
            if kind == 1:
                length, width = (tag >> 2 & 7) + 4, 1
            else:
                length, width = (tag >> 2) + 1, 2 if kind == 2 else 4
            offset = int.from_bytes(data[at : at + width], "little") | (tag >> 5 << 8 if kind == 1 else 0)
            at += width
            _copy(out, offset, length)
        if len(out) > size:
            raise SnappyError("longer than it says")
    if len(out) != size:
        raise SnappyError("cut off")
    return bytes(out)


def _copy(out: bytearray, offset: int, length: int) -> None:
    """Append bytes from `offset` before the end; a copy can overlap what it writes."""
    start = len(out) - offset
    if offset <= 0 or start < 0:
        raise SnappyError("a copy from before the beginning")
    piece = out[start : start + length]
    if offset < length:
        piece = (piece * (length // offset + 1))[:length]
    out += piece


def _length(data: bytes) -> tuple[int, int]:
    size = shift = at = 0
    while at < len(data) and at < 5:
        size |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return size, at
    raise SnappyError("no length")
