"""Reads Windows metafiles, the drawings that Office stores next to its texts: their text records and bitmaps.

Follows [MS-EMF] 2.3.4.2 (header), 2.3.5.7, 2.3.5.8, 2.3.5.32 and on (text), 2.3.1 (bitmaps), 2.3.3 (comments, which
hold EMF+), and [MS-WMF] 2.3.2 (headers), 2.3.3.5, 2.3.3.20 (text), 2.3.1 (bitmaps). Letters that are drawn as outlines,
or named by their numbers in a font, are not read: `metafile_shapes` finds outlines.
"""

import struct
from collections.abc import Iterator

from holdgate.extract.extents import images
from holdgate.extract.format import Format
from holdgate.extract.readers.pictures import metafile_shapes
from holdgate.extract.readers.texts import outlines
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink, UnreadableError

EMF, PLACEABLE = b" EMF", b"\xd7\xcd\xc6\x9a"
WMF = (b"\x01\x00\x09\x00", b"\x02\x00\x09\x00")
END, END_OLD = 14, 0
EXT_TEXT_A, EXT_TEXT_W, POLY_TEXT_A, POLY_TEXT_W, SMALL_TEXT, COMMENT = 83, 84, 96, 97, 108, 70
GLYPH_INDEX, NO_RECTANGLE, SMALL_CHARACTERS = 0x10, 0x100, 0x200
# The place of a bitmap's offset in a record, by record type.
EMF_BITMAPS = {76: 84, 77: 84, 78: 84, 79: 84, 80: 48, 81: 48, 114: 84, 116: 84}
# The place of the bitmap itself in a record, by function.
WMF_BITMAPS = {0x0F43: 28, 0x0B41: 26, 0x0940: 22, 0x0D33: 24}
TEXT_OUT, EXT_TEXT_OUT = 0x0521, 0x0A32
OPAQUE_OR_CLIPPED = 0x6
MASKS = 3
Piece = tuple[int, str]


def read(document: Document, sink: Sink) -> None:
    """Read a metafile; raise UnreadableError("damaged") for anything else."""
    data = document.data
    if data[40:44] == EMF:
        lines(_emf(data, sink), sink)
        boxes = metafile_shapes.of_emf(data)
    elif data.startswith((PLACEABLE, *WMF)):
        lines(_wmf(data, sink), sink)
        boxes = metafile_shapes.of_wmf(data, 40 if data.startswith(PLACEABLE) else 18)
    else:
        raise UnreadableError("damaged")
    sink.budget.check_time()
    if outlines.are_letters(boxes):
        sink.limited(outlines.NOT_READ)


def lines(pieces: Iterator[Piece], sink: Sink, *, spaced: bool = True) -> None:
    """Pass on adjacent texts as one line.

    If single characters are drawn with spaces between them (`spaced`), they make a word.
    """
    line: list[str] = []
    height = 0

    def flush() -> None:
        if line:
            sink.text(("" if spaced and all(len(piece) == 1 for piece in line) else " ").join(line))
            line.clear()

    for at, text in pieces:
        if line and at != height:
            flush()
        height = at
        if text.strip("\0 "):
            line.append(text.strip("\0"))
    flush()


