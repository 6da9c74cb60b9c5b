"""Opens compound files ([MS-CFB]) with olefile, each once: identification, reader and extents ask for the same."""

import io

import olefile

_last: tuple[bytes, olefile.OleFileIO] | None = None
"""The file that was opened last. It is recognised by its bytes being the same object; they stay alive as long."""


def opened(data: bytes) -> olefile.OleFileIO:
    """Return a compound file, open: do not close it. Raises what olefile does: OSError, IndexError, struct.error, …"""
    global _last
    if _last is None or _last[0] is not data:
        _last = None
        # A stream, because olefile takes short bytes for the name of a file to open.
        _last = data, olefile.OleFileIO(io.BytesIO(data))
    return _last[1]
