"""Reads Word, Excel and PowerPoint files of the XML kind: every part of the package, referenced or not.

Follows ECMA-376-2 (ISO/IEC 29500-2, Open Packaging Conventions) 6.2 for parts and 6.5 for relationships. The root
element shows what a part is, not its name or content type, because other programs often write both incorrectly. A part
without references is read like any other.
"""

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from holdgate.extract.extents import archives
from holdgate.extract.format import Format
from holdgate.extract.identify import is_text
from holdgate.extract.inline import is_file
from holdgate.extract.readers.archives.zip_package import ZipPackage
from holdgate.extract.readers.openxml import shapes, unlisted
from holdgate.extract.readers.openxml.ooxml_relations import Relations, RelationText, SlideOrder
from holdgate.extract.readers.openxml.ooxml_sheet import SharedStrings, SheetComments, SheetText, Styles, Workbook
from holdgate.extract.readers.openxml.ooxml_text import PartText
from holdgate.extract.readers.openxml.revisions import joined
from holdgate.extract.readers.openxml.xlsb import BinaryWorkbook, read_binary
from holdgate.extract.readers.openxml.xps import FixedPage
from holdgate.extract.readers.pictures import image
from holdgate.extract.readers.texts import expat
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink
from holdgate.extract.written import is_written

# Names of parts for people, by root element. Main bodies need no name; sheets and slides get theirs elsewhere.
LABELS = {
    "hdr": "header",
    "ftr": "footer",
    "glossaryDocument": "building blocks",
    "settings": "settings",
    "styles": "styles",
    "numbering": "numbering",
    "coreProperties": "document properties",
    "Properties": "document properties",
    "chartSpace": "chart",
    "dataModel": "diagram",
    "drawing": "diagram",
    "wsDr": "drawing",
    "notes": "notes",
    "sldMaster": "slide master",
    "sldLayout": "slide layout",
    "notesMaster": "notes master",
    "handoutMaster": "handout master",
    "cmLst": "comment",
    "cmAuthorLst": "comment authors",
    "people": "people",
    "personList": "people",
    "table": "table",
    "pivotCacheDefinition": "pivot table",
    "pivotCacheRecords": "pivot table",
    "pivotTableDefinition": "pivot table",
    "externalLink": "external link",
    "connections": "connections",
    "queryTable": "query",
    "PageContents": "page",
    "xml": "drawing",
}
SHEETS = frozenset({"worksheet", "chartsheet", "dialogsheet", "macrosheet"})
# Only markup of the package, references and ids, or colours and shapes: text of a person is unlisted in them.
_MARKUP = "calcChain colorsDef colorsDefHdrLst commentsEx commentsIds layoutDef styleDef styleDefHdrLst Types"
MARKUP = frozenset(_MARKUP.split())
# In these it is known which attributes are text; in all others every attribute is read.
_BODIES = """
    chartStyle colorStyle comments document endnotes fonts footnotes presentation presentationPr sld sst styleSheet
    tblStyleLst theme ThreadedComments viewPr webSettings workbook
"""
KNOWN = frozenset(LABELS) - {"PageContents"} | SHEETS | frozenset(_BODIES.split())
# XML with its own reader.
FOREIGN = frozenset({"html", "svg"})
# Relationships to parts that are binary records in an .xlsb.
_RECORDS = """
    chartsheet comments connections dialogsheet externalLink officeDocument pivotCacheDefinition pivotCacheRecords
    pivotTable queryTable revisionHeaders revisionLog sharedStrings sheetMetadata slicer slicerCache styles table
    usernames users worksheet xlMacrosheet xmlMaps
"""
BINARY = frozenset(_RECORDS.split())
BINARY_MARKUP = frozenset({"calcChain", "xlBinaryIndex", "printerSettings"})
# Parts to read first: by relationship or, without one, by name. Sheets and slides are ordered by number.
EARLY = {"officeDocument": 0, "sharedStrings": 1, "styles": 2, "slide": 4, "worksheet": 4}
EARLY_NAMES = {"workbook.": 0, "presentation.": 0, "document.": 0, "sharedstrings": 1, "styles": 2, "slide": 4}
EARLY_NAME = re.compile("|".join(map(re.escape, EARLY_NAMES)))
FONTS = (".odttf", ".fntdata")
NUMBER = re.compile(r"(?<!\d)(\d++)\.\w+$")


