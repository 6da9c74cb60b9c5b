"""Reads the XML parts of a workbook: cells with their places, shared strings, number formats, comments.

Follows ECMA-376-1:2016 (ISO/IEC 29500-1) 18.3 (worksheets), 18.4 (shared strings), 18.8 (styles), 18.7 (comments),
18.2 (workbook), and [MS-XLSX] (CT_ThreadedComment). A number keeps the digits in the file, without an exponent. If its
format shows it as a date or with a mask ("000-00-0000"), it is given in that form.
"""

import re

from holdgate.extract.readers.openxml.number_format import (
    BUILT_IN,
    Renderer,
    around_text,
    literals,
    plain_number,
    renderer,
)
from holdgate.extract.readers.openxml.ooxml_text import ELEMENTS, TEXT_ATTRIBUTES, PartText
from holdgate.extract.readers.openxml.xstring import unescaped
from holdgate.extract.readers.texts.expat import local
from holdgate.extract.readers.texts.xml_plan import (
    CELL,
    END,
    EVERYTHING,
    FULL,
    ROW,
    START,
    TEXT,
    Cells,
    Selection,
    flags,
)
from holdgate.extract.reading import Sink

# A formula is read for its contents other than references: quoted text, or digits in a row.
HAS_CONTENT = re.compile(r'"[^"]|\d{5}')
HEADERS = frozenset({"oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter"})
# Codes in them (ECMA-376-1, 18.3.1.39): a section, the style of letters; then font, size and colour.
_SECTION = re.compile("&[LCR]")
_LETTERS = re.compile("&[BIUSEXYHO]")
_FONT = re.compile(r'&"[^"&]*"|&K(?:[0-9A-Fa-f]{6}|\d\d[+-]\d{3})|&\d{1,3}')
ROWS = frozenset({"row", "c", "v", "f", "t", "rPh"})
BOOLEANS = frozenset({"0", "1", "true", "false"})
ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})

_BOOK = Selection(ELEMENTS | flags((["sheet", "workbookPr"], START | FULL)), TEXT_ATTRIBUTES)
_STRINGS = Selection(flags((["t", "rPh"], START | END | TEXT), (["si"], END)))
_STYLES = Selection(flags((["numFmt", "xf"], START | FULL), (["cellXfs"], START | END)))
_CELLS = flags(
    (["c"], START | END | FULL | CELL),
    (["row"], START | FULL | ROW),
    (["v", "f", "t", "rPh"], START | END | TEXT),
    (HEADERS, START | END),
)
_SHEET = Selection(ELEMENTS | _CELLS, TEXT_ATTRIBUTES)


class Workbook(PartText):
    """Reads the workbook part: sheet names with their relationship ids, defined names and other texts."""

    def __init__(self, sink: Sink):
        super().__init__(sink, "workbook")
        self.wanted = _BOOK
        self.sheets: list[tuple[str, str]] = []
        self.since_1904 = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        if name == "sheet":
            plain = local(attributes)
            self.sheets.append((plain.get("name", ""), plain.get("id", "")))
        elif name == "workbookPr":
            self.since_1904 = attributes.get("date1904", "0") in ("1", "true")
        super().start(name, attributes)


class SharedStrings(PartText):
    """Keeps the shared strings, with joined runs; phonetic readings are passed on at once."""

    def __init__(self, sink: Sink):
        super().__init__(sink, "shared strings")
        self.wanted = _STRINGS
        self.strings: list[str] = []
        self.used: set[int] = set()
        self.runs: list[str] = []
        self.phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        if name == "t":
            self.leaf = name
        elif name == "rPh":
            self.phonetic = True

    def end(self, name: str) -> None:
        """Process an end tag."""
        if name == "t":
            self.leaf = ""
        elif name == "si":
            self.strings.append("".join(self.runs))
            self.runs.clear()
        elif name == "rPh":
            self.phonetic = False

    def data(self, text: str) -> None:
        """Process character data."""
        if self.phonetic:
            self.emit(unescaped(text))
        elif self.leaf:
            self.runs.append(text)
        else:
            super().data(text)

    def use(self, index: str) -> str:
        """Return the string for an index as written in a cell, "" if there is none, or what is there in its place."""
        try:
            number = int(index)
        except ValueError:
            return index
        try:
            text = self.strings[number]
        except IndexError:
            return ""
        self.used.add(number)
        return text

    def finish(self) -> None:
        """Pass on text outside the strings."""
        self.flush_plain()

    def finish_unused(self) -> None:
        """Pass on the strings that no cell showed."""
        if self.runs:
            self.strings.append("".join(self.runs))
            self.runs.clear()
        for number, text in enumerate(self.strings):
            if number not in self.used:
                self.emit(unescaped(text))

    def is_read(self, name: str, attribute: str) -> bool:
        """Return false: no attribute is."""
        return False


