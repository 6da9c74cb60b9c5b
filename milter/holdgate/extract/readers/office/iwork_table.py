"""Reads the tables of iWork documents: cells with their texts and numbers, as rows.

The layout of cells follows numbers-parser 4.22 (cell.py), which reads what Numbers 10 and later write.
"""

import struct
from collections.abc import Iterator
from itertools import pairwise

from holdgate.extract.readers.data.protobuf import ProtobufError, message, messages, whole

_CELL_VERSION = 5
_DECIMAL, _DOUBLE, _SECONDS, _STRING = 1, 2, 4, 8
_NO_CELL = 0xFFFF
_BIAS = 0x1820
_MOST_DIGITS = 40
_SHOWN_DIGITS = 15


def rows(table: bytes, objects: dict[int, bytes], taken: set[int]) -> Iterator[tuple[str, list[str]]]:
    """Yield place and cells of each row of a table; the lists of strings that were read are added to `taken`."""
    name = message(table, 8).decode("utf-8", "replace")
    store = message(table, 4)
    number = whole(message(store, 4), 1)
    strings = _strings(objects.get(number, b""))
    if strings:
        taken.add(number)
    unused = dict(strings)
    for tile in messages(message(store, 3), 1):
        for info in messages(objects.get(whole(message(tile, 2), 1), b""), 5):
            cells: list[str] = []
            for buffer in _cells(info):
                text, string = _value(buffer, strings)
                unused.pop(string, None)
                cells.append(text)
            if any(cells):
                yield f"table {name}, row {whole(info, 1) + 1}", cells
    for text in unused.values():
        yield f"table {name}", [text]


def _strings(data: bytes) -> dict[int, str]:
    return {
        whole(entry, 1): found.decode("utf-8", "replace") for entry in messages(data, 3) if (found := message(entry, 3))
    }


def _cells(info: bytes) -> Iterator[bytes]:
    """Yield the cells of a row; wide offsets count in units of four bytes."""
    buffer, packed = message(info, 6), message(info, 7)
    unit = 4 if whole(info, 8) else 1
    offsets = [offset for (offset,) in struct.iter_unpack("<H", packed[: len(packed) // 2 * 2]) if offset != _NO_CELL]
    for start, end in pairwise([*(offset * unit for offset in offsets), len(buffer)]):
        yield buffer[start:end]


def _value(buffer: bytes, strings: dict[int, str]) -> tuple[str, int]:
    """Return a cell's text or number, and the number of its string (-1 for none)."""
    if len(buffer) < 12 or buffer[0] != _CELL_VERSION:
        raise ProtobufError("unknown cell")
    (flags,) = struct.unpack_from("<I", buffer, 8)
    at, text = 12, ""
    if flags & _DECIMAL:
        text, at = _decimal(buffer[at : at + 16]), at + 16
    if flags & _DOUBLE:
        text, at = text or f"{struct.unpack_from('<d', buffer, at)[0]:.16g}", at + 8
    if flags & _SECONDS:
        at += 8
    if flags & _STRING:
        (number,) = struct.unpack_from("<I", buffer, at)
        return strings.get(number, text), number
    return text, -1


def _decimal(raw: bytes) -> str:
    """Return a decimal number of 128 bits in usual notation."""
    exponent = ((raw[15] & 0x7F) << 7 | raw[14] >> 1) - _BIAS
    number = int.from_bytes(bytes([*raw[:14], raw[14] & 1]), "little")
    if exponent < 0 and (more := len(str(number)) - _SHOWN_DIGITS) > 0:
        # Numbers shows no more digits; other programs append their rounding errors.
        number, exponent = (number + 10**more // 2) // 10**more, exponent + more
    digits = str(number)
    sign = "-" if raw[15] & 0x80 else ""
    if 0 <= exponent <= _MOST_DIGITS:
        return f"{sign}{digits}{'0' * exponent}"
    if -_MOST_DIGITS <= exponent < 0:
        digits = digits.rjust(1 - exponent, "0")
        return f"{sign}{digits[:exponent]}.{digits[exponent:]}".rstrip("0").rstrip(".")
    return f"{sign}{digits}e{exponent}"
