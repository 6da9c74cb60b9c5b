"""Reads tables of FlatBuffers, in which Arrow writes its metadata; every offset is checked against the bytes.

Follows the FlatBuffers binary format ("FlatBuffer Internals"): little-endian offsets, a vtable for each table.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass


class FlatBufferError(Exception):
    """An offset leads outside the bytes, or a vector is longer than they are."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table at an offset of its buffer. Fields are read by their number in the schema."""

    data: bytes
    at: int

    @classmethod
    def root(cls, data: bytes) -> "Table":
        """Return the table that a buffer begins with. Raises FlatBufferError."""
        return cls(data, _unsigned(data, 0))

    def _field(self, number: int) -> int:
        """Return where a field is, 0 if it has its default."""
        vtable = self.at - _signed(self.data, self.at)
        entry = 4 + 2 * number
        if vtable < 0 or entry + 2 > _short(self.data, vtable):
            return 0
        offset = _short(self.data, vtable + entry)
        return self.at + offset if offset else 0

    def number(self, number: int, form: str) -> int:
        """Return a whole number in a form of `struct`, 0 by default."""
        at = self._field(number)
        return int(_unpacked(form, self.data, at)) if at else 0

    def table(self, number: int) -> "Table | None":
        """Return a table that a field refers to."""
        at = self._field(number)
        return Table(self.data, at + _unsigned(self.data, at)) if at else None

    def text(self, number: int) -> str:
        """Return a string in UTF-8."""
        start, length = self._vector(number, 1)
        return self.data[start : start + length].decode("utf-8", "replace")

    def tables(self, number: int) -> "Iterator[Table]":
        """Yield the tables of a vector."""
        start, length = self._vector(number, 4)
        for index in range(length):
            at = start + 4 * index
            yield Table(self.data, at + _unsigned(self.data, at))

    def pairs(self, number: int) -> list[tuple[int, int]]:
        """Return a vector of structures that are two 64-bit numbers."""
        start, length = self._vector(number, 16)
        flat = struct.unpack_from(f"<{2 * length}q", self.data, start)
        return list(zip(flat[::2], flat[1::2], strict=True))

    def _vector(self, number: int, size: int) -> tuple[int, int]:
        at = self._field(number)
        if not at:
            return 0, 0
        at += _unsigned(self.data, at)
        length = _unsigned(self.data, at)
        if at + 4 + length * size > len(self.data):
            raise FlatBufferError("a vector beyond the end")
        return at + 4, length


def _unpacked(form: str, data: bytes, at: int) -> int:
    try:
        (value,) = struct.unpack_from(form, data, at)
    except struct.error as error:
        raise FlatBufferError("an offset beyond the end") from error
    return int(value)


def _unsigned(data: bytes, at: int) -> int:
    return _unpacked("<I", data, at)


def _signed(data: bytes, at: int) -> int:
    return _unpacked("<i", data, at)


def _short(data: bytes, at: int) -> int:
    if at < 0:
        raise FlatBufferError("an offset before the beginning")
    return _unpacked("<H", data, at)
