"""Zip archives (PKWARE APPNOTE.TXT 6.3.10): every member, and what stands between members without being one.

A program that believes the local headers sees other files than one that believes the directory, so both are read.
"""

import struct

from holdgate.extract import charset
from holdgate.extract.readers.zip_package import LOCAL_HEADER, Member, ZipPackage
from holdgate.extract.reading import Document, Sink


def read(document: Document, sink: Sink) -> None:
    """Hand over each member; what cannot be unpacked is named, and the next one is read.

    Raises UnreadableError("damaged") where no member can be found, LimitReachedError for too many of them.
    """
    package = ZipPackage(document.data, sink)
    if package.archive is not None and package.archive.comment:
        sink.text(charset.decode(package.archive.comment), "archive comment")
    for member in package.members:
        if member.info is not None and member.info.comment:
            sink.text(charset.decode(member.info.comment), "member comment")
        content = package.read(member)
        if content is None:
            sink.text(member.path)
        else:
            sink.embedded(content, member.path)
    for outside in _outside(document.data, package.members):
        sink.signal("zip: data outside the directory")
        sink.budget.spend_bytes(len(outside))
        sink.embedded(outside, "data outside the directory")


def _outside(data: bytes, members: list[Member]) -> list[bytes]:
    """Return the stretches that the directory does not account for and that hold a member's local header."""
    position = 0
    found: list[bytes] = []
    for member in sorted(members, key=lambda member: member.header):
        position = _note(data, position, member.header, found)
        if len(header := data[member.header : member.header + 30]) == 30:
            name_length, extra_length = struct.unpack_from("<HH", header, 26)
            position = max(position, member.header + 30 + name_length + extra_length + member.packed)
    _note(data, position, len(data), found)
    return found


def _note(data: bytes, start: int, end: int, found: list[bytes]) -> int:
    header = data.find(LOCAL_HEADER, start, end)
    if header >= 0:
        found.append(data[header:end])
    return max(start, end)
