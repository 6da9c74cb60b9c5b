"""Reads the binary parts of an .xlsb workbook: cells with their places, and the strings of every other record.

Follows [MS-XLSB] 2.1.4 (records), 2.4 (BrtRowHdr, BrtCellRk and the other cells, BrtFmlaString and the other formulas,
BrtBundleSh, BrtSSTItem, BrtFmt, BrtXF, BrtCommentText) and 2.5 (RkNumber, RichStr, XLWideString, XLNullableWideString).
"""

import struct
from dataclasses import dataclass, field

from holdgate.extract.readers.openxml.number_format import (
    BUILT_IN,
    Renderer,
    literals,
    packed_number,
    plain_number,
    renderer,
)
from holdgate.extract.readers.openxml.ooxml_sheet import column_name
from holdgate.extract.readers.openxml.revisions import joined
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Sink

ROW, SHEET, STRING_ITEM, FORMAT, STYLE, STYLES_BEGIN, STYLES_END = 0, 156, 19, 44, 47, 617, 618
COMMENT, COMMENT_TEXT, PROPERTIES = 635, 637, 153
CELLS = range(1, 12)
RICH_CELL = 62
# Cells by what they hold: blank, RK number, error, boolean, number, string, shared string; then formulas' results.
NUMBERS, TEXTS = {2, 5, 9}, {6, 8, RICH_CELL}
# Dimensions, views, columns, panes, fonts, fills, borders, row and column geometry.
WITHOUT_TEXT = frozenset({3, 4, 43, 45, 46, 48, 60, *range(128, 139), *range(145, 149), 151})


@dataclass(slots=True)
class BinaryWorkbook:
    """The data that the parts of a binary workbook share."""

    sheets: list[tuple[str, str]] = field(default_factory=list)
    strings: list[str] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    codes: dict[int, str] = field(default_factory=dict)
    formats: list[int] = field(default_factory=list)
    renderers: dict[int, Renderer | None] = field(default_factory=dict)
    since_1904: bool = False

    def show(self, style: int, value: float) -> str:
        """Return a number as its format shows it."""
        if style not in self.renderers:
            code = self.formats[style] if style < len(self.formats) else 0
            self.renderers[style] = renderer(self.codes.get(code) or BUILT_IN.get(code, ""), self.since_1904)
        show = self.renderers[style]
        return (show and show(repr(value))) or plain_number(repr(value))

    def finish(self, sink: Sink) -> None:
        """Pass on the shared strings that no cell showed."""
        for number, text in enumerate(self.strings):
            if number not in self.used:
                sink.text(text, "shared strings")


def read_binary(data: bytes, book: BinaryWorkbook, sink: Sink, place: str) -> None:
    """Read a binary part of any kind; a truncated record ends it."""
    at, row, where, in_styles, count = 0, 0, place, False, 0
    while at < len(data):
        count += 1
        if not count & 0x3FF:
            sink.budget.check_time()
        try:
            kind, at = _type(data, at)
            size, at = _size(data, at)
        except IndexError:
            break
        body = data[at : at + size]
        at += size
        try:
            if kind in CELLS or kind == RICH_CELL:
                _read_cell(kind, body, row, book, sink, place)
            elif kind == ROW:
                (row,) = struct.unpack_from("<I", body)
            elif kind == STRING_ITEM:
                book.strings.append(_text(body, 1))
            elif kind == SHEET:
                identifier, end = _nullable(body, 8)
                book.sheets.append((_text(body, end), identifier))
                sink.text(book.sheets[-1][0], "sheet names")
            elif kind == PROPERTIES:
                book.since_1904 = bool(body[0] & 1)
            elif kind == FORMAT:
                (number,) = struct.unpack_from("<H", body)
                book.codes[number] = _text(body, 2)
                if words := literals(book.codes[number]):
                    sink.text(words, "number format")
            elif kind in (STYLES_BEGIN, STYLES_END):
                in_styles = kind == STYLES_BEGIN
            elif kind == STYLE:
                if in_styles:
                    book.formats.append(struct.unpack_from("<H", body, 2)[0])
            elif kind == COMMENT:
                first, _, column, _ = struct.unpack_from("<4I", body, 4)
                where = joined(place, f"comment at {column_name(column + 1)}{first + 1}")
            elif kind == COMMENT_TEXT:
                sink.text(_text(body, 1), where)
            elif kind not in WITHOUT_TEXT and size >= 12:
                for text in strings(body, narrow=False):
                    sink.text(text, place)
        except (struct.error, IndexError):
            for text in strings(body, narrow=False):
                sink.text(text, joined(place, "damaged record"))


def _read_cell(kind: int, body: bytes, row: int, book: BinaryWorkbook, sink: Sink, place: str) -> None:
    """Pass on one cell, and the string constants of its formula."""
    sink.budget.spend_cells(1)
    column, style = struct.unpack_from("<II", body)
    style &= 0xFFFFFF
    cell = joined(place, f"{column_name(column + 1)}{row + 1}")
    text = ""
    if kind == 2:
        text = book.show(style, packed_number(struct.unpack_from("<I", body, 8)[0]))
    elif kind in NUMBERS:
        text = book.show(style, struct.unpack_from("<d", body, 8)[0])
    elif kind in TEXTS:
        text = _text(body, 9 if kind == RICH_CELL else 8)
    elif kind == 7:
        (index,) = struct.unpack_from("<I", body, 8)
        if index < len(book.strings):
            book.used.add(index)
            text = book.strings[index]
    if text and not text.isspace():
        sink.text(text, cell)
    if kind in (8, 9, 10, 11):
        for constant in strings(body[16 + (2 * len(text) if kind == 8 else 0) :], narrow=False):
            sink.text(constant, joined(cell, "formula"))


def _type(data: bytes, at: int) -> tuple[int, int]:
    """Return a record's type, one or two bytes of seven bits, and where it ends."""
    kind = data[at]
    if kind & 0x80:
        return (kind & 0x7F) | (data[at + 1] & 0x7F) << 7, at + 2
    return kind, at + 1


def _size(data: bytes, at: int) -> tuple[int, int]:
    """Return a record's size, up to four bytes of seven bits, and where it ends."""
    size = 0
    for index in range(4):
        byte = data[at + index]
        size |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            break
    return size, at + index + 1


def _text(body: bytes, at: int) -> str:
    """Return a string that is preceded by its length in characters."""
    (length,) = struct.unpack_from("<I", body, at)
    return body[at + 4 : at + 4 + 2 * length].decode("utf-16-le", "replace")


def _nullable(body: bytes, at: int) -> tuple[str, int]:
    """Return a string that may be absent, and where it ends."""
    (length,) = struct.unpack_from("<I", body, at)
    if length == 0xFFFF_FFFF:
        return "", at + 4
    return _text(body, at), at + 4 + 2 * length
