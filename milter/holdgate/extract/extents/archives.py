"""The extents of archives, packages and compressed files."""

import re
import struct
import zlib
from collections.abc import Iterator

from holdgate.extract import zip_file
from holdgate.extract.readers.archives import rar

Spans = list[tuple[int, int]]

_DIRECTORY_END = b"PK\x05\x06"
_ISO_VOLUME = 0x8000
_ISO_BLOCK = 2_048
_TAR_BLOCK = 512
_LZ4_CHECKSUM, _LZ4_SIZE, _LZ4_BLOCK_CHECKSUM, _LZ4_DICTIONARY = 0x4, 0x8, 0x10, 0x1
_XAR_CONTENTS_BYTES = 50_000_000
_HEAP, _HEAP_END = re.compile(rb"<data[ >]"), b"</data>"
_OFFSET, _LENGTH = re.compile(rb"<offset>(\d{1,18})<"), re.compile(rb"<length>(\d{1,18})<")


def of_zip(data: bytes) -> Spans:
    """The members with their headers, the directory, and its end with the comment (APPNOTE.TXT 4.3)."""
    archive = zip_file.opened(data)
    entries = archive.infolist()
    start = archive.start_dir
    comment = archive.comment
    end = data.rindex(_DIRECTORY_END)
    while data[end + 22 : end + 22 + len(comment)] != comment or data[end + 20 : end + 22] != _size(comment):
        end = data.rindex(_DIRECTORY_END, 0, end)
    spans = [(start, end + 22 + len(comment))]
    for entry in entries:
        name, extra = struct.unpack_from("<HH", data, entry.header_offset + 26)
        spans.append((entry.header_offset, entry.header_offset + 30 + name + extra + entry.compress_size))
    return spans


def _size(comment: bytes) -> bytes:
    return struct.pack("<H", len(comment))


def of_archive(data: bytes) -> Spans:
    """The archive, to the end given by its header or its last entry."""
    if data.startswith(b"Rar!"):
        return [(0, rar.end_of(data))]
    if data.startswith(b"7z\xbc\xaf"):
        offset, size = struct.unpack_from("<QQ", data, 12)
        return [(0, 32 + offset + size)]
    if data.startswith(b"MSCF"):
        return [(0, struct.unpack_from("<I", data, 8)[0])]
    if data.startswith(b"!<arch>\n"):
        return [(0, _ar_end(data))]
    if data.startswith(b"xar!"):
        return [(0, _xar_end(data))]
    if data.startswith((b"0707", b"\xc7\x71")):
        return [(0, data.rindex(b"TRAILER!!!") + 10)] if data.count(b"TRAILER!!!") == 1 else [(0, _cpio_end(data))]
    if data.startswith(b"CD001", _ISO_VOLUME + 1):
        blocks, size = struct.unpack_from("<I", data, _ISO_VOLUME + 80)[0], _ISO_BLOCK
        return [(_ISO_VOLUME, blocks * size)]
    if data[2:5] == b"-lh":
        return [(0, len(data))]
    return _tar_members(data)


def of_compressed(data: bytes) -> Spans:
    """The frames of LZ4 and the members of lzip; the reader itself passes on data after the other formats."""
    if data.startswith(b"\x04\x22\x4d\x18"):
        return [(0, _lz4_end(data))]
    if data.startswith(b"LZIP"):
        return [(0, _lzip_end(data))]
    return [(0, len(data))]


def of_apple(data: bytes) -> Spans:
    """The header and the entries of AppleDouble and AppleSingle (RFC 1740, appendix A); all of .DS_Store."""
    if not data.startswith((b"\0\5\x16\7", b"\0\5\x16\0")):
        return [(0, len(data))]
    (count,) = struct.unpack_from(">H", data, 24)
    spans = [(0, 26 + 12 * count)]
    for number in range(count):
        _, offset, length = struct.unpack_from(">III", data, 26 + 12 * number)
        spans.append((offset, offset + length))
    return spans


def _ar_end(data: bytes) -> int:
    position = 8
    while data[position + 58 : position + 60] == b"`\n":
        size = int(data[position + 48 : position + 58])
        position += 60 + size + size % 2
    return position


def _xar_end(data: bytes) -> int:
    """The heap extends to the end of the last file in the table of contents."""
    header, _, packed = struct.unpack_from(">HHQ", data, 4)
    contents = zlib.decompressobj().decompress(data[header : header + packed], _XAR_CONTENTS_BYTES)
    heap = header + packed
    places = [20]  # the checksum of the table comes first
    for found in heap_entries(contents):
        offset, length = _OFFSET.search(found), _LENGTH.search(found)
        if offset and length:
            places.append(int(offset[1]) + int(length[1]))
    return int(heap + max(places))


def heap_entries(contents: bytes) -> Iterator[bytes]:
    """Yield the elements of a table of contents that name a place in the heap."""
    end = 0
    for start in _HEAP.finditer(contents):
        if start.start() >= end:
            end = contents.find(_HEAP_END, start.end()) + len(_HEAP_END)
            if end < len(_HEAP_END):
                return
            yield contents[start.start() : end]


def _cpio_end(data: bytes) -> int:
    """The end of the first trailer that is the name of an entry."""
    found = re.search(rb"(?<=\0)TRAILER!!!\0|(?<=[0-9A-Fa-f])TRAILER!!!\0", data)
    if found is None:
        raise ValueError
    return found.end()


def _tar_members(data: bytes) -> Spans:
    """The headers and the data of members; the rest of a member's last block is padding, and two blocks of NUL end all.

    See POSIX.1, pax.
    """
    spans: Spans = []
    position = 0
    while len(header := data[position : position + _TAR_BLOCK]) == _TAR_BLOCK and header.strip(b"\0"):
        field = header[124:136]
        size = int.from_bytes(field[1:], "big") if field[0] & 0x80 else int(field.strip(b" \0") or b"0", 8)
        spans.append((position, position + _TAR_BLOCK + size))
        position += _TAR_BLOCK + -(-size // _TAR_BLOCK) * _TAR_BLOCK
    return spans


def _lz4_end(data: bytes) -> int:
    """Frames follow one another; skippable ones are not part of them (LZ4 frame format 1.6)."""
    position = 0
    while data.startswith(b"\x04\x22\x4d\x18", position):
        flags = data[position + 4]
        position += 7 + 8 * bool(flags & _LZ4_SIZE) + 4 * bool(flags & _LZ4_DICTIONARY)
        while size := struct.unpack_from("<I", data, position)[0]:
            position += 4 + (size & 0x7FFFFFFF) + 4 * bool(flags & _LZ4_BLOCK_CHECKSUM)
        position += 4 + 4 * bool(flags & _LZ4_CHECKSUM)
    return position


def _lzip_end(data: bytes) -> int:
    """A member has its own size in its last bytes, so it ends where a count of its bytes is right (lzip manual)."""
    position = 0
    while data.startswith(b"LZIP", position):
        at = position + 26
        while at <= len(data) and struct.unpack_from("<Q", data, at - 8)[0] != at - position:
            at = _next_size(data, at, position)
        if at > len(data):
            raise ValueError
        position = at
    return position


def _next_size(data: bytes, at: int, start: int) -> int:
    """Return the next place that can be a size: its upper bytes are NUL."""
    found = data.find(b"\0\0\0", at - 2)
    return max(at + 1, found + 3) if found >= 0 else len(data) + 1