def _emf(data: bytes, sink: Sink) -> Iterator[Piece]:
    """Yield the texts of an enhanced metafile with their height on the page; pass on its bitmaps."""
    at = 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == END:
            return
        if size < 8:
            sink.limited("damaged picture")
            return
        record = data[at : at + size]
        at += size
        sink.budget.check_time()
        try:
            if kind in (EXT_TEXT_A, EXT_TEXT_W):
                yield _emf_text(record, 36, kind == EXT_TEXT_W)
            elif kind in (POLY_TEXT_A, POLY_TEXT_W):
                (count,) = struct.unpack_from("<I", record, 36)
                for index in range(min(count, len(record) // 40)):
                    yield _emf_text(record, 40 + 40 * index, kind == POLY_TEXT_W)
            elif kind == SMALL_TEXT:
                yield _small_text(record)
            elif kind == COMMENT and record[12:16] == b"EMF+":
                for text in strings(record[16:], narrow=False):
                    sink.text(text)
            elif kind in EMF_BITMAPS:
                header, header_size, bits, bits_size = struct.unpack_from("<4I", record, EMF_BITMAPS[kind])
                if header_size and bits_size:
                    _bitmap(record[header : header + header_size], record[bits : bits + bits_size], sink)
        except struct.error:
            sink.limited("damaged picture")


def _emf_text(record: bytes, at: int, wide: bool) -> Piece:
    """Return the text that an EmrText object describes ([MS-EMF] 2.2.5)."""
    height, count, offset, options = struct.unpack_from("<4xiIII", record, at)
    if options & GLYPH_INDEX:
        return height, ""
    raw = record[offset : offset + (2 * count if wide else count)]
    return height, raw.decode("utf-16-le" if wide else "cp1252", "replace")


def _small_text(record: bytes) -> Piece:
    """Return the text of a record for short texts ([MS-EMF] 2.3.5.37)."""
    height, count, options = struct.unpack_from("<4xiII", record, 8)
    at = 36 if options & NO_RECTANGLE else 52
    if options & GLYPH_INDEX:
        return height, ""
    wide = not options & SMALL_CHARACTERS
    return height, record[at : at + (2 * count if wide else count)].decode("utf-16-le" if wide else "cp1252", "replace")


def _wmf(data: bytes, sink: Sink) -> Iterator[Piece]:
    """Yield the texts of an old metafile with their height on the page; pass on its bitmaps."""
    at = 40 if data.startswith(PLACEABLE) else 18
    while at + 6 <= len(data):
        words, function = struct.unpack_from("<IH", data, at)
        if function == END_OLD:
            return
        if words < 3:
            sink.limited("damaged picture")
            return
        record = data[at : at + 2 * words]
        at += 2 * words
        sink.budget.check_time()
        try:
            if function == TEXT_OUT:
                (count,) = struct.unpack_from("<H", record, 6)
                (height,) = struct.unpack_from("<h", record, 8 + count + count % 2)
                yield height, record[8 : 8 + count].decode("cp1252", "replace")
            elif function == EXT_TEXT_OUT:
                height, count, options = struct.unpack_from("<h2xHH", record, 6)
                start = 22 if options & OPAQUE_OR_CLIPPED else 14
                yield height, "" if options & GLYPH_INDEX else record[start : start + count].decode("cp1252", "replace")
            elif function in WMF_BITMAPS and len(record) > WMF_BITMAPS[function] + 40:
                bitmap = record[WMF_BITMAPS[function] :]
                size, depth, compression, colours = struct.unpack_from("<I10xHI12xI", bitmap)
                palette = 4 * (colours or (1 << depth if depth <= 8 else 0)) + (12 if compression == MASKS else 0)
                _bitmap(bitmap[: size + palette], bitmap[size + palette :], sink)
        except struct.error:
            sink.limited("damaged picture")


def _bitmap(header: bytes, bits: bytes, sink: Sink) -> None:
    """Pass on a bitmap in the form of a file ([MS-WMF] 2.2.2.9)."""
    sink.budget.spend_bytes(len(header) + len(bits))
    start = 14 + len(header)
    sink.embedded(struct.pack("<2sIII", b"BM", start + len(bits), 0, start) + header + bits, "picture.bmp")


FORMAT = Format(
    kind="metafile",
    read=read,
    claims=images.of_metafile,
    holds="EMF, WMF",
    read_by="Holdgate",
    unread=f"letters that are drawn as outlines (`{outlines.NOT_READ}`)",
    signatures=(
        (40, b" EMF"),  # [MS-EMF] 2.2.9
        (0, b"\xd7\xcd\xc6\x9a"),  # [MS-WMF] 2.3.2.3
        (0, b"\1\0\x09\0\0\3"),
        (0, b"\1\0\x09\0\0\1"),
    ),
)
