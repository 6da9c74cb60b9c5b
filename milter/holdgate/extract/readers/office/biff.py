"""Decodes the components of old workbooks' records: strings in either width, packed numbers, shared strings.

Follows [MS-XLS] 2.5.294 (XLUnicodeString), 2.5.293 (XLUnicodeRichExtendedString), 2.5.217 (RkNumber), 2.4.265 (SST).
"""

import re
import struct

# A string constant in a formula: its token, its length, its width ([MS-XLS] 2.5.198.89).
CONSTANT = re.compile(rb"(?s)\x17([\x02-\xff])([\x00\x01])")
# Records that hold no text: formats of cells and windows, protection, references, calculation, indices.
_WITHOUT_TEXT = """
    0007 000a 000c 000d 000e 000f 0010 0011 0012 0013 0016 0017 0019 001a 001b 001d 0022 0026 0027 0028 0029 002a 002b
    002d 0031 003d 0040 0041 0042 0055 0056 0059 005a 005d 005e 005f 0060 0063 007d 0080 0081 0082 0083 0084 0086 008c
    008d 0090 0092 009a 009c 00a0 00a1 00af 00b0 00b1 00bc 00be 00c1 00d3 00d7 00da 00de 00e0 00e1 00e2 00e5 00eb 00ed
    00ff 0127 0137 013d 0160 0161 0192 01a9 01af 01b0 01b7 01ba 01bb 01bc 01be 01c0 01c1 0200 0201 0208 020b 0221 0225
    0231 0236 023e 0293 041e 0850 0851 0852 0853 0854 0862 0863 0864 0867 0868 088c 088e 0892 0896 089a 089b 08a3
    087c 087d 087f 08d6
"""
WITHOUT_TEXT = frozenset(int(number, 16) for number in _WITHOUT_TEXT.split()) - {0x01BE}
Segments = list[bytes]
"""A record and the CONTINUE records after it."""


def characters(body: bytes, at: int, count: int) -> str:
    """Return `count` characters after a flag byte that states their width (2.5.294)."""
    if body[at] & 1:
        return body[at + 1 : at + 1 + 2 * count].decode("utf-16-le", "replace")
    return body[at + 1 : at + 1 + count].decode("latin-1")


def shared_strings(segments: Segments) -> tuple[list[str], bytes]:
    """Return the strings of an SST, and the bytes after them with phonetic readings.

    A string can continue in the next segment, whose first byte then states the width of the rest.
    """
    found: list[str] = []
    extensions = bytearray()
    (expected,) = struct.unpack_from("<I", segments[0], 4)
    index, at, segment = 0, 8, segments[0]

    def following() -> bool:
        nonlocal index, at, segment
        index += 1
        if index >= len(segments):
            return False
        segment, at = segments[index], 0
        return True

    while len(found) < expected:
        if at >= len(segment) and not following():
            break
        if at + 3 > len(segment):
            break
        count, flags = struct.unpack_from("<HB", segment, at)
        at += 3
        runs = struct.unpack_from("<H", segment, at)[0] if flags & 8 else 0
        at += 2 if flags & 8 else 0
        extension = struct.unpack_from("<I", segment, at)[0] if flags & 4 else 0
        at += 4 if flags & 4 else 0
        pieces: list[str] = []
        while True:
            width = 2 if flags & 1 else 1
            raw = segment[at : at + count * width]
            pieces.append(raw.decode("utf-16-le" if width == 2 else "latin-1", "replace"))
            at += len(raw)
            count -= len(raw) // width
            if count <= 0 or not following() or not segment:
                break
            flags = segment[0]
            at = 1
        found.append("".join(pieces))
        skip = 4 * runs + extension
        while skip:
            taken = segment[at : at + skip]
            skip -= len(taken)
            at += len(taken)
            if extension:
                extensions += taken
            if skip and not following():
                break
    return found, bytes(extensions)
