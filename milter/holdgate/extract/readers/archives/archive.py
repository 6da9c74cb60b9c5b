"""Archives by libarchive: 7z, rar, tar, cab, iso, cpio, ar, xar, lha, and single files in zstd, lz4, lzip, compress.

Only the format of the signature is enabled, and no filter that would start a program. A hostile file can crash
libarchive or make it loop: that ends the worker process, but never leads to `complete`.
"""

import ctypes
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from libarchive import ffi
from libarchive.exception import ArchiveError

from holdgate.extract import charset
from holdgate.extract.budget import LimitReachedError
from holdgate.extract.extents import archives
from holdgate.extract.format import Format
from holdgate.extract.readers.archives import cab, rar, tar
from holdgate.extract.reading import Document, Sink, UnreadableError
from holdgate.extract.written import is_written

_FILTERS = ("compress", "lzip", "lz4", "zstd", "rpm")
_REGULAR = 0o100000

# libarchive-c declares the functions of libarchive 3.1; these were added in 3.2 and 3.4.
ffi.ffi("read_support_format_rar5", [ffi.c_archive_p], ctypes.c_int, ffi.check_int)
ffi.ffi("read_has_encrypted_entries", [ffi.c_archive_p], ctypes.c_int)
ffi.ffi("entry_is_data_encrypted", [ffi.c_archive_entry_p], ctypes.c_int)
ffi.ffi("entry_pathname_utf8", [ffi.c_archive_entry_p], ctypes.c_char_p)

# libarchive-c logs libarchive's warnings, including members' names; the parts' status has what matters.
logging.getLogger("libarchive").setLevel(logging.CRITICAL)

_FORMATS: tuple[tuple[int, bytes, tuple[str, ...]], ...] = (
    (0, b"Rar!\x1a\x07\x01", ("rar5",)),
    (0, b"Rar!", ("rar",)),
    (0, b"7z", ("7zip",)),
    (0, b"MSCF", ("cab",)),
    (0, b"!<arch>\n", ("ar",)),
    (0, b"xar!", ("xar",)),
    (0, b"0707", ("cpio",)),
    (0, b"\xc7\x71", ("cpio",)),
    (2, b"-lh", ("lha",)),
    (0x8001, b"CD001", ("iso9660",)),
)


def read(document: Document, sink: Sink) -> None:
    """Pass on each member; encrypted members, and those where the archive breaks off, are reported as unread."""
    data = document.data
    formats = next((formats for offset, mark, formats in _FORMATS if data.startswith(mark, offset)), ("tar",))
    if "rar" in formats[0]:
        rar.check(data, sink)
    elif formats[0] == "cab":
        cab.check(data, sink)
    elif formats[0] == "tar":
        for text in tar.records(data):
            sink.text(text, "extended header")
    members = 0
    try:
        with _opened(data, formats, ()) as archive:
            members = _read_members(archive, len(data), sink)
            if ffi.read_has_encrypted_entries(archive) > 0:
                sink.limited("encrypted member")
    except ArchiveError as error:
        reason = _reason(error)
        if reason == "encrypted" or not members:
            raise UnreadableError(reason) from error
        sink.limited(reason)


def read_raw(data: bytes, name: str, sink: Sink) -> None:
    """Unpack a single compressed file and pass it on as `name`."""
    sink.embedded(unpacked(data, sink), name)


def unpacked(data: bytes, sink: Sink) -> bytes:
    """Return the content of a single compressed file. Raises UnreadableError("damaged") if it is empty."""
    content = bytearray()
    try:
        with _opened(data, ("raw",), _FILTERS) as archive, _entry() as entry:
            if ffi.read_next_header2(archive, entry) != ffi.ARCHIVE_EOF:
                for piece in _pieces(archive, len(data), sink):
                    content += piece
    except ArchiveError as error:
        if not content:
            raise UnreadableError("damaged") from error
        sink.limited("damaged, read up to the damage")
    return bytes(content)


@contextmanager
def _opened(data: bytes, formats: tuple[str, ...], filters: tuple[str, ...]) -> Iterator[int]:
    archive = ffi.read_new()
    try:
        for format_name in formats:
            getattr(ffi, f"read_support_format_{format_name}")(archive)
        for filter_name in filters:
            ffi.get_read_filter_function(filter_name)(archive)
        ffi.read_open_memory(archive, data, len(data))
        yield archive
    finally:
        ffi.read_free(archive)


