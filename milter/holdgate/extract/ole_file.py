"""Opens compound files ([MS-CFB]) with olefile, each once for identification, reader and extents; reads streams."""

import io

import olefile

_last: tuple[bytes, olefile.OleFileIO] | None = None
"""The file opened last. It is recognised by the identity of its bytes, which are therefore kept alive."""


def opened(data: bytes) -> olefile.OleFileIO:
    """Return an open compound file; do not close it. Raises olefile's errors: OSError, IndexError, struct.error, …"""
    global _last
    if _last is None or _last[0] is not data:
        _last = None
        # A stream, because olefile treats short bytes as the name of a file to open.
        _last = data, olefile.OleFileIO(io.BytesIO(data))
    return _last[1]


def stream(file: olefile.OleFileIO, start: int, size: int) -> bytes:
    """Return the stream of `size` bytes whose first sector is `start`; less if it is damaged. Raises olefile's errors.

    olefile reads sector by sector, and a message has a hundred small streams. So adjacent sectors are copied together
    here. olefile reads a stream whose sectors are not all there.
    """
    is_mini = size < file.minisectorcutoff
    if is_mini and file.ministream is None:
        return _by_olefile(file, start, size)  # it loads the table and the content of the small streams
    if is_mini:
        container, table, sector, offset = file.ministream, file.minifat, file.minisectorsize, 0
    else:
        container, table, sector, offset = file.fp, file.fat, file.sectorsize, file.sectorsize
    pieces: list[memoryview] = []
    left, following = -(-size // sector), start
    with container.getbuffer() as content:
        while left:
            first = last = following
            try:
                left -= 1
                while (following := table[last]) == last + 1 and left:
                    last = following
                    left -= 1
            except IndexError:
                return _by_olefile(file, start, size)
            piece = content[offset + first * sector : offset + (last + 1) * sector]
            if len(piece) < (last + 1 - first) * sector:
                return _by_olefile(file, start, size)
            pieces.append(piece)
        return b"".join(pieces)[:size]


def _by_olefile(file: olefile.OleFileIO, start: int, size: int) -> bytes:
    content: bytes = file._open(start, size).read()
    return content
