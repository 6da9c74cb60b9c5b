"""Opens ZIP files with the standard library, each once for its reader and its extents."""

import io
import lzma
import struct
import zipfile
import zlib
from typing import Final

ERRORS: Final = (
    *(zipfile.BadZipFile, ValueError, OSError, EOFError, IndexError, struct.error),
    *(NotImplementedError, RuntimeError, zlib.error, lzma.LZMAError),
)
"""What zipfile raises for a file, or a member, that is damaged, encrypted or packed by an unknown method."""

_last: tuple[bytes, zipfile.ZipFile] | None = None
"""The file opened last. It is recognised by the identity of its bytes, which are therefore kept alive."""


def opened(data: bytes) -> zipfile.ZipFile:
    """Return an open ZIP file; do not close it. Raises one of ERRORS."""
    global _last
    if _last is None or _last[0] is not data:
        _last = None
        _last = data, zipfile.ZipFile(io.BytesIO(data))
    return _last[1]
