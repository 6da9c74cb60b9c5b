"""Opens compound files ([MS-CFB]) with olefile, each once for identification, reader and extents."""

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
