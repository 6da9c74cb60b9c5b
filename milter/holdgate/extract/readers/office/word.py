"""Reads old Word documents: the text of every subdocument, revisions both ways, and the other data of the streams.

Follows [MS-DOC]: 2.5 (Fib), 2.4.1 (retrieving text), 2.8.35 (PlcPcd), 2.9.73 (FcCompressed), 2.3 (subdocuments),
2.8.5 with 2.9.33 (PlcBteChpx, ChpxFkp), 2.6.1 (character properties), 2.8.25 (fields). Word 6 and 95 keep the same
structures in one stream at other offsets; Word 2 is not a compound file and keeps its text in one run.
"""

import re
import struct
from bisect import bisect_right
from dataclasses import dataclass, field

from holdgate.extract.format import Format
from holdgate.extract.readers.office import office_art_shapes
from holdgate.extract.readers.office.compound import Storage
from holdgate.extract.readers.office.property_set import codec
from holdgate.extract.readers.openxml.revisions import DELETED, HIDDEN, INSERTED, Pieces, joined, views
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink, UnreadableError

# The mark of a document that was written by Word for the Macintosh.
MACINTOSH = 0x100
WORD_2 = (0xA59B, 0xA59C, 0xA5DB)
WORD_6 = (0xA5DC, 0xA697, 0xA698, 0xA699)
COMPLEX, ENCRYPTED, SECOND_TABLE, WIDE_95 = 0x0004, 0x0100, 0x0200, 0x1000
COMPRESSED = 0x4000_0000
SUBDOCUMENTS = (
    "",
    "footnote",
    "header or footer",
    "macro",
    "comment",
    "endnote",
    "text box",
    "text box in header",
)
# sprmCFRMarkDel, sprmCFRMarkIns, sprmCFVanish with one byte that switches them on.
SPRMS = ((b"\x00\x08", DELETED), (b"\x01\x08", INSERTED), (b"\x3c\x08", HIDDEN))
SYMBOL = b"\x09\x6a"
PAGE = 512
UNBROKEN = re.compile("[^\r\x07\x0c]+")
PARAGRAPH = re.compile("[\r\x07\x0c]")
FIELD = re.compile("([\x13\x14\x15])")
# Line break, column break, hyphens, and the marks for images, notes, drawings, page numbers and dates.
SHOWN = {0x0B: "\n", 0x0E: "\n", 0x1E: "-", 0x1F: None, 0xA0: " "} | dict.fromkeys(
    [0, 1, 2, 3, 4, 5, 6, 8, 0x0F, 0x10, 0x11, 0x12, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1D]
)
MOST_PIECES = 200_000
# Charsets of the languages Word 6 and 95 were sold in, by primary language ([MS-LCID]); all others are Western.
CODEPAGES = {
    0x01: 1256, 0x02: 1251, 0x04: 936, 0x05: 1250, 0x08: 1253, 0x0D: 1255, 0x0E: 1250, 0x11: 932, 0x12: 949,
    0x15: 1250, 0x18: 1250, 0x19: 1251, 0x1A: 1250, 0x1B: 1250, 0x1C: 1250, 0x1E: 874, 0x1F: 1254, 0x22: 1251,
    0x23: 1251, 0x24: 1250, 0x25: 1257, 0x26: 1257, 0x27: 1257, 0x29: 1256, 0x2A: 1258, 0x2F: 1251,
}  # fmt: skip


@dataclass(slots=True)
class Text:
    """Text of a document with the file offset of every span, to look up the properties of its characters."""

    pieces: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    offsets: list[tuple[int, int]] = field(default_factory=list)
    length: int = 0

    def add(self, text: str, offset: int, width: int) -> None:
        """Add a piece at byte `offset`, with `width` bytes per character."""
        self.pieces.append(text)
        self.starts.append(self.length)
        self.offsets.append((offset, width))
        self.length += len(text)

    def offset_of(self, position: int) -> int:
        """Return the file offset of a character."""
        index = bisect_right(self.starts, position) - 1
        offset, width = self.offsets[index]
        return offset + (position - self.starts[index]) * width


