"""Reads Office documents that are one XML file: flat packages, Word 2003 XML and Excel 2003 XML (SpreadsheetML).

Follows ECMA-376 packages in the flat form that Word writes (http://schemas.microsoft.com/office/2006/xmlPackage), and
the Microsoft Office 2003 XML Reference Schemas (WordprocessingML 2003: `wordDocument`, `binData`; SpreadsheetML 2003:
`Workbook`, `Worksheet`, `Row`, `Cell`, `Data`). Flat OpenDocument files are read by `odf.read_flat`.
"""

import base64
import binascii
from xml.parsers import expat as pyexpat

from holdgate.extract.format import Format
from holdgate.extract.readers.openxml import shapes, unlisted
from holdgate.extract.readers.openxml.number_format import plain_number
from holdgate.extract.readers.openxml.odf import read_flat
from holdgate.extract.readers.openxml.ooxml import read_package
from holdgate.extract.readers.openxml.ooxml_sheet import HAS_CONTENT, column_name
from holdgate.extract.readers.openxml.ooxml_text import PartText
from holdgate.extract.readers.openxml.revisions import joined
from holdgate.extract.readers.texts import expat
from holdgate.extract.readers.texts.expat import local
from holdgate.extract.readers.texts.xml_plan import EVERYTHING
from holdgate.extract.reading import Document, Sink, UnreadableError

ROOTS = frozenset({"package", "wordDocument", "Workbook", "document"})
"""Root elements of this reader's XML documents; `document` only if its prefix or namespace is ODF's."""

OPEN_DOCUMENT = b"urn:oasis:names:tc:opendocument:xmlns:office:1.0"
PACKAGE = b"http://schemas.microsoft.com/office/2006/xmlPackage"
SPREADSHEET = b"urn:schemas-microsoft-com:office:spreadsheet"
HEAD = 65_536


def owns(data: bytes) -> bool:
    """Return whether this reader reads an XML document better than the reader of any XML, as an Office document."""
    root, head = expat.root_name(data), data[:HEAD]
    return (
        root == "wordDocument"
        or (root == "package" and PACKAGE in head)
        or (root == "Workbook" and SPREADSHEET in head)
        or (root == "document" and OPEN_DOCUMENT in head)
    )


def read(document: Document, sink: Sink) -> None:
    """Read an Office document in one XML file; raise UnreadableError("damaged") for any other."""
    root = expat.root_name(document.data)
    if root == "package":
        source = _FlatPackage(document.data, sink)
        read_package(source, sink)
    elif root == "document":
        read_flat(document, sink)
    elif root in ("wordDocument", "Workbook"):
        handler: PartText = _Spreadsheet(sink) if root == "Workbook" else _WordText(sink)
        expat.read_part(document.data, handler, sink)
        handler.finish()
        unlisted.read(document.data, handler.is_read, sink, "")
        shapes.check(document.data, sink)
    else:
        raise UnreadableError("damaged")


class _FlatPackage:
    """The parts of a flat package: XML parts are cut out of the document, binary ones decoded."""

    def __init__(self, data: bytes, sink: Sink):
        self.data = data
        self.sink = sink
        self.parts: list[tuple[str, bytes, bool]] = []
        self.name = ""
        self.begin = -1
        self.depth = 0
        self.binary: list[str] | None = None
        self.parser = pyexpat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.EntityDeclHandler = self.refuse
        try:
            for chunk in expat.chunks(data):
                self.parser.Parse(chunk, False)
                sink.budget.check_time()
            self.parser.Parse(b"", True)
        except pyexpat.ExpatError:
            sink.limited("malformed XML")
        if self.name and self.begin >= 0:
            self.parts.append((self.name, data[self.begin :], False))

    def paths(self) -> list[str]:
        """Return the names of the parts."""
        return [name for name, _, _ in self.parts]

    def load(self, index: int, most: int = 0) -> bytes | None:
        """Return the bytes of a part."""
        self.sink.budget.spend_entry()
        _, data, encoded = self.parts[index]
        if encoded:
            try:
                data = base64.b64decode(data)
            except (binascii.Error, ValueError):
                self.sink.limited("damaged member")
                return None
        self.sink.budget.spend_bytes(len(data))
        return data

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        self.depth += 1
        if self.depth > self.sink.budget.limits.xml_depth:
            raise UnreadableError("XML nested too deeply")
        plain = name.rpartition(":")[2]
        if plain == "part" and self.depth == 2:
            self.name = local(attributes).get("name", "").lstrip("/")
        elif self.depth == 4 and self.begin < 0 and self.binary is None:
            self.begin = self.parser.CurrentByteIndex
        elif plain == "binaryData" and self.depth == 3:
            self.binary = []

    def end(self, name: str) -> None:
        """Process an end tag."""
        self.depth -= 1
        if self.depth != 2:
            return
        if self.binary is not None:
            self.parts.append((self.name, "".join(self.binary).encode("ascii", "ignore"), True))
        elif self.begin >= 0:
            self.parts.append((self.name, self.data[self.begin : self.parser.CurrentByteIndex], False))
        self.binary, self.begin = None, -1

    def characters(self, text: str) -> None:
        """Process character data."""
        if self.binary is not None:
            self.binary.append(text)

    def refuse(self, *_: object) -> None:
        """Refuse entity declarations."""
        raise UnreadableError("XML declares entities")