@contextmanager
def _entry() -> Iterator[int]:
    entry = ffi.entry_new()
    try:
        yield entry
    finally:
        ffi.entry_free(entry)


def _read_members(archive: int, packed: int, sink: Sink) -> int:
    """Read all members and return how many there were."""
    members = 0
    with _entry() as entry:
        while True:
            try:
                if ffi.read_next_header2(archive, entry) == ffi.ARCHIVE_EOF:
                    return members
            except ArchiveError as error:
                if not members:
                    raise
                sink.limited(_reason(error))
                return members
            members += 1
            sink.budget.spend_entry()
            sink.budget.check_time()
            name = charset.decode(ffi.entry_pathname_utf8(entry) or ffi.entry_pathname(entry) or b"")
            for owner in (ffi.entry_uname(entry), ffi.entry_gname(entry)):
                if owner and is_written(spelled := charset.decode(owner)):
                    sink.text(spelled, "owner of a member")
            if ffi.entry_filetype(entry) not in (_REGULAR, 0):
                link = ffi.entry_symlink(entry) or b""
                sink.text("\n".join(filter(None, (name, charset.decode(link)))))
            elif ffi.entry_is_data_encrypted(entry):
                sink.text(name)
                sink.limited("encrypted member")
            else:
                _read_member(archive, entry, name, packed, sink)


def _read_member(archive: int, entry: int, name: str, packed: int, sink: Sink) -> None:
    content = bytearray()
    try:
        sink.budget.check_entry(packed, ffi.entry_size(entry))
        for piece in _pieces(archive, packed, sink):
            content += piece
    except LimitReachedError as error:
        sink.text(name)
        sink.limited(str(error))
        sink.budget.check_time()
    except ArchiveError as error:
        sink.limited(_reason(error))
    if content or not ffi.entry_size(entry):
        sink.embedded(bytes(content), name)


def _pieces(archive: int, packed: int, sink: Sink) -> Iterator[bytes]:
    """Yield the data of a member block by block; holes of sparse files are left out."""
    pointer, size, offset = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_longlong()
    total = 0
    while True:
        status = ffi.read_data_block(archive, ctypes.byref(pointer), ctypes.byref(size), ctypes.byref(offset))
        if status == ffi.ARCHIVE_EOF:
            return
        total += size.value
        sink.budget.spend_bytes(size.value)
        sink.budget.check_entry(packed, total)
        sink.budget.check_time()
        yield ctypes.string_at(pointer, size.value)


def _reason(error: ArchiveError) -> str:
    """Return Holdgate's reason for libarchive's error, whose message can quote a name."""
    message = str(error).lower()
    if "encrypt" in message or "passphrase" in message or "password" in message:
        return "encrypted"
    if any(phrase in message for phrase in ("unsupported", "not supported", "can't support", "unavailable")):
        return "unknown compression"
    return "damaged"


def _is_tar(data: bytes) -> bool:
    """Recognise a tar file without a magic number by the checksum of its first header (POSIX.1, `pax`)."""
    header = data[:512]
    if len(header) < 512 or not header[0]:
        return False
    try:
        expected = int(header[148:156].strip(b" \0"), 8)
    except ValueError:
        return False
    return expected == sum(header[:148]) + 8 * 32 + sum(header[156:])


FORMAT = Format(
    kind="archive",
    read=read,
    claims=archives.of_archive,
    holds="7z, rar, tar, cab, iso, cpio, ar, xar; lha (not tested)",
    read_by="libarchive",
    unread="encrypted members, solid RAR archives before version 5 from their second member on",
    signatures=(
        (0, b"Rar!\x1a\x07"),
        (0, b"7z\xbc\xaf\x27\x1c"),
        (0, b"MSCF\0\0\0\0"),  # [MS-CAB] 2.1
        (0, b"!<arch>\n"),
        (0, b"070701"),  # cpio
        (0, b"070702"),
        (0, b"070707"),
        (0, b"\xc7\x71"),
        (0, b"xar!"),
        (2, b"-lh"),
        (257, b"ustar"),  # POSIX.1, pax
        (0x8001, b"CD001"),  # ECMA-119, 8.4
    ),
    recognise=_is_tar,
    extensions="7z rar cab iso tar cpio",
    types="application/x-7z-compressed application/vnd.rar application/x-tar",
)