class Styles(PartText):
    """Reads how each cell style shows numbers."""

    def __init__(self, sink: Sink, since_1904: bool = False):
        super().__init__(sink, "styles")
        self.wanted = _STYLES
        self.since_1904 = since_1904
        self.format_codes: dict[str, str] = {}
        self.formats: list[str] = []
        self.in_cells = False
        self.renderers: dict[str, Renderer | None] = {}
        self.texts: dict[str, tuple[str, str]] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        if name == "numFmt":
            code = attributes.get("formatCode", "")
            self.format_codes[attributes.get("numFmtId", "")] = code
            if around := around_text(code):
                self.texts[attributes.get("numFmtId", "")] = around
            self.emit(literals(code))
        elif name == "cellXfs":
            self.in_cells = True
        elif name == "xf" and self.in_cells:
            self.formats.append(attributes.get("numFmtId", "0"))

    def end(self, name: str) -> None:
        """Process an end tag."""
        if name == "cellXfs":
            self.in_cells = False

    def is_read(self, name: str, attribute: str) -> bool:
        """Return whether an attribute is passed on: of a format, its text is."""
        return attribute == "formatCode"

    def renderer_of(self, style: str) -> Renderer | None:
        """Return the function that shows the numbers of a cell style, None if they are not changed."""
        if style not in self.renderers:
            try:
                number = self.formats[int(style)]
            except (ValueError, IndexError):
                number = "0"
            code = self.format_codes.get(number) or BUILT_IN.get(int(number) if number.isdigit() else 0, "")
            self.renderers[style] = renderer(code, self.since_1904)
        return self.renderers[style]

    def around_text(self, style: str) -> tuple[str, str]:
        """Return the text that a cell style shows before and after a text."""
        if not self.texts or not style.isdigit() or int(style) >= len(self.formats):
            return "", ""
        return self.texts.get(self.formats[int(style)], ("", ""))


