"""Reads OpenDocument texts, spreadsheets, presentations and drawings, in a ZIP package or as one flat XML file.

Follows OpenDocument 1.3 (OASIS): part 2 (packages; manifest:encryption-data), part 3 (schema) 5 (text; 5.5 tracked
changes), 9 (tables), 10 (drawings), 11 (charts), 13 (forms), 14.1 (annotations), 16.9 (headers), 4.3 (metadata).

It is long because texts, sheets, slides and drawings share one vocabulary: its tables of elements name handlers that
use one another.
"""

import base64
import binascii
import posixpath
from collections.abc import Callable

from holdgate.extract.extents import archives
from holdgate.extract.format import Format
from holdgate.extract.readers.archives.zip_package import ZipPackage
from holdgate.extract.readers.openxml import shapes, unlisted
from holdgate.extract.readers.openxml.number_format import plain_number
from holdgate.extract.readers.openxml.ooxml_sheet import HAS_CONTENT, column_name
from holdgate.extract.readers.openxml.revisions import DELETED, HIDDEN, INSERTED, Pieces, joined, views
from holdgate.extract.readers.pictures import image
from holdgate.extract.readers.texts import expat
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.readers.texts.expat import local
from holdgate.extract.readers.texts.xml_plan import END, FULL, NAMED, NO_ATTRIBUTES, START, TEXT, Selection, flags
from holdgate.extract.reading import Document, Sink, UnreadableError
from holdgate.extract.written import is_written

# Elements whose text is separate, wherever they occur.
_OWN_TEXT = """
    author config-item creation-date creator date desc description editing-duration generator h
    initial-creator keyword language module note-citation option p print-date subject template title user-defined
"""
OWN_TEXT = frozenset(_OWN_TEXT.split())
# Their places, in words for people.
PLACES = {
    "header": "header",
    "header-left": "header",
    "header-first": "header",
    "footer": "footer",
    "footer-left": "footer",
    "footer-first": "footer",
    "annotation": "comment",
    "notes": "notes",
    "text-box": "text box",
    "tracked-changes": "tracked change",
    "meta": "document properties",
    "module": "macro",
    "chart": "chart",
    "master-page": "master",
    "form": "form",
    "content-validation": "validation",
}
NOTES = {"footnote": "footnote", "endnote": "endnote"}
_TEXT_ATTRIBUTES = """
    alt-text author command condition content current-selected current-value data-field default-value
    description display-list display-name email-address formula help-message href image-data label linked-cell
    list-source message password phone prompt string-value string-value-if-false string-value-if-true
    table-name text title value
"""
TEXT_ATTRIBUTES = frozenset(_TEXT_ATTRIBUTES.split())
# Elements whose `name` a person gave; other names belong to styles or are generated.
_NAMED = """
    bookmark bookmark-start button checkbox combobox content-validation custom-shape data-pilot-table
    database-range ellipse form frame hidden layer line listbox named-expression named-range object page rect
    reference-mark reference-mark-start scenario section table text textarea user-defined user-field-decl
    variable-decl
"""
WITH_NAME = frozenset(_NAMED.split())
# White space and breaks: the text that they add to the open paragraph.
CHARACTERS = {"tab": "\t", "line-break": "\n", "soft-hyphen": ""}
# Types of settings that are no text (part 3, 3.10.2).
SETTINGS = frozenset(["boolean", "short", "int", "long", "double", "datetime", "base64Binary"])
NUMERIC = frozenset({"float", "currency", "percentage"})
FLAT_ROOTS = frozenset({"document", "document-content", "document-styles", "document-meta", "document-settings"})
# Cells are read separately; maps and layers have conditions and names for the program.
CELLS = frozenset({"table-cell", "covered-table-cell"})
CELL_TEXT = frozenset({"value", "string-value", "date-value", "formula"})
ATTRIBUTES_IGNORED = CELLS | {"map", "layer", "style", "font-face"}
MARKUP = frozenset({"manifest", "layout-cache", "RDF"})
# Text outside paragraphs is a separator between parts of a number, or longer than any of them.
LONG_ENOUGH = 4
MOST_SPACES = 1_000


