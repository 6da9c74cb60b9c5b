"""Single compressed files: gzip (RFC 1952), bzip2, xz and LZMA by the standard library, the rest by libarchive.

The unpacked file is passed on, so a .tar.gz is read as a tar inside a gzip. A truncated or damaged file is read up to
the damage; several consecutive streams are one file, as for gzip(1), bzip2(1) and xz(1).
"""

import bz2
import lzma
import zlib
from typing import Protocol

from holdgate.extract import charset
from holdgate.extract.extents import archives
from holdgate.extract.format import Format
from holdgate.extract.readers.archives import archive
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink, UnreadableError

_STEP = 1 << 18
_EXTRA, _NAME, _COMMENT = 4, 8, 16
_LONGEST_FIELD = 65_536
_MEMORY = 200 << 20
_EXTENSIONS = (".gz", ".bz2", ".xz", ".lzma", ".zst", ".lz4", ".lz", ".z", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst")
_TAR = (".tgz", ".tbz", ".tbz2", ".txz", ".tzst")


class _Decompressor(Protocol):
    """What the decompressors of the standard library have in common; zlib's is adapted to it."""

    @property
    def eof(self) -> bool:
        """Return whether the stream has ended."""

    @property
    def unused_data(self) -> bytes:
        """Return the data after the stream."""

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        """Return up to `max_length` unpacked bytes."""


class _Gzip:
    """zlib's decompressor, which keeps unused input inside, as those of bz2 and lzma do."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        return self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)


def read(document: Document, sink: Sink) -> None:
    """Unpack the file and pass it on. Raises UnreadableError if nothing could be unpacked."""
    data = document.data
    name = inner_name(document.name)
    if new_decompressor(data) is None:
        archive.read_raw(data, name, sink)
        return
    for text in _gzip_header(data):
        sink.text(text, "header")
    unpacked, whole = _unpack(data, sink)
    if not whole:
        if not unpacked:
            raise UnreadableError("damaged")
        sink.limited("damaged, read up to the damage")
    sink.embedded(unpacked, name)


def _unpack(data: bytes, sink: Sink) -> tuple[bytes, bool]:
    """Return what could be unpacked, and whether that is all."""
    budget = sink.budget
    out = bytearray()
    rest = data
    while rest and (decompressor := new_decompressor(rest)):
        pending = rest
        try:
            while not decompressor.eof:
                piece = decompressor.decompress(pending, _STEP)
                if not piece and not pending and not decompressor.eof:
                    return bytes(out), False
                pending = b""
                out += piece
                budget.spend_bytes(len(piece))
                budget.check_entry(len(data), len(out))
                budget.check_time()
        except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError):
            return bytes(out), False
        rest = decompressor.unused_data.lstrip(b"\0")
    if rest:
        sink.embedded(rest, "after the compressed data")
    return bytes(out), True


def _gzip_header(data: bytes) -> list[str]:
    """Return the texts in a gzip header (RFC 1952, 2.3): extra field, name and comment, ISO 8859-1 by the standard."""
    if not data.startswith(b"\x1f\x8b") or len(data) < 12:
        return []
    flags, at = data[3], 10
    found = []
    if flags & _EXTRA:
        at += 2 + int.from_bytes(data[10:12], "little")
        found = list(strings(data[12:at]))
    for flag in (_NAME, _COMMENT):
        end = data.find(b"\0", at, at + _LONGEST_FIELD) if flags & flag else -1
        if end >= 0:
            found.append(charset.decode(data[at:end], "iso-8859-1"))
            at = end + 1
    return found


def new_decompressor(data: bytes) -> _Decompressor | None:
    """Return the decompressor for the stream at the start of `data`; None if the standard library has none."""
    if data.startswith(b"\x1f\x8b"):
        return _Gzip()
    if data.startswith(b"BZh"):
        return bz2.BZ2Decompressor()
    if data.startswith((b"\xfd7zXZ\x00", b"\x5d\x00\x00")):
        return lzma.LZMADecompressor(memlimit=_MEMORY)
    return None


def inner_name(name: str) -> str:
    """Return the name of the unpacked file: report.tgz → report.tar, report.csv.gz → report.csv."""
    lower = name.lower()
    for extension in _EXTENSIONS:
        if lower.endswith(extension):
            return name[: -len(extension)] + (".tar" if extension in _TAR else "")
    return name


FORMAT = Format(
    kind="compressed",
    read=read,
    claims=archives.of_compressed,
    holds="gzip, bzip2, xz, lzma; zstd, lz4, lzip, compress",
    read_by="standard library; libarchive",
    unread="",
    signatures=(
        (0, b"\x1f\x8b\x08"),  # gzip, RFC 1952
        (0, b"BZh"),
        (0, b"\xfd7zXZ\x00"),
        (0, b"\x28\xb5\x2f\xfd"),  # Zstandard, RFC 8878
        (0, b"\x1f\x9d"),  # compress
        (0, b"\x1f\xa0"),
        (0, b"LZIP"),
        (0, b"\x5d\x00\x00"),  # LZMA alone, as xz(1) guesses it
        (0, b"\x04\x22\x4d\x18"),  # LZ4 frame format 1.6
    ),
    extensions="gz tgz bz2 tbz xz txz zst",
    types="application/gzip application/x-gzip",
)
