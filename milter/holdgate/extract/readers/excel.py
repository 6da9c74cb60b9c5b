"""Reads old Excel workbooks, BIFF2 to BIFF8: cells with their places, and the text of every other record.

Follows [MS-XLS]: 2.1.4 (records), 2.4.21 (BOF), 2.4.28 (BoundSheet8), 2.4.265 (SST), 2.4.148 to 2.4.151 (labels),
2.5.217 (RkNumber), 2.4.127 (Formula), 2.4.268 (String), 2.4.179 (Note), 2.4.329 (TxO), 2.4.353 (XF); the records of
BIFF2 to BIFF5 are those of the Excel 97 Developer's Kit. Cells far from each other cost no more than near ones.
Longer than most modules: each kind of record that holds text has its function here, and one table at the end names all.
"""

import struct
from collections.abc import Callable

from holdgate.extract.readers.biff import CONSTANT, SILENT, Segments, characters, decimal, shared_strings
from holdgate.extract.readers.byte_strings import strings
from holdgate.extract.readers.compound import Storage
from holdgate.extract.readers.number_format import BUILT_IN, Renderer, literals, plain_number, renderer
from holdgate.extract.readers.office_art import pictures
from holdgate.extract.readers.ooxml_sheet import column_name
from holdgate.extract.readers.property_set import codec
from holdgate.extract.reading import Document, Sink, UnreadableError

CONTINUE = 0x3C
BOF = {0x0009: 2, 0x0209: 3, 0x0409: 4, 0x0809: 8}
BIFF5 = 0x0500
CHART_STREAM = b"\x20\x00"
CONTINUED = frozenset({0x00FC, 0x01B6, 0x0207, 0x00EB, 0x00EC, 0x001C, 0x01B8})
CHART = range(0x1001, 0x1067)
SERIES_TEXT = 0x100D


def read(document: Document, sink: Sink) -> None:
    """Read a workbook that is no compound file, as BIFF2 to BIFF4 are.

    Raises UnreadableError("encrypted") or, for what does not begin like one, ("damaged").
    """
    if document.data[:2] not in (b"\x09\x00", b"\x09\x02", b"\x09\x04", b"\x09\x08"):
        raise UnreadableError("damaged")
    read_stream(document.data, sink)


def read_storage(storage: Storage, sink: Sink) -> None:
    """Read the workbook in a storage, in each form that it is stored; raise UnreadableError("encrypted")."""
    for name in ("Workbook", "Book"):
        if name in storage:
            read_stream(storage.read(name), sink)


def read_stream(data: bytes, sink: Sink) -> None:
    """Read a stream of BIFF records: a workbook, or the cache of a pivot table."""
    _Workbook(data, sink).walk()


