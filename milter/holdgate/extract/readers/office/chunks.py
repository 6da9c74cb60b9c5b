"""Reads the text of Publisher and of Works 2000 and later: a stream of chunks, one of which is the text in UTF-16.

No specification is published. The stream begins with a mark. At 0x18 is a list of references: two bytes, their
number (16 bits), the place of the next list (32 bits, all ones for none), and 24 bytes for each reference: its own
size, the chunk's name at 2, kind at 12, place at 16 and size at 20 (32 bits each), all little-endian.
"""

import struct
from collections.abc import Iterator

MARKS = (b"CHNKINK ", b"CHNKWKS ")
_FIRST, _NONE, _REFERENCE = 0x18, 0xFFFFFFFF, 24
_MOST_LISTS = 1_000
_BREAKS = str.maketrans({"\r": "\n", "\x0b": "\n", "\x0c": "\n", "\x0e": "\n", "\0": None})


def texts(data: bytes) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and content of each text in a stream of chunks, as far as its lists are valid."""
    for at, size in _references(data):
        if at + size <= len(data):
            yield at, at + size, data[at : at + size].decode("utf-16-le", "replace").translate(_BREAKS)


def _references(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield place and size of each chunk of text."""
    at = _FIRST
    for _ in range(_MOST_LISTS):
        if at == _NONE or at + 8 > len(data):
            return
        _, count, following = struct.unpack_from("<HHI", data, at)
        for start in range(at + 8, min(at + 8 + _REFERENCE * count, len(data) - _REFERENCE + 1), _REFERENCE):
            if data[start + 2 : start + 6] == b"TEXT":
                yield struct.unpack_from("<II", data, start + 16)
        at = following