class Source(Protocol):
    """The source of a package's parts: a ZIP file or a flat XML document."""

    def paths(self) -> Iterable[str]:
        """Return the names of the parts in stored order, once for each time they are stored."""

    def load(self, index: int, most: int = 0) -> bytes | None:
        """Return the bytes of the part at `index`, or None if it stays unread, which is reported to the sink."""


@dataclass(slots=True)
class Package:
    """The state of a package while its parts are read."""

    sink: Sink
    relations: Relations = field(default_factory=Relations)
    names: dict[str, str] = field(default_factory=dict)
    workbook: Workbook | None = None
    styles: Styles | None = None
    strings: SharedStrings | None = None
    binary: BinaryWorkbook = field(default_factory=BinaryWorkbook)

    def place(self, path: str, label: str) -> str:
        """Return the name of a part's place: what it is, and on which sheet or slide."""
        owner, seen = path.lower(), set[str]()
        while owner and owner not in seen:
            seen.add(owner)
            if owner in self.names:
                return joined(self.names[owner], label if owner != path.lower() else "")
            owner = self.relations.owners.get(owner, "")
        return label

    def name_targets(self, path: str, names: Iterable[tuple[str, str]]) -> None:
        """Assign the names that people see to the parts to which `path` refers by relationship ids."""
        for name, identifier in names:
            target = self.relations.targets.get((path.lower(), identifier))
            if target:
                self.names[target] = name


class ZipSource:
    """The parts of a package in a ZIP file."""

    def __init__(self, data: bytes, sink: Sink):
        self.package = ZipPackage(data, sink)

    def paths(self) -> list[str]:
        """Return the names of the parts."""
        return [member.path for member in self.package.members]

    def load(self, index: int, most: int = 0) -> bytes | None:
        """Return the bytes of a part."""
        return self.package.read(self.package.members[index], most)


def read(document: Document, sink: Sink) -> None:
    """Read every part of an Office Open XML file.

    Raises UnreadableError("damaged") if no part is found.
    """
    read_package(ZipSource(document.data, sink), sink)


def read_package(source: Source, sink: Sink) -> None:
    """Read relationships first, then what other parts need, then everything in stored order."""
    package = Package(sink)
    paths = list(source.paths())
    for index, path in enumerate(paths):
        if is_written(path):
            sink.text(path, "name of a part")
        if path.lower().endswith(".rels"):
            data = source.load(index)
            if data:
                _finish(RelationText(sink, path, package.relations), data)
    order = sorted(range(len(paths)), key=lambda index: _precedence(package, paths[index]))
    for index in order:
        if not paths[index].lower().endswith(".rels"):
            data = source.load(index)
            if data:
                _read_part(package, paths[index], data)
    if package.strings:
        package.strings.finish_unused()
    package.binary.finish(sink)


def _precedence(package: Package, path: str) -> tuple[int, int, int]:
    """Return a sort key: workbook, presentation, shared strings, styles; then sheets and slides by number; the rest."""
    lower = path.lower()
    rank = EARLY.get(package.relations.kinds.get(lower, ""))
    if rank is None:
        early = EARLY_NAME.match(lower, lower.rfind("/") + 1)
        rank = EARLY_NAMES[early[0]] if early else 5
    number = NUMBER.search(lower) if rank == 4 else None
    return rank, 0 if rank < 4 else 1, int(number.group(1)[:9]) if number else 0