class _Workbook:
    """What has been learned of a workbook while its records are read."""

    def __init__(self, data: bytes, sink: Sink):
        self.data = data
        self.sink = sink
        self.version = 8
        self.charset = "cp1252"
        self.since_1904 = False
        self.sheets: dict[int, str] = {}
        self.sheet = ""
        self.strings: list[str] = []
        self.used: set[int] = set()
        self.codes: dict[int, str] = {}
        self.formats: list[int] = []
        self.renderers: dict[int, Renderer | None] = {}
        self.pending = ""
        self.chart = False
        self.object = 0
        self.boxes: dict[int, str] = {}
        self.drawings = bytearray()

    def walk(self) -> None:
        """Read all records; a record that runs over the end is cut there."""
        data, actions = self.data, ACTIONS
        at, end, count = 0, len(data), 0
        while at + 4 <= end:
            kind, size = struct.unpack_from("<HH", data, at)
            begin = at
            body = data[at + 4 : at + 4 + size]
            at += 4 + size
            count += 1
            if not count & 0x3FF:
                self.sink.budget.check_time()
            action = actions.get(kind)
            try:
                if kind in CONTINUED:
                    segments, at = self.continued(body, at)
                    SEGMENTED[kind](self, segments)
                elif action:
                    action(self, body)
                elif kind in BOF:
                    self.begin(kind, body, begin)
                elif kind not in SILENT and kind not in CHART and size >= 6:
                    self.scan(body, "")
            except (struct.error, IndexError):
                if size and action:
                    self.scan(body, "damaged record")
        self.finish()

    def continued(self, body: bytes, at: int) -> tuple[Segments, int]:
        """Return a record with the CONTINUE records after it, and where the next one begins."""
        segments = [body]
        while self.data[at : at + 2] == b"\x3c\x00" and at + 4 <= len(self.data):
            (size,) = struct.unpack_from("<H", self.data, at + 2)
            segments.append(self.data[at + 4 : at + 4 + size])
            at += 4 + size
        return segments, at

    def begin(self, kind: int, body: bytes, offset: int) -> None:
        """Begin a substream: the workbook itself, a sheet, a chart."""
        version = BOF[kind]
        if version == 8 and len(body) >= 2 and struct.unpack_from("<H", body)[0] <= BIFF5:
            version = 5
        self.version = version
        self.chart = offset not in self.sheets and body[2:4] == CHART_STREAM
        if offset in self.sheets:
            self.flush_boxes()
            self.sheet = self.sheets[offset]

    def place(self, cell: str) -> str:
        """Name a place on the open sheet."""
        return f"sheet {self.sheet}, {cell}" if self.sheet and cell else f"sheet {self.sheet}" if self.sheet else cell

    def cell(self, row: int, column: int, text: str) -> None:
        """Hand over a cell."""
        self.sink.budget.spend_cells(1)
        if text and not text.isspace():
            self.sink.text(text, self.place("chart" if self.chart else f"{column_name(column + 1)}{row + 1}"))

    def number(self, row: int, column: int, style: int, value: float) -> None:
        """Hand over a number as its format shows it."""
        if style not in self.renderers:
            code = self.formats[style] if 0 <= style < len(self.formats) else 0
            self.renderers[style] = renderer(self.codes.get(code) or BUILT_IN.get(code, ""), self.since_1904)
        text = repr(value)
        show = self.renderers[style]
        self.cell(row, column, (show and show(text)) or plain_number(text))

    def scan(self, body: bytes, what: str) -> None:
        """Hand over the strings of a record that is not taken apart."""
        for text in strings(body):
            self.sink.text(text, self.place(what))

    def text(self, body: bytes, at: int, wide_length: bool = True) -> str:
        """Return a string with its length before it: BIFF8 with a flag for its width, older ones in the code page."""
        if wide_length:
            (count,) = struct.unpack_from("<H", body, at)
            at += 2
        else:
            count = body[at]
            at += 1
        if self.version < 8:
            return body[at : at + count].decode(self.charset, "replace")
        return characters(body, at, count)

    def constants(self, formula: bytes, place: str) -> None:
        """Hand over the string constants of a formula."""
        for match in CONSTANT.finditer(formula):
            count, at = match[1][0], match.end() - 1
            if self.version < 8:
                found = formula[at : at + count].decode(self.charset, "replace")
            else:
                found = characters(formula, at, count)
            if len(found) == count and found.replace("\0", "\n").replace("\n", "").isprintable():
                self.sink.text(found.replace("\0", "\n"), place)

    def flush_boxes(self) -> None:
        """Hand over the text of drawn objects that no note has claimed."""
        for text in self.boxes.values():
            self.sink.text(text, self.place("text box"))
        self.boxes.clear()

    def finish(self) -> None:
        """Hand over what belongs to no cell."""
        self.flush_boxes()
        self.sheet = ""
        for number, text in enumerate(self.strings):
            if number not in self.used and text:
                self.sink.text(text, "shared strings")
        if self.drawings:
            for picture, name in pictures(bytes(self.drawings), self.sink):
                self.sink.embedded(picture, name)


def _end(book: _Workbook, _: bytes) -> None:
    book.chart = False


def _user(book: _Workbook, body: bytes) -> None:
    book.sink.text(book.text(body, 0, wide_length=book.version == 8).strip(), "last editor")