class _WordText(PartText):
    """Reads Word 2003 XML: the same paragraphs, with images and objects in base64."""

    def __init__(self, sink: Sink):
        super().__init__(sink)
        self.wanted = EVERYTHING
        self.encoded: list[str] | None = None
        self.title = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        if name in ("binData", "docOleData"):
            self.encoded = []
            self.title = local(attributes).get("name", "").rpartition("/")[2]
        else:
            super().start(name, attributes)
            if name == "hlink":
                plain = local(attributes)
                for value in (plain.get("dest", ""), plain.get("screenTip", "")):
                    self.emit(value, "link")

    def end(self, name: str) -> None:
        """Process an end tag."""
        if self.encoded is not None and name in ("binData", "docOleData"):
            try:
                data = base64.b64decode("".join(self.encoded))
                self.sink.budget.spend_bytes(len(data))
                self.sink.embedded(data, self.title or "embedded object")
            except (binascii.Error, ValueError):
                self.sink.limited("damaged embedded object")
            self.encoded = None
        else:
            super().end(name)

    def data(self, text: str) -> None:
        """Process character data."""
        if self.encoded is not None:
            self.encoded.append(text)
        else:
            super().data(text)


class _Spreadsheet(PartText):
    """Reads Excel 2003 XML: cells with their places, comments and everything else as text."""

    def __init__(self, sink: Sink):
        super().__init__(sink)
        self.wanted = EVERYTHING
        self.sheet = ""
        self.row = self.column = 0
        self.kind = ""
        self.inside = False
        self.runs: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        plain = local(attributes)
        index = plain.get("Index", "")
        number = int(index[:9]) if index.isdecimal() else 0
        if name == "Worksheet":
            self.sheet = plain.get("Name", "")
            self.emit(self.sheet, "sheet name")
            self.row = 0
        elif name == "Row":
            self.row = number or self.row + 1
            self.column = 0
        elif name == "Cell":
            self.sink.budget.spend_cells(1)
            self.column = number or self.column + 1
            self.place = f"sheet {self.sheet}, {column_name(min(self.column, 16_384))}{self.row}"
            formula = plain.get("Formula", "")
            if HAS_CONTENT.search(formula):
                self.sink.text(formula, joined(self.place, "formula"))
            for value in (plain.get("HRef", ""), plain.get("HRefScreenTip", "")):
                self.emit(value, "link")
        elif name == "Data":
            self.inside, self.kind = True, plain.get("Type", "")
        elif name == "Comment":
            self.places.append("comment by " + plain["Author"] if plain.get("Author") else "comment")
        elif not self.inside:
            super().start(name, attributes)
            if name in ("NamedRange", "Header", "Footer"):
                self.emit(plain.get("RefersTo", "") or plain.get("Data", ""))

    def end(self, name: str) -> None:
        """Process an end tag."""
        if name == "Data":
            text = "".join(self.runs)
            self.runs.clear()
            self.inside = False
            self.emit(plain_number(text) if self.kind == "Number" else text)
        elif name == "Comment":
            if self.places:
                self.places.pop()
        elif name == "Cell":
            self.place = f"sheet {self.sheet}"
        elif not self.inside:
            super().end(name)

    def data(self, text: str) -> None:
        """Process character data."""
        if self.inside:
            self.runs.append(text)
        else:
            super().data(text)


FORMAT = Format(
    kind="office-xml",
    read=read,
    holds="Office documents in one XML file: flat, 2003 and OpenDocument XML",
    read_by="Holdgate, expat",
    unread="letters that are drawn as shapes (`drawing not read`)",
    in_markup=owns,
    extensions="fodt fods fodp doc dot xls xlt xlm xml",
    types="application/msword application/vnd.ms-excel text/xml application/xml",
)