def _read_part(package: Package, path: str, data: bytes) -> None:
    """Read one part according to its root element."""
    root = expat.root_name(data)
    if not root or root.lower() in FOREIGN:
        _read_other(package, path, data)
    elif root in SHEETS:
        place = package.place(path, "") or f"sheet {posixpath.splitext(posixpath.basename(path))[0]}"
        _finish(SheetText(package.sink, place, package.strings, package.styles), data)
    elif root == "workbook":
        package.workbook = Workbook(package.sink)
        _finish(package.workbook, data)
        package.name_targets(path, ((f"sheet {name}", identifier) for name, identifier in package.workbook.sheets))
    elif root == "sst":
        strings = SharedStrings(package.sink)
        _finish(strings, data)
        if package.strings:
            package.strings.finish_unused()
        package.strings = strings
    elif root == "styleSheet":
        package.styles = Styles(package.sink, bool(package.workbook and package.workbook.since_1904))
        _finish(package.styles, data)
    elif root == "ThreadedComments" or (root == "comments" and not path.lower().startswith("word/")):
        _finish(SheetComments(package.sink, package.place(path, "")), data)
    elif root == "FixedPage":
        number = NUMBER.search(path)
        page = FixedPage(package.sink, f"page {number.group(1)}" if number else "page")
        expat.read_part(data, page, package.sink, page.place)
        page.finish()
    elif root in MARKUP:
        _finish(PartText(package.sink, root), data)
    else:
        if root == "presentation":
            order = SlideOrder(package.sink)
            expat.feed(data, order, package.sink.budget)
            package.name_targets(path, ((f"slide {number}", id_) for number, id_ in enumerate(order.identifiers, 1)))
        place = package.place(path, _label(root, path))
        _finish(PartText(package.sink, place, everything=root not in KNOWN, lenient=root == "xml"), data)
        shapes.check(data, package.sink)


def _label(root: str, path: str) -> str:
    """Return the name of a part for people."""
    if root == "sld":
        number = NUMBER.search(path)
        return f"slide {number.group(1)}" if number else "slide"
    return LABELS.get(root, "" if root in KNOWN else root)


def _read_other(package: Package, path: str, data: bytes) -> None:
    """Read a part that is not XML of Office: records of an .xlsb, or a separate document."""
    kind = package.relations.kinds.get(path.lower(), "")
    if kind in BINARY_MARKUP or _has_printer_settings(path):
        _read_settings(package, path, data, "settings of a program")
        return
    if kind in BINARY and path.lower().endswith(".bin"):
        _read_binary(package, path, data, kind)
        return
    if path.lower().endswith("vbaproject.bin"):
        package.sink.signal("macro")
    if path.lower().endswith(FONTS):
        _read_settings(package, path, data, "embedded font")
        return
    if not image.read_thumbnail(path, data, package.sink):
        package.sink.embedded(data, posixpath.basename(path))


def _has_printer_settings(path: str) -> bool:
    name = posixpath.basename(path.lower())
    return "printersettings" in name and name.endswith(".bin")


def _read_settings(package: Package, path: str, data: bytes, place: str) -> None:
    """Read the strings of a part in a format that contains no text of a person, unless it is something else."""
    if is_text(data) or is_file(data):
        package.sink.embedded(data, posixpath.basename(path))
    else:
        for text in strings(data):
            package.sink.text(text, place)


def _read_binary(package: Package, path: str, data: bytes, kind: str) -> None:
    """Read a part of an .xlsb; the workbook gives the sheets their names."""
    book = package.binary
    place = package.place(path, kind if kind not in ("officeDocument", "worksheet", "sharedStrings") else "")
    read_binary(data, book, package.sink, place)
    if kind == "officeDocument":
        package.name_targets(path, ((f"sheet {name}", identifier) for name, identifier in book.sheets))


def _finish(handler: PartText, data: bytes) -> None:
    """Parse a part and have its reader pass on the remaining text; then read what it does not know to be text."""
    expat.read_part(data, handler, handler.sink, handler.place, handler.lenient, handler.cells)
    handler.finish()
    unlisted.read(data, handler.is_read, handler.sink, handler.place)


def _in_zip(directory: bytes, _data: bytes) -> bool:
    return b"[content_types].xml" in directory.lower()


FORMAT = Format(
    kind="ooxml",
    read=read,
    claims=archives.of_zip,
    holds="docx, xlsx, pptx and related files, xlsb, XPS",
    read_by="Holdgate, expat",
    unread="letters that are drawn as shapes or paths (`drawing not read`)",
    in_zip=_in_zip,
    extensions="docx docm dotx dotm xlsx xlsm xltx xltm xlsb xlam pptx pptm potx potm ppsx ppsm",
    types="application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    " application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    " application/vnd.openxmlformats-officedocument.presentationml.presentation",
)
