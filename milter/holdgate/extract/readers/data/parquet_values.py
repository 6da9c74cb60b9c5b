"""Decodes the values on a page of a Parquet file, in each encoding that can contain text or long numbers.

Follows "Parquet encoding definitions" (parquet-format 2.11, Encodings.md). Indices into a dictionary are not needed,
because the dictionary has each value once.
"""

import struct
from collections.abc import Iterator
from itertools import accumulate

INT32, INT64, INT96, FLOAT, DOUBLE, BYTES, FIXED = 1, 2, 3, 4, 5, 6, 7
PLAIN, PLAIN_DICTIONARY, RLE, DELTA, DELTA_LENGTHS, DELTA_BYTES, DICTIONARY, SPLIT = 0, 2, 3, 5, 6, 7, 8, 9
NO_VALUES = frozenset({PLAIN_DICTIONARY, DICTIONARY, RLE})
_FORMS = {INT32: "<i", INT64: "<q", FLOAT: "<f", DOUBLE: "<d"}
_MOST_VALUES = 10_000_000

Values = Iterator[int | float | bytes]


class UnknownEncodingError(Exception):
    """Values in this encoding are not read."""


def values(data: bytes, kind: int, width: int, encoding: int) -> Values:
    """Yield the values of a page after its levels. Raises UnknownEncodingError, and ValueError for damage."""
    if encoding in NO_VALUES:
        return iter(())
    if encoding == PLAIN:
        return _plain(data, kind, width)
    if encoding == DELTA and kind in (INT32, INT64):
        return iter(_deltas(data)[0])
    if encoding == DELTA_LENGTHS and kind == BYTES:
        return _by_lengths(data)
    if encoding == DELTA_BYTES and kind in (BYTES, FIXED):
        return _by_prefixes(data)
    if encoding == SPLIT and (kind in _FORMS or kind == FIXED):
        return _split(data, kind, width)
    raise UnknownEncodingError


def _plain(data: bytes, kind: int, width: int) -> Values:
    if kind == BYTES:
        at = 0
        while at + 4 <= len(data):
            (length,) = struct.unpack_from("<I", data, at)
            if at + 4 + length > len(data):
                raise ValueError("a value beyond the end")
            yield data[at + 4 : at + 4 + length]
            at += 4 + length
    elif kind == FIXED and width > 0:
        for at in range(0, len(data) - width + 1, width):
            yield data[at : at + width]
    elif form := _FORMS.get(kind):
        size = struct.calcsize(form)
        for (number,) in struct.iter_unpack(form, data[: len(data) // size * size]):
            yield number


def _split(data: bytes, kind: int, width: int) -> Values:
    size = width if kind == FIXED else struct.calcsize(_FORMS[kind])
    if size <= 0:
        raise ValueError("no width")
    count = len(data) // size
    joined = b"".join(bytes(data[at : count * size : count]) for at in range(count))
    return _plain(joined, kind, size)


def _by_lengths(data: bytes) -> Values:
    lengths, at = _deltas(data)
    for start, end in _spans(lengths):
        if end > len(data) - at:
            raise ValueError("a value beyond the end")
        yield data[at + start : at + end]


def _by_prefixes(data: bytes) -> Values:
    prefixes, at = _deltas(data)
    before = b""
    for prefix, suffix in zip(prefixes, _by_lengths(data[at:]), strict=False):
        if isinstance(suffix, bytes):
            before = before[: max(prefix, 0)] + suffix
            yield before


def _spans(lengths: list[int]) -> Iterator[tuple[int, int]]:
    if any(length < 0 for length in lengths):
        raise ValueError("a negative length")
    ends = list(accumulate(lengths))
    return zip([0, *ends], ends, strict=False)


def _deltas(data: bytes) -> tuple[list[int], int]:
    """Return the numbers of DELTA_BINARY_PACKED, and where they end."""
    block, at = _varint(data, 0)
    minis, at = _varint(data, at)
    total, at = _varint(data, at)
    first, at = _zigzag(data, at)
    if not minis or block % minis or total > _MOST_VALUES or total > 8 * len(data) * 128:
        raise ValueError("a false header")
    per = block // minis
    found = [first] if total else []
    while len(found) < total:
        least, at = _zigzag(data, at)
        widths = data[at : at + minis]
        at += minis
        if len(widths) < minis:
            raise ValueError("cut off")
        for width in widths:
            if len(found) >= total:
                break
            packed = int.from_bytes(data[at : at + per * width // 8], "little")
            at += per * width // 8
            mask = (1 << width) - 1
            for index in range(min(per, total - len(found))):
                found.append(_signed(found[-1] + least + (packed >> index * width & mask)))
    return found, at


def _signed(value: int) -> int:
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7
    raise ValueError("no number")


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return value >> 1 ^ -(value & 1), at
