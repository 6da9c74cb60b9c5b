"""Reads property sets: title, author, keywords and anything that a program or person added to a compound file.

Follows [MS-OLEPS] 2.21 (PropertySetStream), 2.20 (PropertySet), 2.17 (Dictionary) and 2.15 (TypedPropertyValue).
"""

import struct
from datetime import UTC, datetime, timedelta

from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Sink

PLACE = "document properties"
VECTOR, ARRAY = 0x1000, 0x2000
CODEPAGES = {1200: "utf-16-le", 65001: "utf-8", 10000: "mac_roman", 0: "cp1252"}
MOST_PROPERTIES = 10_000
MOST_ELEMENTS = 10_000


def read_properties(data: bytes, sink: Sink) -> None:
    """Pass on the text of all properties of a property set stream; of an inconsistent one, all its strings."""
    try:
        (count,) = struct.unpack_from("<I", data, 24)
        for index in range(min(count, 2)):
            (offset,) = struct.unpack_from("<I", data, 28 + 20 * index + 16)
            _read_set(data, offset, sink)
    except (struct.error, IndexError):
        for text in strings(data):
            sink.text(text, PLACE)


def _read_set(data: bytes, start: int, sink: Sink) -> None:
    """Pass on one set; the names in its dictionary are text too."""
    _, count = struct.unpack_from("<II", data, start)
    offsets = dict(
        struct.unpack_from("<II", data, start + 8 + 8 * index)
        for index in range(min(count, MOST_PROPERTIES, (len(data) - start) // 8))
    )
    charset = "cp1252"
    if 1 in offsets:
        (number,) = struct.unpack_from("<H", data, start + offsets[1] + 4)
        charset = codec(number)
    for identifier, offset in offsets.items():
        sink.budget.check_time()
        if identifier == 0:
            _read_dictionary(data, start + offset, charset, sink)
        elif identifier > 1:
            _read_value(data, start + offset, charset, sink)


def codec(codepage: int) -> str:
    """Return the codec for a Windows code page number, cp1252 if Python has none."""
    name = CODEPAGES.get(codepage, f"cp{codepage}")
    try:
        "".encode(name)
    except LookupError:
        return "cp1252"
    return name


def _read_dictionary(data: bytes, at: int, charset: str, sink: Sink) -> None:
    """Pass on the names of custom properties."""
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    for _ in range(min(count, MOST_PROPERTIES)):
        if at + 8 > len(data):
            break
        _, length = struct.unpack_from("<II", data, at)
        size = length * 2 if charset == "utf-16-le" else length
        sink.text(_text(data[at + 8 : at + 8 + size], charset), PLACE)
        at += 8 + size
        if charset == "utf-16-le":
            at += -size % 4


def _read_value(data: bytes, at: int, charset: str, sink: Sink) -> None:
    """Pass on one typed value, or each element of a vector."""
    (kind,) = struct.unpack_from("<H", data, at)
    at += 4
    count = 1
    if kind & VECTOR:
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
    elif kind & ARRAY:
        return
    base = kind & 0xFFF
    for _ in range(min(count, MOST_ELEMENTS)):
        if at >= len(data):
            break
        kind = base
        if base == 0x0C:
            (kind,) = struct.unpack_from("<H", data, at)
            at += 4
        text, size = _scalar(data, at, kind, charset)
        if size == 0:
            break
        if text:
            sink.text(text, PLACE)
        at += size + (-size % 4 if not count > 1 or base != 0x1E else 0)


def _scalar(data: bytes, at: int, kind: int, charset: str) -> tuple[str, int]:
    """Return a value as text and its size in bytes, 0 for a kind that holds no text and ends a vector."""
    if kind in (0x1E, 0x08):
        (size,) = struct.unpack_from("<I", data, at)
        return _text(data[at + 4 : at + 4 + size], charset), 4 + size
    if kind == 0x1F:
        (length,) = struct.unpack_from("<I", data, at)
        return _text(data[at + 4 : at + 4 + 2 * length], "utf-16-le"), 4 + 2 * length
    if kind == 0x40:
        (ticks,) = struct.unpack_from("<Q", data, at)
        return _moment(ticks), 8
    if kind in (0x03, 0x13, 0x16, 0x17):
        return str(struct.unpack_from("<i" if kind in (0x03, 0x16) else "<I", data, at)[0]), 4
    if kind in (0x14, 0x15):
        return str(struct.unpack_from("<q", data, at)[0]), 8
    if kind == 0x05:
        return repr(struct.unpack_from("<d", data, at)[0]).removesuffix(".0"), 8
    return "", 0


def _moment(ticks: int) -> str:
    """Return a FILETIME as a date, "" for a duration or an invalid value."""
    if not 10**17 < ticks < 2 * 10**17:
        return ""
    return (datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)).strftime("%Y-%m-%d %H:%M")


def _text(raw: bytes, charset: str) -> str:
    return raw.decode(charset, "replace").split("\0", 1)[0].strip()
