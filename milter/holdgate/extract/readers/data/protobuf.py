"""Reads messages of Protocol Buffers without their schema: fields by number, and all text in them.

Follows the Protocol Buffers encoding: tags, varints, fields of 4 and 8 bytes, fields with a length.
"""

import re
from collections.abc import Iterator

_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5
_DEEPEST = 40
_PRINTABLE = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")
_WORD = re.compile(r"[^\W_]")


class ProtobufError(Exception):
    """The bytes are not a message."""


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field: integers, and bytes for all others. Raises ProtobufError."""
    at, end = 0, len(data)
    while at < end:
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if not number:
            raise ProtobufError("field 0")
        if kind == _VARINT:
            value, at = varint(data, at)
            yield number, value
            continue
        if kind == _LENGTH:
            size, at = varint(data, at)
        elif kind in (_EIGHT, _FOUR):
            size = 8 if kind == _EIGHT else 4
        else:
            raise ProtobufError("unknown kind of field")
        if at + size > end:
            raise ProtobufError("cut off")
        yield number, data[at : at + size]
        at += size


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at an offset, and where it ends. Raises ProtobufError."""
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ProtobufError("no number")


def message(data: bytes, number: int) -> bytes:
    """Return the last field of a number that contains bytes, b"" if there is none."""
    return next((value for value in reversed(messages(data, number))), b"")


def messages(data: bytes, number: int) -> list[bytes]:
    """Return the fields of a number that contain bytes."""
    return [value for found, value in fields(data) if found == number and isinstance(value, bytes)]


def whole(data: bytes, number: int) -> int:
    """Return the last field of a number that is an integer, 0 if there is none."""
    return next(
        (value for found, value in reversed(list(fields(data))) if found == number and isinstance(value, int)), 0
    )


def texts(data: bytes, depth: int = 0) -> Iterator[str]:
    """Yield all text in a message: a field that can be text or a message is read as both."""
    try:
        found = [value for _, value in fields(data) if isinstance(value, bytes) and len(value) > 1]
    except ProtobufError:
        return
    for value in found:
        text = _text(value)
        if text:
            yield text
        if depth < _DEEPEST:
            yield from texts(value, depth + 1)


def _text(value: bytes) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return text if _PRINTABLE.fullmatch(text) and _WORD.search(text) else ""
