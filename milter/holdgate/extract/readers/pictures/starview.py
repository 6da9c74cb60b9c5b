"""Reads StarView metafiles, in which LibreOffice and OpenOffice store the appearance of charts, tables and objects.

There is no specification. Follows what LibreOffice itself reads: vcl/source/filter/svm/SvmReader.cxx (header, actions),
vcl/inc/metaactiontypes.hxx (their numbers), tools/source/stream/vcompat.cxx (version and size of each),
vcl/source/bitmap/dibtools.cxx (bitmaps).
"""

import re
import struct
import zlib
from collections.abc import Iterator

from holdgate.extract.format import Format
from holdgate.extract.readers.pictures.metafile import Piece, lines
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink, UnreadableError

SIGNATURE = b"VCLMTF"
TEXT, TEXT_ARRAY, STRETCHED_TEXT, TEXT_IN_RECTANGLE, COMMENT = 112, 113, 114, 115, 512
# Number of bytes before a text, and between it and its repetition in UTF-16.
TEXTS = {TEXT: (8, 4), TEXT_ARRAY: (8, 4), STRETCHED_TEXT: (8, 8), TEXT_IN_RECTANGLE: (16, 2)}
BITMAPS = range(116, 125)
# The program's own compression: zlib, after two sizes and the compression of the packed data.
PACKED = 0x01004453
_MARK = re.compile(r"[A-Z_]*")


def read(document: Document, sink: Sink) -> None:
    """Read a StarView metafile; raise UnreadableError("damaged") for anything else."""
    if not document.data.startswith(SIGNATURE):
        raise UnreadableError("damaged")
    # A chart has adjacent figures of one digit, which are not one number.
    lines(_texts(document.data, sink), sink, spaced=False)


def _texts(data: bytes, sink: Sink) -> Iterator[Piece]:
    """Yield the texts with their height on the page; pass on bitmaps, nested drawings, and strings of the rest."""
    try:
        _, size = struct.unpack_from("<HI", data, len(SIGNATURE))
    except struct.error:
        raise UnreadableError("damaged") from None
    at = len(SIGNATURE) + 6 + size
    known: set[str] = set()
    while at < len(data):
        sink.budget.check_time()
        try:
            kind, version, size = struct.unpack_from("<HHI", data, at)
        except struct.error:
            sink.limited("damaged picture")
            return
        record = data[at + 8 : at + 8 + size]
        at += 8 + size
        if len(record) < size:
            sink.limited("damaged picture")
        if kind in TEXTS and (found := _text(record, kind, version)):
            yield found
            continue
        if kind in BITMAPS and record.startswith(b"BM"):
            sink.embedded(_bitmap(record, sink), "picture.bmp")
            continue
        # A transparent drawing contains another one, and so does one that represents PostScript.
        inside = record.find(SIGNATURE)
        if inside >= 0:
            sink.embedded(record[inside:], "picture.svm")
            record = record[:inside]
        for text in strings(record):
            if text not in known and not (kind == COMMENT and _MARK.fullmatch(text.strip())):
                known.add(text)
                sink.text(text)


def _text(record: bytes, kind: int, version: int) -> Piece | None:
    """Return the text of a record, None if it is not as long as declared.

    It is in 8 bits or, if the font is Unicode, in UTF-16 after a longer length; and again in UTF-16 if the record is of
    version 2. The second is drawn, so it is enough if they agree.
    """
    before, between = TEXTS[kind]
    try:
        _, height = struct.unpack_from("<ii", record)
        (count,) = struct.unpack_from("<I", record, before)
        at = before + 4
        if at + 2 * count + between <= len(record):
            text, at = _wide(record, at, count)
        else:
            (count,) = struct.unpack_from("<H", record, before)
            at = before + 2 + count
            text = record[before + 2 : at].decode("cp1252", "replace")
        at += between
        if kind == TEXT_ARRAY:
            (count,) = struct.unpack_from("<I", record, at)
            at += 4 + 4 * count
        if version >= 2:
            (count,) = struct.unpack_from("<H", record, at)
            drawn, at = _wide(record, at + 2, count)
            text = drawn if text in (drawn, "") else f"{drawn} {text}"
    except struct.error:
        return None
    return (height, text) if at <= len(record) else None


def _wide(record: bytes, at: int, count: int) -> tuple[str, int]:
    return record[at : at + 2 * count].decode("utf-16-le", "replace"), at + 2 * count


def _bitmap(record: bytes, sink: Sink) -> bytes:
    """Return a bitmap in the form of a file: unpacked."""
    try:
        (compression,) = struct.unpack_from("<I", record, 30)
        if compression != PACKED:
            return record
        _, size, compression = struct.unpack_from("<3I", record, 54)
        sink.budget.spend_bytes(size)
        pixels = zlib.decompressobj().decompress(record[66:], size)
    except (struct.error, zlib.error):
        sink.limited("damaged picture")
        return record
    return record[:30] + struct.pack("<I", compression) + record[34:54] + pixels


FORMAT = Format(kind="starview", read=read, holds="SVM", read_by="Holdgate", unread="", signatures=((0, b"VCLMTF"),))
