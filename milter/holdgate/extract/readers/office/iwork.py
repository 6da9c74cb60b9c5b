"""Reads Pages, Numbers and Keynote documents: tables row by row, all other text object by object.

The format is Apple's and unpublished; the layout follows github.com/obriensp/iWorkFileFormat and numbers-parser 4.22.
A package is a ZIP file with archives (.iwa) of Snappy blocks, which contain objects as Protocol Buffers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from holdgate.extract.extents import archives
from holdgate.extract.format import Format
from holdgate.extract.readers.archives.zip_package import ZipPackage
from holdgate.extract.readers.data import protobuf, snappy
from holdgate.extract.readers.data.protobuf import ProtobufError
from holdgate.extract.readers.office.iwork_table import rows
from holdgate.extract.readers.pictures import image
from holdgate.extract.reading import Document, Sink, UnreadableError

DAMAGED = "damaged iWork archive"
_PASSWORDS = (".iwpv2", ".iwph")
_PREVIEW = re.compile(r"(?:quicklook/)?(?:preview|thumbnail)[\w-]*\.jpg", re.IGNORECASE)
_TABLE = 6001
# Internal data of the programs: styles, formulas in their own form, the list of all objects.
_TECHNICAL = re.compile(
    r"index/(?:documentstylesheet|metadata|calculationengine|viewstate|themestylesheet)", re.IGNORECASE
)
_HEADER = 4
_BLOCK = 1 << 20
"""Blocks contain at most 64 KiB as the programs write them."""


@dataclass(frozen=True, slots=True)
class _Object:
    kind: int
    payload: bytes
    technical: bool


def read(document: Document, sink: Sink) -> None:
    """Pass on texts and embedded files. Raises UnreadableError("encrypted") or ("damaged")."""
    package = ZipPackage(document.data, sink)
    if any(member.path.lower().endswith(_PASSWORDS) for member in package.members):
        raise UnreadableError("encrypted")
    objects: dict[int, _Object] = {}
    for member in package.members:
        content = package.read(member)
        if content is None:
            continue
        if not member.path.lower().endswith(".iwa"):
            if not (_PREVIEW.fullmatch(member.path) and image.read_preview(content, sink)):
                sink.embedded(content, member.path)
            continue
        technical = _TECHNICAL.match(member.path) is not None
        try:
            for number, kind, payload in _objects(_stream(content, sink)):
                objects[number] = _Object(kind, payload, technical)
        except (ProtobufError, snappy.SnappyError):
            sink.limited(DAMAGED)
            sink.embedded(content, member.path)
    _read_objects(objects, sink)


def _read_objects(objects: dict[int, _Object], sink: Sink) -> None:
    taken: set[int] = set()
    payloads = {number: found.payload for number, found in objects.items()}
    for found in objects.values():
        if found.kind == _TABLE:
            sink.budget.check_time()
            try:
                for place, cells in rows(found.payload, payloads, taken):
                    sink.budget.spend_cells(len(cells))
                    sink.text("\t".join(cells), place)
            except (ProtobufError, IndexError, ValueError):
                sink.limited("damaged table")
    for number, found in objects.items():
        if number not in taken:
            sink.budget.check_time()
            place = "styles and settings" if found.technical else ""
            for text in dict.fromkeys(protobuf.texts(found.payload)):
                sink.text(text, place)


def _stream(content: bytes, sink: Sink) -> bytes:
    """Join the blocks of an archive."""
    out = bytearray()
    at = 0
    while at + _HEADER <= len(content):
        size = int.from_bytes(content[at + 1 : at + _HEADER], "little")
        if content[at] or at + _HEADER + size > len(content):
            raise snappy.SnappyError("no block")
        piece = snappy.unpacked(content[at + _HEADER : at + _HEADER + size], _BLOCK)
        sink.budget.spend_bytes(len(piece))
        sink.budget.check_entry(len(content), len(out) + len(piece))
        sink.budget.check_time()
        out += piece
        at += _HEADER + size
    if at != len(content):
        raise snappy.SnappyError("bytes behind the last block")
    return bytes(out)


def _objects(stream: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, kind and message of each object; several messages of one object are yielded separately."""
    at = 0
    while at < len(stream):
        size, at = protobuf.varint(stream, at)
        header = stream[at : at + size]
        at += size
        number = protobuf.whole(header, 1)
        for order, info in enumerate(protobuf.messages(header, 2)):
            length = protobuf.whole(info, 3)
            if at + length > len(stream):
                raise ProtobufError("cut off")
            yield (number if not order else -number * 100 - order), protobuf.whole(info, 1), stream[at : at + length]
            at += length


def _in_zip(directory: bytes, _data: bytes) -> bool:
    return b"Index/Document.iwa" in directory


FORMAT = Format(
    kind="iwork",
    read=read,
    claims=archives.of_zip,
    holds="Pages, Numbers, Keynote",
    read_by="Holdgate",
    unread="documents with a password, which are `encrypted`",
    in_zip=_in_zip,
    extensions="pages numbers key",
    types="application/vnd.apple.pages application/vnd.apple.numbers application/vnd.apple.keynote"
    " application/x-iwork-pages-sffpages application/x-iwork-numbers-sffnumbers application/x-iwork-keynote-sffkey",
)
