"""A small zip archive of one member."""

import io
import zipfile


def zipped(name: str, content: bytes) -> bytes:
    """Return a zip archive with one deflated member."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()
