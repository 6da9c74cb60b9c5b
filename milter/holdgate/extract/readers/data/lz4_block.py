"""Unpacks LZ4 blocks without a frame, as Parquet has them (LZ4_RAW), at a limited cost.

Follows the LZ4 block format description (lz4_Block_format.md): literals, then a copy, in turns.
"""

_SHORTEST_COPY = 4
_MORE = 15


def unpacked(data: bytes, most: int) -> bytes:
    """Return the content of a block. Raises ValueError for damage and for more than `most` bytes."""
    out = bytearray()
    at, end = 0, len(data)
    while at < end:
        token = data[at]
        length, at = _length(data, at + 1, token >> 4)
        if at + length > end or len(out) + length > most:
            raise ValueError("literals beyond the end")
        out += data[at : at + length]
        at += length
        if at == end:
            break
        offset = int.from_bytes(data[at : at + 2], "little")
        length, at = _length(data, at + 2, token & 15)
        length += _SHORTEST_COPY
        start = len(out) - offset
        if not offset or start < 0 or len(out) + length > most:
            raise ValueError("a copy from nowhere")
        piece = out[start : start + length]
        out += piece if offset >= length else (piece * (length // offset + 1))[:length]
    return bytes(out)


def _length(data: bytes, at: int, length: int) -> tuple[int, int]:
    if length == _MORE:
        while True:
            if at >= len(data):
                raise ValueError("cut off")
            length += data[at]
            at += 1
            if data[at - 1] != 255:
                break
    return length, at
