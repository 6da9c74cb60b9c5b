"""Searches bytes for known values: plain, whatever separates the digits of a number, and in codes that a text has."""

import binascii
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from string import punctuation

from holdgate.extract.references import unescaped
from holdgate.rewrite.numbers import SHORTEST, ascii_digits

# Shorter values are searched for in text only, because they occur in bytes by chance.
_SHORTEST_VALUE = 8
# What can be between the digits of a number: ASCII punctuation, NUL as in UTF-16, and the bytes of other spaces, dashes
# and invisible characters in UTF-8 (U+00A0, U+00AD, U+2000 to U+2015, U+202A to U+202F).
_SEPARATORS = (
    b" \t\r\n\0" + punctuation.encode() + bytes([0xC2, 0xA0, 0xAD, 0xE2, *range(0x80, 0x96), *range(0xAA, 0xB0)])
)
_TAG = re.compile(r"<[^<>]*>")
# The shortest that detection decodes: 11 characters.
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{15,}")
_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]{18,}")
# An escaped ASCII character: of CSS (CSS Syntax 3, 4.3.7), JavaScript and JSON, a URI (RFC 3986), quoted-printable.
_ESCAPE = re.compile(rb"(?:%|=|\\(?:x|u00|u\{0*))([2-7][0-9A-Fa-f])\}?|\\0{0,4}([2-7][0-9A-Fa-f])(?![0-9A-Fa-f])\s?")


@lru_cache(maxsize=4)
def search_for(known: tuple[str, ...]) -> Callable[[bytes], bool]:
    """Return a function that returns whether bytes contain one of these values, in UTF-8 or UTF-16."""
    wanted = {
        value.encode(codec, "replace")
        for value in known
        if len(value) >= _SHORTEST_VALUE
        for codec in ("utf-8", "utf-16-le", "utf-16-be")
    }
    numbers = {digits.encode() for digits in map(ascii_digits, known) if len(digits) >= SHORTEST}

    def is_in(content: bytes) -> bool:
        closed = content.translate(None, _SEPARATORS) if numbers else b""
        return any(value in content for value in wanted) or any(number in closed for number in numbers)

    return is_in


def written_out(data: bytes) -> Iterator[bytes]:
    """Yield what a text contains in a code, and the text without tags and without escapes."""
    yield unescaped(_TAG.sub("", data.decode("utf-8", "replace"))).encode("utf-8", "replace")
    yield from decoded(data)
    if b"\\" in data or b"%" in data or b"=" in data:
        yield _ESCAPE.sub(lambda one: bytes([int(one[1] or one[2], 16)]), data)


def decoded(data: bytes) -> Iterator[bytes]:
    """Yield what a text contains in Base64 or as hexadecimal digits, also if letters before it seem to belong to it."""
    compact = data.translate(None, b" \t\r\n")
    for run in _BASE64.findall(compact):
        for start in range(4):
            digits = run[start : len(run) - 1 if (len(run) - start) % 4 == 1 else None]
            yield binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))
    for run in _HEXADECIMAL.findall(compact):
        for start in range(2):
            yield binascii.unhexlify(run[start : len(run) - (len(run) - start) % 2])
