"""Reads structures of Apache Thrift in the compact protocol, in which Parquet writes its metadata.

Follows the Thrift compact protocol encoding: fields by number, varints in zigzag, lists, nested structures.
"""

import struct

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_DEEPEST = 30
_MOST_ITEMS = 1_000_000


class ThriftError(Exception):
    """The bytes are not a structure."""


class Reader:
    """Reads structures from bytes, from `at` on."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at
        self._items = 0

    def struct(self, depth: int = 0) -> dict[int, object]:
        """Return the fields of a structure by number. Raises ThriftError."""
        if depth > _DEEPEST:
            raise ThriftError("nested too deeply")
        fields: dict[int, object] = {}
        number = 0
        while head := self._byte():
            kind, step = head & 15, head >> 4
            number = number + step if step else self._zigzag()
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> object:
        self._items += 1
        if self._items > _MOST_ITEMS:
            raise ThriftError("too many values")
        if kind in (_TRUE, _FALSE):  # in a list
            return self._byte() == _TRUE
        if kind == _BYTE:
            return self._byte()
        if kind in (_I16, _I32, _I64):
            return self._zigzag()
        if kind == _DOUBLE:
            return struct.unpack("<d", self._take(8))[0]
        if kind == _BINARY:
            return self._take(self._varint())
        if kind in (_LIST, _SET):
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._varint()
            return [self._value(head & 15, depth + 1) for _ in range(self._counted(count))]
        if kind == _MAP:
            count = self._counted(self._varint())
            kinds = self._byte() if count else 0
            return [(self._value(kinds >> 4, depth + 1), self._value(kinds & 15, depth + 1)) for _ in range(count)]
        if kind == _STRUCT:
            return self.struct(depth + 1)
        raise ThriftError("unknown kind")

    def _counted(self, count: int) -> int:
        if count > len(self.data) - self.at:
            raise ThriftError("a list beyond the end")
        return count

    def _byte(self) -> int:
        return self._take(1)[0]

    def _take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise ThriftError("cut off")
        self.at += count
        return self.data[self.at - count : self.at]

    def _varint(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise ThriftError("no number")

    def _zigzag(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)


def number(fields: dict[int, object], key: int) -> int:
    """Return an integer, 0 by default."""
    value = fields.get(key)
    return value if isinstance(value, int) else 0


def text(value: object) -> str:
    """Return a string, "" for anything else."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def inner(fields: dict[int, object], key: int) -> dict[int, object]:
    """Return a structure, an empty one by default."""
    value = fields.get(key)
    return value if isinstance(value, dict) else {}


def items(fields: dict[int, object], key: int) -> list[object]:
    """Return a list, an empty one by default."""
    value = fields.get(key)
    return value if isinstance(value, list) else []


def structs(fields: dict[int, object], key: int) -> list[dict[int, object]]:
    """Return the structures of a list."""
    return [item for item in items(fields, key) if isinstance(item, dict)]