def _sheet(book: _Workbook, body: bytes) -> None:
    (offset,) = struct.unpack_from("<I", body)
    name = book.text(body, 6, wide_length=False)
    book.sheets[offset] = name
    book.sink.text(name, "sheet names")


def _strings(book: _Workbook, segments: Segments) -> None:
    book.strings, extensions = shared_strings(segments)
    for text in strings(extensions, narrow=False):
        book.sink.text(text, "phonetic readings")


def _label_shared(book: _Workbook, body: bytes) -> None:
    row, column, _, index = struct.unpack_from("<HHHI", body)
    if index < len(book.strings):
        book.used.add(index)
        book.cell(row, column, book.strings[index])


def _label(book: _Workbook, body: bytes) -> None:
    row, column = struct.unpack_from("<HH", body)
    book.cell(row, column, book.text(body, 6))


def _label_2(book: _Workbook, body: bytes) -> None:
    """Hand over a label of BIFF2, or of the data sheet of a Microsoft Graph chart ([MS-OGRAPH], Label)."""
    row, column = struct.unpack_from("<HH", body)
    book.cell(row, column, book.text(body, 7, wide_length=False))


def _number(book: _Workbook, body: bytes) -> None:
    row, column, style, value = struct.unpack_from("<HHHd", body)
    book.number(row, column, style, value)


def _number_2(book: _Workbook, body: bytes) -> None:
    row, column, value = struct.unpack_from("<HH3xd", body)
    book.number(row, column, -1, value)


def _integer_2(book: _Workbook, body: bytes) -> None:
    row, column, value = struct.unpack_from("<HH3xH", body)
    book.number(row, column, -1, value)


def _packed(book: _Workbook, body: bytes) -> None:
    row, column, style, value = struct.unpack_from("<HHHI", body)
    book.number(row, column, style, decimal(value))