class SheetText(PartText):
    """Reads one sheet: its cells by a fast path, everything else like any part."""

    def __init__(self, sink: Sink, place: str, strings: SharedStrings | None, styles: Styles | None):
        super().__init__(sink, place)
        self.wanted = _SHEET
        self.strings = strings
        self.styles = styles
        self.row = 0
        self.column = 0
        self.cell = ""
        self.kind = self.style = ""
        self.value: list[str] = []
        self.formula: list[str] = []
        self.inline: list[str] = []
        self.into: list[str] | None = None
        self.phonetic = False
        shared, used = (strings.strings, strings.used) if strings else (None, set[int]())
        if styles is None or not styles.texts:
            self.cells = Cells(shared, used, f"{place}, ", self.is_plain, self.take)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        if self.plain:
            self.flush_plain()
        if name == "c":
            self.begin_cell(attributes)
        elif not self.cell:
            if name == "row":
                number = attributes.get("r", "")
                self.row = int(number[:9]) if number.isdecimal() else self.row + 1
                self.column = 0
            else:
                super().start(name, attributes)
        elif name == "v":
            self.into = self.value
        elif name == "f":
            self.into = self.formula
        elif name == "t":
            self.into = self.inline
        elif name == "rPh":
            self.phonetic = True

    def end(self, name: str) -> None:
        """Process an end tag."""
        if not self.cell:
            if name in HEADERS:
                self.end_header()
            super().end(name)
        elif name == "c":
            self.end_cell()
        elif name == "rPh":
            self.phonetic = False
        elif name in ("v", "f", "t"):
            self.into = None

    def data(self, text: str) -> None:
        """Process character data."""
        if not self.cell:
            super().data(text)
        elif self.into is not None:
            if self.phonetic:
                self.emit(unescaped(text), self.cell)
            else:
                self.into.append(text)

    def is_read(self, name: str, attribute: str) -> bool:
        """Return whether an attribute of an element is passed on; those of rows and cells are not."""
        return name not in ROWS and super().is_read(name, attribute)

    def is_plain(self, style: str) -> bool:
        """Whether a style shows a number unchanged."""
        return self.styles is None or self.styles.renderer_of(style) is None

    def take(self, texts: list[str], places: list[str], count: int) -> None:
        """Pass on simple cells, as `end_cell` would: see `xml_plan.Cells`."""
        self.sink.cells([unescaped(text) if "_x" in text else text for text in texts], places)
        self.sink.budget.spend_cells(count)

    def end_header(self) -> None:
        """Pass on a header or footer without its codes. What looks like one can be text, so it may stay or go."""
        text = _LETTERS.sub("", _SECTION.sub("\n", "".join(self.plain)))
        self.plain.clear()
        self.emit(text)
        if (plain := _FONT.sub("", text)) != text:
            self.emit(plain)

    def begin_cell(self, attributes: dict[str, str]) -> None:
        """Begin a cell; without a reference it is to the right of the one before."""
        reference = attributes.get("r")
        if reference:
            self.cell = reference
        else:
            self.column += 1
            self.cell = f"{column_name(self.column)}{self.row}"
        self.kind = attributes.get("t", "n")
        self.style = attributes.get("s", "")

    def end_cell(self) -> None:
        """Pass on a cell as a person sees it, and its formula if that contains more."""
        self.sink.budget.spend_cells(1)
        cell, kind = self.cell, self.kind
        value = "".join(self.value)
        shown = value
        if kind == "s":
            shown = self.strings.use(value) if self.strings else "" if value.isdecimal() else value
        elif kind == "n" and value:
            show = self.styles.renderer_of(self.style) if self.styles and self.style else None
            shown = (show and show(value)) or plain_number(value)
        elif (kind == "b" and value in BOOLEANS) or (kind == "e" and value in ERRORS):
            shown = ""
        if self.inline:
            shown += "".join(self.inline)
        if shown and not shown.isspace():
            if kind != "n" and self.styles:
                before, after = self.styles.around_text(self.style)
                shown = f"{before}{shown}{after}"
            self.sink.text(unescaped(shown), f"{self.place}, {cell}")
        if self.formula:
            formula = "".join(self.formula)
            if not value or HAS_CONTENT.search(formula):
                self.sink.text(formula, f"{self.place}, {cell}, formula")
            self.formula.clear()
        self.value.clear()
        self.inline.clear()
        self.into = None
        self.cell = ""


class SheetComments(PartText):
    """Reads comments on cells, legacy (18.7) and threaded."""

    def __init__(self, sink: Sink, place: str):
        super().__init__(sink, place)
        self.wanted = EVERYTHING
        self.authors: list[str] = []
        self.what = ""
        self.texts: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        if name in ("comment", "threadedComment"):
            number = attributes.get("authorId", "")
            author = self.authors[int(number)] if number.isdecimal() and int(number) < len(self.authors) else ""
            self.what = f"comment at {attributes.get('ref', '')}" + (f" by {author}" if author else "")
        elif name in ("author", "t", "text"):
            self.leaf = name
        else:
            self.leaf = ""
        if name == "author":
            self.texts.clear()

    def end(self, name: str) -> None:
        """Process an end tag."""
        if name == "author":
            self.authors.append("".join(self.texts))
            self.emit(self.authors[-1], "comment author")
            self.texts.clear()
        elif name in ("comment", "threadedComment"):
            self.finish()
        self.leaf = ""

    def data(self, text: str) -> None:
        """Process character data."""
        if self.leaf:
            self.texts.append(text)

    def is_read(self, name: str, attribute: str) -> bool:
        """Return false: no attribute is, except in the name of a place."""
        return False

    def finish(self) -> None:
        """Pass on a comment."""
        self.emit(unescaped("".join(self.texts)), self.what)
        self.texts.clear()


def column_name(number: int) -> str:
    """Return the letters of a column counted from 1.

    >>> column_name(1), column_name(28), column_name(16384)
    ('A', 'AB', 'XFD')
    """
    name = ""
    while number > 0:
        number, letter = divmod(number - 1, 26)
        name = chr(65 + letter) + name
    return name