@dataclass(frozen=True, slots=True)
class Header:
    """The required data of the file information block."""

    magic: int
    version: int
    charset: str
    flags: int
    first: int
    last: int
    lengths: tuple[int, ...]
    pieces: tuple[int, int]
    properties: tuple[int, int]

    @property
    def old(self) -> bool:
        """Whether this is Word 95 or older."""
        return self.magic != 0xA5EC or self.version < 0x6A


def read(document: Document, sink: Sink) -> None:
    """Read a Word file that is not a compound file: Word 2 for Windows.

    Raises UnreadableError for anything else, or if it is encrypted.
    """
    data = document.data
    header = parse_header(data)
    if header is None:
        raise UnreadableError("damaged")
    _check_encryption(header)
    text = data[header.first : header.last] or data[PAGE:]
    _subdocument(text.decode(header.charset, "replace"), "", sink)
    _remains(data, sink, [(0, header.first + len(text))])


def read_storage(storage: Storage, sink: Sink) -> None:
    """Read the document in a storage; raise UnreadableError("encrypted") if its flag says so."""
    main = storage.read("WordDocument")
    header = parse_header(main)
    if header is None:
        sink.limited("damaged")
        _remains(main, sink, [])
        return
    _check_encryption(header)
    tables = ("1Table", "0Table") if header.flags & SECOND_TABLE else ("0Table", "1Table")
    table = main if header.old else storage.read(tables[0]) or storage.read(tables[1])
    pieces = _pieces(header, table, len(main))
    if not pieces:
        pieces = [(header.first, max(0, min(header.last, len(main)) - header.first), True)]
        if not header.old:
            sink.limited("damaged piece table")
    text = _text(main, pieces, header, sink)
    _read_text(text, header, _marks(main, table, header, sink), sink)
    if not header.old:
        for found in strings(table, narrow=False):
            sink.text(found, "names and properties")
        office_art_shapes.check(table, sink)
    _remains(main, sink, [(offset, offset + size) for offset, size, _ in pieces])


def parse_header(data: bytes) -> Header | None:
    """Return the header, None if there is none or it is truncated."""
    if len(data) < 0x60:
        return None
    magic, version, _, language, _, flags = struct.unpack_from("<6H", data)
    first, last = struct.unpack_from("<II", data, 0x18)
    charset = codec(CODEPAGES.get(language & 0x3FF, 1252))
    if struct.unpack_from("<H", data, 0x14)[0] == MACINTOSH:
        charset = "mac_roman"
    if magic in WORD_2 or (magic in WORD_6 and version < 0x65):
        return Header(magic, version, charset, flags, first, last, (), (0, 0), (0, 0))
    if magic not in (0xA5EC, *WORD_6):
        return None
    if magic != 0xA5EC or version < 0x6A:
        if len(data) < 0x168:
            return None
        lengths = struct.unpack_from("<8i", data, 0x34)
        pieces, properties = struct.unpack_from("<II", data, 0x160), struct.unpack_from("<II", data, 0xB8)
        return Header(magic, version, charset, flags, first, last, lengths, pieces, properties)
    (words,) = struct.unpack_from("<H", data, 0x20)
    at = 0x22 + 2 * words
    (longs,) = struct.unpack_from("<H", data, at)
    at += 2
    lengths = struct.unpack_from("<8i", data, at + 12)
    at += 4 * longs + 2
    pieces, properties = struct.unpack_from("<II", data, at + 33 * 8), struct.unpack_from("<II", data, at + 12 * 8)
    return Header(magic, version, "cp1252", flags, first, last, lengths, pieces, properties)


def _check_encryption(header: Header) -> None:
    if header.flags & ENCRYPTED:
        raise UnreadableError("encrypted")


