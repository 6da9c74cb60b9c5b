"""Reads binary property lists: every object, with its key if it has one.

Follows Apple's CFBinaryPList.c (opensource.apple.com): objects, a table of their offsets, and a trailer. Safari's web
archives, iWork and most settings on a Mac have this form; data in it is a separate document.
"""

import struct
from collections.abc import Iterator

from holdgate.extract.format import Format
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink, UnreadableError

_MAGIC = b"bplist0"
_TRAILER = struct.Struct(">6xBBQQQ")
_INTEGER, _REAL, _DATE, _DATA, _ASCII, _UTF16, _ARRAY, _SET, _DICT = 1, 2, 3, 4, 5, 6, 10, 12, 13
_DAMAGE = (struct.error, IndexError, ValueError, OverflowError)
_BLOB = 32
_MOST_OBJECTS = 1_000_000


class _List:
    """The objects of a property list, by their numbers."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reference: int
        width, self.reference, count, _, table = _TRAILER.unpack(data[-32:])
        if not (0 < width <= 8 and 0 < self.reference <= 8 and 0 < count <= _MOST_OBJECTS):
            raise ValueError
        if table + count * width > len(data) - 32:
            raise ValueError
        self.table = table, table + count * width
        self.offsets = [
            int.from_bytes(data[at : at + width], "big") for at in range(table, table + count * width, width)
        ]

    def head(self, number: int) -> tuple[int, int, int]:
        """Return kind and length of an object, and where its content begins."""
        at = self.offsets[number]
        marker = self.data[at]
        kind, length, at = marker >> 4, marker & 15, at + 1
        if length == 15 and kind not in (0, _INTEGER, _REAL):
            size = 1 << (self.data[at] & 15)
            length = int.from_bytes(self.data[at + 1 : at + 1 + size], "big")
            at += 1 + size
        return kind, length, at

    def size(self, kind: int, length: int) -> int:
        """Return how many bytes the content of an object has."""
        if kind in (_INTEGER, _REAL, _DATE):
            return 1 << length
        if kind == _UTF16:
            return 2 * length
        if kind in (_ARRAY, _SET):
            return length * self.reference
        if kind == _DICT:
            return 2 * length * self.reference
        return length if kind in (_DATA, _ASCII) else 0

    def references(self, at: int, count: int) -> list[int]:
        """Return numbers of objects."""
        width = self.reference
        if at + count * width > len(self.data):
            raise ValueError
        return [int.from_bytes(self.data[at + width * n : at + width * (n + 1)], "big") for n in range(count)]

    def text(self, number: int) -> str:
        """Return an object as text, "" if it is not text."""
        kind, length, at = self.head(number)
        raw = self.data[at : at + self.size(kind, length)]
        if kind == _ASCII:
            return raw.decode("utf-8", "replace")
        if kind == _UTF16:
            return raw.decode("utf-16-be", "replace")
        if kind == _INTEGER:
            return str(int.from_bytes(raw, "big", signed=len(raw) >= 8))
        if kind == _REAL and len(raw) in (4, 8):
            return f"{struct.unpack('>d' if len(raw) == 8 else '>f', raw)[0]:.16g}"
        return ""


def read(document: Document, sink: Sink) -> None:
    """Pass on texts and numbers with their keys, and data. Raises UnreadableError("damaged")."""
    try:
        found = _List(document.data)
    except _DAMAGE as error:
        raise UnreadableError("damaged") from error
    keys: dict[int, str] = {}
    try:
        for number in range(len(found.offsets)):
            sink.budget.check_time()
            kind, length, at = found.head(number)
            if kind == _DICT:
                references = found.references(at, 2 * length)
                for key, value in zip(references[:length], references[length:], strict=True):
                    keys[key], keys[value] = "", found.text(key)
        for number in range(len(found.offsets)):
            _read_object(found, number, keys.get(number), sink)
    except _DAMAGE:
        sink.limited("damaged")
        for text in strings(document.data):
            sink.text(text, "remains")


def _read_object(found: _List, number: int, key: str | None, sink: Sink) -> None:
    sink.budget.check_time()
    kind, length, at = found.head(number)
    if kind == _DATA:
        data = found.data[at : at + length]
        if len(data) >= _BLOB:
            sink.budget.spend_entry()
            sink.embedded(data, key or "data")
        for text in strings(data) if len(data) < _BLOB else ():
            sink.text(text, key or "")
    elif text := found.text(number):
        sink.text(f"{key}: {text}" if key else text)


def _claims(data: bytes) -> list[tuple[int, int]]:
    """The objects that the table names, the table and the trailer."""
    return list(_spans(data))


def _spans(data: bytes) -> Iterator[tuple[int, int]]:
    found = _List(data)
    yield 0, 8
    yield found.table
    yield len(data) - 32, len(data)
    for number, start in enumerate(found.offsets):
        kind, length, at = found.head(number)
        yield start, at + found.size(kind, length)


FORMAT = Format(
    kind="plist",
    read=read,
    claims=_claims,
    holds="binary property lists, web archives of Safari",
    read_by="Holdgate",
    unread="",
    signatures=((0, _MAGIC),),
    extensions="plist webarchive",
    types="application/x-plist application/x-webarchive",
)