def read(document: Document, sink: Sink) -> None:
    """Read an OpenDocument package; raise UnreadableError("encrypted") if its manifest says so."""
    package = ZipPackage(document.data, sink)
    for member in package.members:
        if member.path.lower() == "meta-inf/manifest.xml":
            manifest = package.read(member) or b""
            if b"encryption-data" in manifest:
                raise UnreadableError("encrypted")
            unlisted.read(manifest, OdfText(sink).is_read, sink, "manifest")
    for member in package.members:
        if member.path == "mimetype" or member.path.lower() == "meta-inf/manifest.xml":
            continue
        if is_written(member.path):
            sink.text(member.path, "name of a part")
        data = package.read(member)
        if not data:
            continue
        root = expat.root_name(data)
        if root in FLAT_ROOTS or root in ("module", "library", "libraries"):
            folder = posixpath.dirname(member.path)
            place = f"embedded object {folder}" if folder.startswith("Object") else ""
            _read_xml(data, sink, place)
        elif member.path == "layout-cache" or member.path.startswith("Fonts/"):
            for text in strings(data):
                sink.text(text, "layout" if member.path == "layout-cache" else "embedded font")
        elif root in MARKUP:
            _read_xml(data, sink, root)
        elif not image.read_thumbnail(member.path, data, sink):
            sink.embedded(data, posixpath.basename(member.path))


def read_flat(document: Document, sink: Sink) -> None:
    """Read an OpenDocument file that is one XML document (part 3, 3.1.2)."""
    _read_xml(document.data, sink, "")


def _read_xml(data: bytes, sink: Sink, place: str) -> None:
    handler = OdfText(sink, place)
    expat.read_part(data, handler, sink, place)
    handler.finish()
    unlisted.read(data, handler.is_read, sink, place)
    shapes.check(data, sink)


class OdfText:
    """Passes the text of one XML document to the sink: an expat handler."""

    def __init__(self, sink: Sink, place: str = ""):
        self.sink = sink
        self.pieces: Pieces = []
        # Texts that are interrupted by one inside them, and the elements that began each.
        self.stack: list[Pieces] = []
        self.own: list[str] = []
        self.places: list[tuple[str, str]] = [("", place)] if place else []
        self.flags = 0
        self.insertions: set[str] = set()
        self.deletions: dict[str, str] = {}
        self.change = ""
        self.sheets = False
        self.sheet = ""
        self.row = self.column = self.repeat = 0
        self.cell_values: list[str] = []
        self.cell = ""
        self.page = 0
        self.binary: list[str] | None = None
        self.silent = False
        self.wanted = _WANTED

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        if name in CHARACTERS:
            self.add(CHARACTERS[name])
            return
        action = STARTS.get(name)
        if action:
            action(self, local(attributes))
        if name in OWN_TEXT:
            self.own.append(name)
            self.stack.append(self.pieces)
            self.pieces = []
        if name in PLACES:
            self.places.append((name, PLACES[name]))
        if attributes:
            for key, value in attributes.items():
                if name not in CELLS and not key.startswith("xmlns") and self.is_read(name, key[key.find(":") + 1 :]):
                    self.emit(value)

    def is_read(self, name: str, attribute: str) -> bool:
        """Return whether an attribute of an element is passed on; both names have no prefix."""
        if name in CELLS:
            return attribute in CELL_TEXT
        if name in ATTRIBUTES_IGNORED or name in CHARACTERS:
            return False
        return attribute in TEXT_ATTRIBUTES or (attribute == "name" and name in WITH_NAME)

    def end(self, name: str) -> None:
        """Process an end tag."""
        if self.own and name == self.own[-1]:
            self.end_text(name)
        action = ENDS.get(name)
        if action:
            action(self)
        if name in PLACES and self.places and self.places[-1][0] == name:
            self.places.pop()

    def data(self, text: str) -> None:
        """Process character data."""
        if self.binary is not None:
            self.binary.append(text)
        elif self.own:
            if not self.silent:
                self.pieces.append((self.flags, text))
        elif len(text) >= LONG_ENOUGH and not text.isspace():
            self.emit(text)

    def add(self, text: str) -> None:
        """Add characters to the open paragraph."""
        if self.own and text:
            self.pieces.append((self.flags, text))

    def end_text(self, name: str) -> None:
        """Pass on a text that ends."""
        self.own.pop()
        pieces, self.pieces = self.pieces, self.stack.pop()
        if not pieces:
            return
        if name == "creator" and self.places and self.places[-1][0] == "annotation":
            author = "".join(text for _, text in pieces)
            self.places[-1] = ("annotation", f"comment by {author}")
        if self.change and name in ("p", "h"):
            before = self.deletions.get(self.change, "")
            text = "".join(text for _, text in pieces)
            self.deletions[self.change] = f"{before}\n{text}" if before else text
        for text, what in views(pieces):
            if self.cell_values and text == self.cell_values[-1]:
                self.cell_values[-1] = ""
            self.emit(text, what)

    def emit(self, text: str, what: str = "") -> None:
        """Pass on a text with its place."""
        text = text.strip()
        if text:
            self.sink.text(text, joined(self.where(), *(place for _, place in self.places), what))

    def where(self) -> str:
        """Return the sheet and cell, or the slide."""
        if self.sheet:
            return f"sheet {self.sheet}, {self.cell}" if self.cell else f"sheet {self.sheet}"
        return f"slide {self.page}" if self.page else ""

    def finish(self) -> None:
        """Pass on the remaining text if a document is truncated."""
        while self.own:
            self.end_text(self.own[-1])


