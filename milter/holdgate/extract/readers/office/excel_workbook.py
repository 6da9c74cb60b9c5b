"""The state of an old Excel workbook while its records are read, and how its cells are passed on.

Follows [MS-XLS] 2.1.4 (records and their continuations), 2.4.21 (BOF). Distant cells cost no more than adjacent ones.
"""

import struct

from holdgate.extract.readers.office import office_art_shapes
from holdgate.extract.readers.office.biff import CONSTANT, Segments, characters
from holdgate.extract.readers.office.office_art import pictures
from holdgate.extract.readers.openxml.number_format import BUILT_IN, Renderer, plain_number, renderer
from holdgate.extract.readers.openxml.ooxml_sheet import column_name
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Sink

BOF = {0x0009: 2, 0x0209: 3, 0x0409: 4, 0x0809: 8}
BIFF5 = 0x0500
CHART_STREAM = b"\x20\x00"


class Workbook:
    """The state of a workbook while its records are read."""

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
        """Return the name of a place on the open sheet."""
        return f"sheet {self.sheet}, {cell}" if self.sheet and cell else f"sheet {self.sheet}" if self.sheet else cell

    def cell(self, row: int, column: int, text: str) -> None:
        """Pass on a cell."""
        self.sink.budget.spend_cells(1)
        if text and not text.isspace():
            self.sink.text(text, self.place("chart" if self.chart else f"{column_name(column + 1)}{row + 1}"))

    def number(self, row: int, column: int, style: int, value: float) -> None:
        """Pass on a number as its format shows it."""
        if style not in self.renderers:
            code = self.formats[style] if 0 <= style < len(self.formats) else 0
            self.renderers[style] = renderer(self.codes.get(code) or BUILT_IN.get(code, ""), self.since_1904)
        text = repr(value)
        show = self.renderers[style]
        self.cell(row, column, (show and show(text)) or plain_number(text))

    def scan(self, body: bytes, what: str) -> None:
        """Pass on the strings of a record that is not parsed."""
        for text in strings(body):
            self.sink.text(text, self.place(what))

    def text(self, body: bytes, at: int, wide_length: bool = True) -> str:
        """Return a string after its length: BIFF8 with a flag for its width, older ones in the code page."""
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
        """Pass on the string constants of a formula."""
        for match in CONSTANT.finditer(formula):
            count, at = match[1][0], match.end() - 1
            if self.version < 8:
                found = formula[at : at + count].decode(self.charset, "replace")
            else:
                found = characters(formula, at, count)
            if len(found) == count and found.replace("\0", "\n").replace("\n", "").isprintable():
                self.sink.text(found.replace("\0", "\n"), place)

    def flush_boxes(self) -> None:
        """Pass on the text of drawn objects that belong to no note."""
        for text in self.boxes.values():
            self.sink.text(text, self.place("text box"))
        self.boxes.clear()

    def finish(self) -> None:
        """Pass on text that belongs to no cell."""
        self.flush_boxes()
        self.sheet = ""
        for number, text in enumerate(self.strings):
            if number not in self.used and text:
                self.sink.text(text, "shared strings")
        if self.drawings:
            for picture, name in pictures(bytes(self.drawings), self.sink):
                self.sink.embedded(picture, name)
            office_art_shapes.check(bytes(self.drawings), self.sink)
