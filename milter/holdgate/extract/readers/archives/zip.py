"""Zip archives (PKWARE APPNOTE.TXT 6.3.10): every member, and the data between members.

A program that trusts the local headers sees other files than one that trusts the directory, so both are read.
"""

import struct

from holdgate.extract.extents import archives
from holdgate.extract.format import Format
from holdgate.extract.readers.archives.zip_package import LOCAL_HEADER, ZipPackage
from holdgate.extract.reading import Document, Sink


def read(document: Document, sink: Sink) -> None:
    """Pass on each member; one that cannot be unpacked is reported, and the next one is read.

    Raises UnreadableError("damaged") if no member is found, LimitReachedError for too many of them.
    """
    package = ZipPackage(document.data, sink)
    for member in package.members:
        content = package.read(member)
        if content is None:
            sink.text(member.path)
        else:
            sink.embedded(content, member.path)
    for outside in _outside(document.data, package):
        sink.signal("zip: data outside the directory")
        sink.budget.spend_bytes(len(outside))
        sink.embedded(outside, "data outside the directory")


def _outside(data: bytes, package: ZipPackage) -> list[bytes]:
    """Return the spans that the directory does not describe and that contain a member's local header."""
    position = 0
    found: list[bytes] = []
    entries = [(member.header, member.packed) for member in package.members]
    if package.archive is not None:
        entries = [(info.header_offset, info.compress_size) for info in package.archive.infolist()]
    for start, packed in sorted(entries):
        position = _note(data, position, start, found)
        if len(header := data[start : start + 30]) == 30:
            name_length, extra_length = struct.unpack_from("<HH", header, 26)
            position = max(position, start + 30 + name_length + extra_length + packed)
    _note(data, position, len(data), found)
    return found


def _note(data: bytes, start: int, end: int, found: list[bytes]) -> int:
    header = data.find(LOCAL_HEADER, start, end)
    if header >= 0:
        found.append(data[header:end])
    return max(start, end)


FORMAT = Format(
    kind="zip",
    read=read,
    claims=archives.of_zip,
    holds="zip and other files built on it",
    read_by="Holdgate, zlib",
    unread="encrypted members, members in an unknown compression",
    extensions="zip jar war epub",
    types="application/zip application/x-zip-compressed",
)