def _spaces(reader: OdfText, attributes: dict[str, str]) -> None:
    count = attributes.get("c", "1")
    reader.add(" " * min(int(count[:9]) if count.isdecimal() else 1, MOST_SPACES))


def _note(reader: OdfText, attributes: dict[str, str]) -> None:
    reader.places.append(("note", NOTES.get(attributes.get("note-class", ""), "footnote")))


def _end_note(reader: OdfText) -> None:
    if reader.places and reader.places[-1][0] == "note":
        reader.places.pop()


def _begin_region(reader: OdfText, attributes: dict[str, str]) -> None:
    reader.change = attributes.get("id", "")


def _end_region(reader: OdfText) -> None:
    reader.change = ""


def _insertion(reader: OdfText, _: dict[str, str]) -> None:
    reader.insertions.add(reader.change)


def _change(reader: OdfText, attributes: dict[str, str]) -> None:
    deleted = reader.deletions.get(attributes.get("change-id", ""), "")
    if deleted and reader.own:
        reader.pieces.append((DELETED, deleted))


def _change_start(reader: OdfText, attributes: dict[str, str]) -> None:
    if attributes.get("change-id", "") in reader.insertions:
        reader.flags |= INSERTED


def _change_end(reader: OdfText, _: dict[str, str]) -> None:
    reader.flags &= ~INSERTED


def _hidden(reader: OdfText, attributes: dict[str, str]) -> None:
    text = attributes.get("string-value", "")
    if text and reader.own:
        reader.pieces.append((HIDDEN, text))


def _begin_spreadsheet(reader: OdfText, _: dict[str, str]) -> None:
    reader.sheets = True


def _end_spreadsheet(reader: OdfText) -> None:
    reader.sheets = False


def _begin_table(reader: OdfText, attributes: dict[str, str]) -> None:
    if reader.sheets and not reader.cell:
        reader.sheet = attributes.get("name", "") or "without a name"
        reader.row = 0


def _end_table(reader: OdfText) -> None:
    if not reader.cell:
        reader.sheet = ""


def _repeated(attributes: dict[str, str], what: str) -> int:
    count = attributes.get(what, "1")
    return max(1, int(count[:9])) if count.isdecimal() else 1


def _begin_row(reader: OdfText, attributes: dict[str, str]) -> None:
    reader.row += 1
    reader.repeat = _repeated(attributes, "number-rows-repeated") - 1
    reader.column = 0


def _end_row(reader: OdfText) -> None:
    reader.row += reader.repeat
    reader.repeat = 0