def _pieces(header: Header, table: bytes, size: int) -> list[tuple[int, int, bool]]:
    """Return the pieces as file offset, size in bytes, and whether their characters are one byte wide."""
    if header.old and not header.flags & COMPLEX:
        return []
    start, length = header.pieces
    clx = table[start : start + length]
    at = 0
    while at + 3 <= len(clx) and clx[at] == 1:
        at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
    if at + 5 > len(clx) or clx[at] != 2:
        return []
    (length,) = struct.unpack_from("<I", clx, at + 1)
    plc = clx[at + 5 : at + 5 + length]
    count = min((len(plc) - 4) // 12, MOST_PIECES)
    positions = struct.unpack_from(f"<{count + 1}i", plc)
    found: list[tuple[int, int, bool]] = []
    for index in range(count):
        characters = positions[index + 1] - positions[index]
        (offset,) = struct.unpack_from("<I", plc, 4 * (count + 1) + 8 * index + 2)
        narrow = header.old and not header.flags & WIDE_95
        if not header.old and offset & COMPRESSED:
            narrow, offset = True, (offset & ~COMPRESSED) // 2
        length = characters if narrow else 2 * characters
        if characters > 0 and offset < size:
            found.append((offset, min(length, size - offset), narrow))
    return found


def _text(main: bytes, pieces: list[tuple[int, int, bool]], header: Header, sink: Sink) -> Text:
    """Join the pieces; a list of pieces that repeats the stream many times is a bomb and ends it."""
    charset = header.charset
    if header.old and header.flags & WIDE_95 and charset == "cp1252":
        charset = "utf-16-le"
    text = Text()
    left = 2 * len(main)
    for offset, size, narrow in pieces:
        raw = main[offset : offset + size]
        left -= len(raw)
        if left < 0:
            sink.limited("damaged piece table")
            break
        if narrow and charset != "utf-16-le":
            text.add(raw.decode(charset, "replace"), offset, 1)
        else:
            text.add(raw.decode("utf-16-le", "replace"), offset, 2)
    sink.budget.check_time()
    return text


def _marks(main: bytes, table: bytes, header: Header, sink: Sink) -> list[tuple[int, int, int, str]]:
    """Return spans that are revised, hidden or a symbol: their first and last file offset, flags, symbol."""
    if header.old:
        return []
    start, length = header.properties
    plc = table[start : start + length]
    count = max(0, (len(plc) - 4) // 8)
    found: list[tuple[int, int, int, str]] = []
    for (number,) in struct.iter_unpack("<I", plc[4 * (count + 1) : 4 * (count + 1) + 4 * count]):
        at = (number & 0x3FFFFF) * PAGE
        page = main[at : at + PAGE]
        if len(page) < PAGE or not (SYMBOL in page or any(sprm in page for sprm, _ in SPRMS)):
            continue
        sink.budget.check_time()
        runs = page[PAGE - 1]
        if runs > 101:
            continue
        offsets = struct.unpack_from(f"<{runs + 1}I", page)
        for run in range(runs):
            where = 2 * page[4 * (runs + 1) + run]
            if where:
                flags, symbol = _character(page[where + 1 : where + 1 + page[where]])
                if flags or symbol:
                    found.append((offsets[run], offsets[run + 1], flags, symbol))
    return sorted(found)


def _character(properties: bytes) -> tuple[int, str]:
    """Return the flags and the symbol that a list of character properties sets."""
    flags = 0
    for sprm, flag in SPRMS:
        at = properties.find(sprm)
        if at >= 0 and properties[at + 2 : at + 3] == b"\x01":
            flags |= flag
    at = properties.find(SYMBOL)
    symbol = ""
    if at >= 0 and len(properties) >= at + 6:
        (code,) = struct.unpack_from("<H", properties, at + 4)
        symbol = chr(code & 0xFF if 0xF000 <= code <= 0xF0FF else code)
    return flags, symbol if symbol.isprintable() else ""


def _read_text(text: Text, header: Header, marks: list[tuple[int, int, int, str]], sink: Sink) -> None:
    """Pass on each subdocument; text beyond the lengths in the header is read like the main text."""
    whole = "".join(text.pieces)
    start = 0
    for name, length in zip(SUBDOCUMENTS, header.lengths or (len(whole),), strict=False):
        length = max(0, min(length, len(whole) - start))
        _marked(text, whole, start, start + length, name, marks, sink)
        start += length
    _marked(text, whole, start, len(whole), "", marks, sink)


def _marked(
    text: Text, whole: str, start: int, end: int, place: str, marks: list[tuple[int, int, int, str]], sink: Sink
) -> None:
    """Pass on a subdocument; its paragraphs with revisions or hidden text once for each way to see them."""
    part = whole[start:end]
    if not marks:
        _subdocument(part, place, sink)
        return
    begins = [first for first, _, _, _ in marks]
    for match in UNBROKEN.finditer(part):
        sink.budget.check_time()
        pieces = _flagged(text, match.group(), start + match.start(), marks, begins)
        for shown, what in views(pieces):
            _paragraph(shown, joined(place, what), sink)


def _flagged(
    text: Text, paragraph: str, start: int, marks: list[tuple[int, int, int, str]], begins: list[int]
) -> Pieces:
    """Cut a paragraph where its flags change; symbols replace the character that represents them."""
    pieces: Pieces = []
    position = 0
    while position < len(paragraph):
        absolute = start + position
        piece = bisect_right(text.starts, absolute) - 1
        offset, width = text.offsets[piece]
        here = offset + (absolute - text.starts[piece]) * width
        room = min(len(paragraph) - position, text.starts[piece] + len(text.pieces[piece]) - absolute)
        index = bisect_right(begins, here) - 1
        if index >= 0 and here < marks[index][1]:
            _, last, flags, symbol = marks[index]
            count = max(1, min(room, (last - here) // width))
            pieces.append((flags, symbol * count if symbol else paragraph[position : position + count]))
        else:
            following = begins[index + 1] if index + 1 < len(begins) else here + room * width
            count = max(1, min(room, (following - here + width - 1) // width if following > here else room))
            pieces.append((0, paragraph[position : position + count]))
        position += count
    return pieces


def _subdocument(text: str, place: str, sink: Sink) -> None:
    """Pass on the paragraphs and cells of a text."""
    for paragraph in PARAGRAPH.split(text):
        if paragraph:
            _paragraph(paragraph, place, sink)


def _paragraph(paragraph: str, place: str, sink: Sink) -> None:
    """Pass on a paragraph with the results of its fields, and the codes of the fields separately."""
    if "\x13" in paragraph:
        codes: list[str] = []
        shown: list[str] = []
        # For each open field: whether its result has begun.
        fields: list[bool] = []
        for piece in FIELD.split(paragraph):
            if piece == "\x13":
                fields.append(False)
            elif piece == "\x14":
                if fields:
                    fields[-1] = True
            elif piece == "\x15":
                if fields:
                    fields.pop()
            elif all(fields):
                shown.append(piece)
            else:
                codes.append(piece)
        paragraph = "".join(shown)
        code = " ".join(codes).translate(SHOWN).strip()
        if code:
            sink.text(code, joined(place, "field code"))
    paragraph = paragraph.translate(SHOWN).strip("\x13\x14\x15 \t\n")
    if paragraph:
        sink.text(paragraph, place)


def _remains(main: bytes, sink: Sink, used: list[tuple[int, int]]) -> None:
    """Pass on strings outside every piece: remains of fast saving, and names in old files."""
    at = 0
    for start, end in sorted(used):
        if start - at > PAGE:
            for text in strings(main[at:start]):
                sink.text(text, "remains of edits")
        at = max(at, end)
    for text in strings(main[at:]):
        sink.text(text, "remains of edits")


_MAGIC = (b"\x9b\xa5", b"\x9c\xa5", b"\xdb\xa5")

FORMAT = Format(
    kind="old-word",
    read=read,
    holds="Word 2",
    read_by="Holdgate",
    unread="",
    recognise_binary=lambda document: document.data.startswith(_MAGIC),
    extensions="doc dot",
    types="application/msword",
)
