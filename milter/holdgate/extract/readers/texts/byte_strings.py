"""Finds text in bytes of an unknown or barely known format: runs in UTF-8, 8-bit and UTF-16."""

import re
from collections.abc import Iterator

SHORTEST = 6
# Eight-bit runs: printable ASCII, with UTF-8 sequences or Latin letters among them.
NARROW = re.compile(rb"(?:[\t\x20-\x7e]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xc0-\xff]){6,}")
# Each of them stands in one of these, which are found in a tenth of the time.
_MAYBE_NARROW = re.compile(rb"[\t\x20-\x7e\xc0-\xff][\t\x20-\x7e\x80-\xff]{5,}+")
# UTF-16 runs: characters below U+0500 (Latin, Greek, Cyrillic) and the general punctuation. The first part of a pattern
# only makes it fail sooner.
WIDE = re.compile(
    rb"(?=.[\x00-\x04\x20].[\x00-\x04\x20].[\x00-\x04\x20])"
    rb"(?:[\t\x20-\x7e\xa0-\xff]\x00|[\x00-\xff][\x01-\x04]|[\x10-\x3f]\x20){6,}",
    re.DOTALL,
)
WIDE_BIG_ENDIAN = re.compile(
    rb"(?=[\x00-\x04\x20].[\x00-\x04\x20].[\x00-\x04\x20])"
    rb"(?:\x00[\t\x20-\x7e\xa0-\xff]|[\x01-\x04][\x00-\xff]|\x20[\x10-\x3f]){6,}",
    re.DOTALL,
)
_NO_WIDE = b"\0\0\0"
LETTERS = re.compile(r"[^\W_]{3}")


def strings(data: bytes, narrow: bool = True, wide: bool = True, *, big_endian: bool = False) -> Iterator[str]:
    """Yield runs of at least six characters with three letters or digits in a row.

    UTF-16 is read as little-endian unless `big_endian` is set.

    >>> list(strings(b"\\x00\\x01Invoice 12\\x00\\xff" + "Grüße Anna".encode("utf-16-le") + b"\\x00\\x00"))
    ['Invoice 12', 'Grüße Anna']
    """
    if narrow:
        for stretch in _MAYBE_NARROW.finditer(data):
            for match in NARROW.finditer(data, *stretch.span()):
                text = _narrow(match.group())
                if LETTERS.search(text):
                    yield text
    if wide:
        pattern, codec = (WIDE_BIG_ENDIAN, "utf-16-be") if big_endian else (WIDE, "utf-16-le")
        for piece in _between_zeros(data):
            for match in pattern.finditer(piece):
                text = match.group().decode(codec, "replace").strip()
                if LETTERS.search(text):
                    yield text


def _between_zeros(data: bytes) -> list[bytes]:
    """Return the parts of data that can contain a UTF-16 run, in order.

    A run has no three zero bytes in succession, because two of them would be one character. It can include the zero
    byte next to it on either side.
    """
    pieces = data.split(_NO_WIDE)
    last = len(pieces) - 1
    return [
        (b"\0" if number else b"") + piece + (b"\0" if number < last else b"")
        for number, piece in enumerate(pieces)
        if len(piece) > 9
    ]


def _narrow(run: bytes) -> str:
    try:
        return run.decode("utf-8")
    except UnicodeDecodeError:
        return run.decode("cp1252", "replace")
