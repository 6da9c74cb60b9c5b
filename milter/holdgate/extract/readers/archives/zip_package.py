"""Reads the members of a ZIP-based document, intact or damaged, at a limited cost.

Follows PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory) and 4.4.4 (flags).
The standard library reads the directory. Members are inflated here, so that a wrong checksum or a truncated stream
still yields what is readable; a damaged directory is replaced by a search for the local headers.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from holdgate.extract import charset, zip_file
from holdgate.extract.budget import LimitReachedError
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Sink, UnreadableError

LOCAL_HEADER = b"PK\x03\x04"
DIRECTORY_HEADER = b"PK\x01\x02"
ENCRYPTED = 0x1
SIZES_FOLLOW = 0x8
BLOCK = 2_048
STEP = 1 << 22
_PADDING = b"\0 \t\r\n\xff"
_ORDINARY_REST = 32
_ORDINARY_EXTRA = 36
"""Extra fields up to this many bytes have the times, owners and sizes that ZIP programs write, and no text."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member: its path with forward slashes and no leading one, and the place of its local header."""

    path: str
    header: int
    packed: int
    unpacked: int
    method: int
    encrypted: bool
    info: zipfile.ZipInfo | None = None


class ZipPackage:
    """The members of a ZIP file, read one at a time and counted against the budget of `sink`."""

    def __init__(self, data: bytes, sink: Sink):
        self.data = data
        self.sink = sink
        self.archive: zipfile.ZipFile | None = None
        self.members: list[Member] = []
        if data.count(DIRECTORY_HEADER) > sink.budget.limits.entries:
            raise LimitReachedError("too many members")
        try:
            self.archive = zip_file.opened(data)
            # A folder has no content; one that has some is a file to other programs.
            entries = self.archive.infolist()
            self.members = [_member(info) for info in entries if not info.is_dir() or info.compress_size > 2]
            for text in strings(self.archive.comment):
                sink.text(text, "ZIP comment")
            for info in entries:
                for text in _beside(info):
                    sink.text(text, "ZIP directory")
        except zip_file.ERRORS:
            self.archive = None
        if not self.members:
            self.members = list(_walk(data))
            if not self.members:
                raise UnreadableError("damaged")
            sink.limited("damaged ZIP directory")

    def read(self, member: Member, most: int = 0) -> bytes | None:
        """Return the bytes of `member`, at most `most`; None, with a report to the sink, if it stays unread."""
        budget = self.sink.budget
        budget.check_time()
        budget.spend_entry()
        if member.encrypted:
            self.sink.limited("encrypted member")
            return None
        try:
            budget.check_entry(member.packed, member.unpacked)
            data = self._unpack(member, most or budget.limits.entry_bytes)
        except LimitReachedError as error:
            self.sink.limited(str(error))
            return None
        if data is None:
            self.sink.limited("damaged member")
            return None
        budget.spend_bytes(len(data))
        return data

    def _unpack(self, member: Member, most: int) -> bytes | None:
        """Return as much of `member` as is readable, None if nothing."""
        header = self.data[member.header : member.header + 30]
        if len(header) < 30 or not header.startswith(LOCAL_HEADER):
            return None
        name_length, extra_length = struct.unpack_from("<HH", header, 26)
        start = member.header + 30 + name_length + extra_length
        packed = self.data[start : start + member.packed]
        if member.method == zipfile.ZIP_STORED:
            return packed[:most]
        if member.method == zipfile.ZIP_DEFLATED:
            return self._inflate(packed, member.unpacked, most)
        if self.archive is None or member.info is None:
            return None
        try:
            with self.archive.open(member.info) as stream:
                return stream.read(most)
        except zip_file.ERRORS:
            return None

    def _inflate(self, packed: bytes, declared: int, most: int) -> bytes | None:
        """Inflate in one step if the directory is right, else block by block up to the damage or a limit."""
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            whole = inflate.decompress(packed, min(declared, most) + 1)
            if inflate.eof or len(whole) > most:
                self._read_rest(inflate.unused_data)
                return whole[:most]
        except zlib.error:
            pass
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        out = bytearray()
        try:
            for offset in range(0, len(packed), BLOCK):
                block = packed[offset : offset + BLOCK]
                while block and len(out) < most and not inflate.eof:
                    out += inflate.decompress(block, min(STEP, most - len(out)))
                    block = inflate.unconsumed_tail
                    self.sink.budget.check_entry(len(packed), len(out))
                if inflate.eof:
                    self._read_rest(inflate.unused_data + packed[offset + BLOCK :])
                    break
        except zlib.error:
            self.sink.limited("damaged member")
        return bytes(out) if out or inflate.eof else None

    def _read_rest(self, rest: bytes) -> None:
        """Pass on what is in the place of a member after the end of its compressed data: no program unpacks it."""
        if len(rest.strip(_PADDING)) > _ORDINARY_REST:
            self.sink.budget.spend_bytes(len(rest))
            self.sink.embedded(rest, "data after a member")


def _member(info: zipfile.ZipInfo) -> Member:
    """Return a member as the directory describes it."""
    path = info.filename.replace("\\", "/").lstrip("/")
    encrypted = bool(info.flag_bits & ENCRYPTED)
    return Member(path, info.header_offset, info.compress_size, info.file_size, info.compress_type, encrypted, info)


def _beside(info: zipfile.ZipInfo) -> Iterator[str]:
    """Yield the other texts in a directory entry: its comment and extra fields (4.5), and a folder's name."""
    if info.is_dir():
        yield info.filename
    if info.comment:
        yield charset.decode(info.comment)
    if len(info.extra) > _ORDINARY_EXTRA:
        yield from strings(info.extra)


def _walk(data: bytes) -> Iterator[Member]:
    """Yield the members whose local headers are found; if sizes follow the data, it extends to the next header."""
    at = data.find(LOCAL_HEADER)
    while 0 <= at <= len(data) - 30:
        flags, method, packed, unpacked, name_length, extra = struct.unpack_from("<2xHH8xIIHH", data, at + 4)
        start = at + 30 + name_length + extra
        following = data.find(LOCAL_HEADER, start)
        if flags & SIZES_FOLLOW or start + packed > len(data):
            packed = (following if following > 0 else len(data)) - start
        else:
            following = data.find(LOCAL_HEADER, start + packed)
        path = data[at + 30 : at + 30 + name_length].decode("utf-8", "replace").replace("\\", "/").lstrip("/")
        if path and not path.endswith("/"):
            yield Member(path, at, max(packed, 0), unpacked, method, bool(flags & ENCRYPTED))
        at = following
