"""Opens ZIP files with the standard library, each once for its reader and its extents."""

import io
import zipfile

_last: tuple[bytes, zipfile.ZipFile] | None = None
"""The file opened last. It is recognised by the identity of its bytes, which are therefore kept alive."""


def opened(data: bytes) -> zipfile.ZipFile:
    """Return an open ZIP file; do not close it.

    Raises zipfile's errors: BadZipFile, ValueError, OSError, struct.error, NotImplementedError, IndexError.
    """
    global _last
    if _last is None or _last[0] is not data:
        _last = None
        _last = data, zipfile.ZipFile(io.BytesIO(data))
    return _last[1]
