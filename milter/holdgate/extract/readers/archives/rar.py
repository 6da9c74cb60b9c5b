"""RAR block headers: whether members are encrypted or the archive is split, which libarchive does not always report.

Follows the RAR 5.0 archive format (rarlab.com/technote.htm) and, for RAR 1.5 to 4, the block layout that the same
author documented as TechNote.txt.
"""

import struct

from holdgate.extract.reading import Sink, UnreadableError

_OLD_MAIN, _OLD_FILE, _OLD_END = 0x73, 0x74, 0x7B
_MAIN, _FILE, _ENCRYPTION, _END = 1, 2, 4, 5
_FILE_ENCRYPTION_RECORD = 1
_MOST_BLOCKS = 100_000


def check(data: bytes, sink: Sink) -> None:
    """Report encrypted members and missing volumes to the sink.

    Raises UnreadableError("encrypted") if even the names are encrypted.
    """
    try:
        new = data.startswith(b"Rar!\x1a\x07\x01\x00")
        encrypted, split, _ = _check_new(data) if new else _check_old(data)
    except (struct.error, IndexError):
        return
    if encrypted:
        sink.limited("encrypted member")
    if split:
        sink.limited("one volume of a split archive")


def end_of(data: bytes) -> int:
    """Return where the archive ends: after its end block or its last block. Raises struct.error, IndexError."""
    return _check_new(data)[2] if data.startswith(b"Rar!\x1a\x07\x01\x00") else _check_old(data)[2]


def _check_old(data: bytes) -> tuple[bool, bool, int]:
    """Walk the blocks of RAR 1.5 to 4; return whether members are encrypted, whether this is a volume, and the end."""
    encrypted = split = False
    position = 7
    for _ in range(_MOST_BLOCKS):
        if position + 7 > len(data):
            break
        kind, flags, size = struct.unpack_from("<BHH", data, position + 2)
        if kind == _OLD_MAIN:
            split = bool(flags & 0x1)
            if flags & 0x80:
                raise UnreadableError("encrypted")
        elif kind == _OLD_FILE:
            encrypted = encrypted or bool(flags & 0x4)
        added = struct.unpack_from("<I", data, position + 7)[0] if flags & 0x8000 else 0
        position += max(size, 7) + added
        if kind == _OLD_END:
            break
    return encrypted, split, position


def _check_new(data: bytes) -> tuple[bool, bool, int]:
    """Walk the blocks of RAR 5; return the same."""
    encrypted = split = False
    position = 8
    for _ in range(_MOST_BLOCKS):
        if position + 7 > len(data):
            break
        size, start = _number(data, position + 4)
        kind, at = _number(data, start)
        flags, at = _number(data, at)
        extra = added = 0
        if flags & 0x1:
            extra, at = _number(data, at)
        if flags & 0x2:
            added, at = _number(data, at)
        if kind == _ENCRYPTION:
            raise UnreadableError("encrypted")
        if kind == _MAIN:
            split = bool(_number(data, at)[0] & 0x1)
        elif kind == _FILE and extra:
            encrypted = encrypted or _has_record(data, start + size - extra, start + size)
        position = start + size + added
        if kind == _END:
            break
    return encrypted, split, position


def _has_record(data: bytes, position: int, end: int) -> bool:
    """Look for an encryption record in the extra area of a file header."""
    while position < end:
        size, at = _number(data, position)
        if _number(data, at)[0] == _FILE_ENCRYPTION_RECORD:
            return True
        position = at + max(size, 1)
    return False


def _number(data: bytes, position: int) -> tuple[int, int]:
    """Read a number with seven bits per byte, lowest first; return it and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
    return value, position
