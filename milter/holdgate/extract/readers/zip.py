"""Zip archives (PKWARE APPNOTE.TXT 6.3.10), refused by their directory where unpacking would cost too much."""

import io
import zipfile
import zlib

from holdgate.extract.budget import LimitReachedError
from holdgate.extract.reading import Document, Sink, UnreadableError

_CHUNK = 1 << 18
_ENCRYPTED = 0x1


def read(document: Document, sink: Sink) -> None:
    """Hand over each member; what cannot be unpacked is named as unread, and the next one is read.

    Raises UnreadableError for an archive without a usable directory.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(document.data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as error:
        raise UnreadableError("damaged directory") from error
    with archive:
        if archive.comment:
            sink.text(archive.comment.decode("utf-8", "replace"), "archive comment")
        for info in archive.infolist():
            sink.budget.check_time()
            if info.comment:
                sink.text(info.comment.decode("utf-8", "replace"), "comment")
            if info.is_dir():
                continue
            if info.flag_bits & _ENCRYPTED:
                sink.text(info.filename)
                sink.limited("encrypted member")
                continue
            _member(archive, info, sink)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, sink: Sink) -> None:
    """Unpack one member piece by piece, so that a directory that lies about sizes costs no more than it may."""
    budget = sink.budget
    unpacked = bytearray()
    try:
        budget.check_entry(info.compress_size, info.file_size)
    except LimitReachedError as error:
        sink.text(info.filename)
        sink.limited(str(error))
        return
    try:
        with archive.open(info) as member:
            while piece := member.read(_CHUNK):
                unpacked += piece
                budget.spend_bytes(len(piece))
                budget.check_time()
                budget.check_entry(info.compress_size, len(unpacked))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        sink.limited("unknown compression" if isinstance(error, NotImplementedError) else "damaged member")
    sink.embedded(bytes(unpacked), info.filename)