def _begin_cell(reader: OdfText, attributes: dict[str, str]) -> None:
    """Begin a cell; values in its attributes that are not in the shown text are added at its end."""
    if reader.sheet:
        reader.column += 1
        reader.cell = f"{column_name(reader.column)}{reader.row}"
        reader.column += _repeated(attributes, "number-columns-repeated") - 1
    if len(attributes) > 1 or "value-type" in attributes:
        reader.sink.budget.spend_cells(1)
    kind = attributes.get("value-type", "")
    if kind in NUMERIC:
        value = plain_number(attributes.get("value", ""))
    else:
        value = attributes.get("string-value", "") or attributes.get("date-value", "")
    reader.cell_values.append(value)
    formula = attributes.get("formula", "")
    if formula and (not kind or HAS_CONTENT.search(formula)):
        reader.emit(formula, "formula")


def _end_cell(reader: OdfText) -> None:
    """End a cell; its value follows if it was not shown."""
    if reader.cell_values:
        reader.emit(reader.cell_values.pop())
    reader.cell = ""


def _begin_page(reader: OdfText, _: dict[str, str]) -> None:
    reader.page += 1


def _end_body(reader: OdfText) -> None:
    reader.page = 0


def _begin_binary(reader: OdfText, _: dict[str, str]) -> None:
    reader.binary = []


def _end_binary(reader: OdfText) -> None:
    encoded, reader.binary = reader.binary or [], None
    try:
        data = base64.b64decode("".join(encoded))
    except (binascii.Error, ValueError):
        reader.sink.limited("damaged picture")
        return
    reader.sink.budget.spend_bytes(len(data))
    reader.sink.embedded(data, "embedded object")


def _module(reader: OdfText, _: dict[str, str]) -> None:
    reader.sink.signal("macro")


def _setting(reader: OdfText, attributes: dict[str, str]) -> None:
    reader.silent = attributes.get("type", "") in SETTINGS


def _end_setting(reader: OdfText) -> None:
    reader.silent = False


STARTS: dict[str, Callable[[OdfText, dict[str, str]], None]] = {
    "s": _spaces,
    "note": _note,
    "changed-region": _begin_region,
    "insertion": _insertion,
    "change": _change,
    "change-start": _change_start,
    "change-end": _change_end,
    "hidden-text": _hidden,
    "spreadsheet": _begin_spreadsheet,
    "table": _begin_table,
    "table-row": _begin_row,
    "table-cell": _begin_cell,
    "covered-table-cell": _begin_cell,
    "page": _begin_page,
    "binary-data": _begin_binary,
    "module": _module,
    "config-item": _setting,
}
ENDS: dict[str, Callable[[OdfText], None]] = {
    "note": _end_note,
    "changed-region": _end_region,
    "spreadsheet": _end_spreadsheet,
    "table": _end_table,
    "table-row": _end_row,
    "table-cell": _end_cell,
    "covered-table-cell": _end_cell,
    "presentation": _end_body,
    "drawing": _end_body,
    "binary-data": _end_binary,
    "config-item": _end_setting,
}

_WANTED = Selection(
    flags(
        (CHARACTERS, START),
        (STARTS, START | FULL),
        (ENDS, END),
        (OWN_TEXT, START | END | TEXT),
        (PLACES, START | END),
        (WITH_NAME, NAMED),
        (ATTRIBUTES_IGNORED, NO_ATTRIBUTES),
        (["binary-data"], TEXT),
    ),
    TEXT_ATTRIBUTES,
)


def _in_zip(directory: bytes, data: bytes) -> bool:
    if data[30:38] == b"mimetype" and b"application/vnd.oasis.opendocument" in data[38:120]:
        return True
    return b"content.xml" in directory and b"META-INF/manifest.xml" in directory


FORMAT = Format(
    kind="odf",
    read=read,
    claims=archives.of_zip,
    holds="odt, ods, odp and related files",
    read_by="Holdgate, expat",
    unread="letters that are drawn as shapes (`drawing not read`)",
    in_zip=_in_zip,
    extensions="odt ods odp odg odf ott ots otp",
)