def _many_packed(book: _Workbook, body: bytes) -> None:
    row, column = struct.unpack_from("<HH", body)
    for index in range((len(body) - 6) // 6):
        style, value = struct.unpack_from("<HI", body, 4 + 6 * index)
        book.number(row, column + index, style, decimal(value))


def _formula(book: _Workbook, body: bytes) -> None:
    row, column, style = struct.unpack_from("<HHH", body)
    at = 7 if book.version == 2 else 6
    cell = f"{column_name(column + 1)}{row + 1}"
    book.pending = cell
    if body[at + 6 : at + 8] != b"\xff\xff":
        (value,) = struct.unpack_from("<d", body, at)
        book.number(row, column, -1 if book.version < 5 else style, value)
    if b"\x17" in body:
        book.constants(body[at + 8 :], book.place(f"{cell}, formula"))


def _result(book: _Workbook, segments: Segments) -> None:
    body = segments[0]
    (count,) = struct.unpack_from("<H", body)
    if book.version < 8:
        text = b"".join([body[2:], *segments[1:]])[:count].decode(book.charset, "replace")
    else:
        text = characters(body, 2, count)
        for segment in segments[1:]:
            if segment:
                text += characters(segment, 0, count - len(text))
    book.sink.text(text, book.place(book.pending))


def _result_2(book: _Workbook, body: bytes) -> None:
    book.sink.text(body[1 : 1 + body[0]].decode(book.charset, "replace"), book.place(book.pending))


def _format(book: _Workbook, body: bytes) -> None:
    (number,) = struct.unpack_from("<H", body)
    if book.version >= 5:
        code = book.text(body, 2, wide_length=book.version == 8)
        book.codes[number] = code
        if words := literals(code):
            book.sink.text(words, "number format")


def _style(book: _Workbook, body: bytes) -> None:
    if book.version >= 5:
        book.formats.append(struct.unpack_from("<H", body, 2)[0])


def _charset(book: _Workbook, body: bytes) -> None:
    (number,) = struct.unpack_from("<H", body)
    book.charset = codec({0x8000: 10000, 0x8001: 1252, 1200: 1252}.get(number, number))


def _dates(book: _Workbook, body: bytes) -> None:
    book.since_1904 = body[:1] == b"\x01"


def _page_text(book: _Workbook, body: bytes) -> None:
    if len(body) > 1:
        book.sink.text(book.text(body, 0, wide_length=book.version == 8), book.place("header or footer"))


def _object(book: _Workbook, body: bytes) -> None:
    if book.version == 8 and len(body) >= 8:
        (book.object,) = struct.unpack_from("<H", body, 6)
    elif book.version < 8:
        book.scan(body, "object")


def _text_box(book: _Workbook, segments: Segments) -> None:
    (count,) = struct.unpack_from("<H", segments[0], 10)
    text = ""
    for segment in segments[1:]:
        if len(text) >= count or not segment:
            break
        text += characters(segment, 0, count - len(text))
    if text:
        if book.object in book.boxes:
            book.sink.text(book.boxes[book.object], book.place("text box"))
        book.boxes[book.object] = text


def _note(book: _Workbook, segments: Segments) -> None:
    body = segments[0]
    row, column, third, number = struct.unpack_from("<HHHH", body)
    cell = f"{column_name(column + 1)}{row + 1}"
    if book.version == 8:
        author = book.text(body, 8)
        text = book.boxes.pop(number, "")
        if author:
            book.sink.text(author, book.place(f"comment at {cell}"))
        if text:
            book.sink.text(text, book.place(f"comment at {cell}" + (f" by {author}" if author else "")))
    else:
        text = body[6 : 6 + third].decode(book.charset, "replace")
        book.sink.text(text, book.place("comment" if row == 0xFFFF else f"comment at {cell}"))


def _drawing(book: _Workbook, segments: Segments) -> None:
    for text in strings(b"".join(segments), narrow=False):
        book.sink.text(text, book.place("drawing"))


def _drawing_group(book: _Workbook, segments: Segments) -> None:
    for segment in segments:
        book.drawings += segment


def _link(book: _Workbook, segments: Segments) -> None:
    book.scan(b"".join(segments), "link")


def _series(book: _Workbook, body: bytes) -> None:
    book.sink.text(book.text(body, 2, wide_length=False), book.place("chart"))


def _encrypted(_: _Workbook, __: bytes) -> None:
    raise UnreadableError("encrypted")


def _validation(book: _Workbook, body: bytes) -> None:
    book.scan(body, "validation")
    book.constants(body, book.place("validation"))


def _name(book: _Workbook, body: bytes) -> None:
    book.scan(body, "defined name")
    book.constants(body, book.place("defined name"))


def _pivot_string(book: _Workbook, body: bytes) -> None:
    book.sink.text(book.text(body, 0), book.place(""))


def _pivot_number(book: _Workbook, body: bytes) -> None:
    book.sink.text(plain_number(repr(struct.unpack_from("<d", body)[0])), book.place(""))


ACTIONS: dict[int, Callable[[_Workbook, bytes], None]] = {
    0x000A: _end,
    0x005C: _user,
    0x0085: _sheet,
    0x00FD: _label_shared,
    0x0204: _label,
    0x0004: _label_2,
    0x00D6: _label,
    0x0203: _number,
    0x0003: _number_2,
    0x0002: _integer_2,
    0x027E: _packed,
    0x00BD: _many_packed,
    0x0006: _formula,
    0x0206: _formula,
    0x0406: _formula,
    0x0007: _result_2,
    0x041E: _format,
    0x00E0: _style,
    0x0042: _charset,
    0x0022: _dates,
    0x0014: _page_text,
    0x0015: _page_text,
    0x005D: _object,
    0x100D: _series,
    0x002F: _encrypted,
    0x01BE: _validation,
    0x0018: _name,
    0x00CD: _pivot_string,
    0x00C9: _pivot_number,
}
SEGMENTED: dict[int, Callable[[_Workbook, Segments], None]] = {
    0x00FC: _strings,
    0x0207: _result,
    0x01B6: _text_box,
    0x001C: _note,
    0x00EC: _drawing,
    0x00EB: _drawing_group,
    0x01B8: _link,
}
