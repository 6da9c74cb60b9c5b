"""Reads Word, Excel and PowerPoint files of the XML kind: every part of the package, referenced or not.

Follows ECMA-376-2 (ISO/IEC 29500-2, Open Packaging Conventions) 6.2 for parts and 6.5 for relationships. What a part
is tells its root element, not its name or content type: files that other programs write are careless with both, and
a part that nothing refers to is read like any other.
"""

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote

from holdgate.extract.readers import expat
from holdgate.extract.readers.ooxml_sheet import SharedStrings, SheetComments, SheetText, Styles, Workbook
from holdgate.extract.readers.ooxml_text import PartText
from holdgate.extract.readers.revisions import joined
from holdgate.extract.readers.xlsb import BinaryWorkbook, read_binary
from holdgate.extract.readers.zip_package import ZipPackage
from holdgate.extract.reading import Document, Sink

# What a person calls a part, by its root element. Main bodies need no name; sheets and slides get theirs elsewhere.
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
    "xml": "drawing",
}
SHEETS = frozenset({"worksheet", "chartsheet", "dialogsheet", "macrosheet"})
# Nothing but markup of the package, references between cells, or colours and shapes: no text of a person.
MARKUP = frozenset({"Types", "calcChain", "styleDef", "colorsDef", "layoutDef", "styleDefHdrLst", "colorsDefHdrLst"})
# In these it is known which attributes are text; in all others every attribute is taken.
_BODIES = """
    chartStyle colorStyle comments document endnotes fonts footnotes presentation presentationPr sld sst styleSheet
    tblStyleLst theme ThreadedComments viewPr webSettings workbook
"""
KNOWN = frozenset(LABELS) | SHEETS | frozenset(_BODIES.split())
# Relationships to parts that are binary records in an .xlsb.
_RECORDS = """
    chartsheet comments connections dialogsheet externalLink officeDocument pivotCacheDefinition pivotCacheRecords
    pivotTable queryTable revisionHeaders revisionLog sharedStrings sheetMetadata slicer slicerCache styles table
    usernames users worksheet xlMacrosheet xmlMaps
"""
BINARY = frozenset(_RECORDS.split())
BINARY_MARKUP = frozenset({"calcChain", "xlBinaryIndex", "printerSettings"})
PRINTER_SETTINGS = re.compile(r"printersettings[^/]*\.bin$", re.IGNORECASE)
NUMBER = re.compile(r"(\d+)\.\w+$")


class Source(Protocol):
    """Where the parts of a package come from: a ZIP file or a flat XML document."""

    def paths(self) -> Iterable[str]:
        """Name the parts in the order they are stored, once for each time they are stored."""

    def load(self, index: int, most: int = 0) -> bytes | None:
        """Return the bytes of the part at `index`, or None when it stays unread, which the sink has been told."""


@dataclass(slots=True)
class Relations:
    """What relationship parts say: who refers to whom by which id, and as what."""

    targets: dict[tuple[str, str], str] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Package:
    """What has been learned of a package while its parts are read."""

    sink: Sink
    relations: Relations = field(default_factory=Relations)
    names: dict[str, str] = field(default_factory=dict)
    workbook: Workbook | None = None
    styles: Styles | None = None
    strings: SharedStrings | None = None
    binary: BinaryWorkbook = field(default_factory=BinaryWorkbook)

    def place(self, path: str, label: str) -> str:
        """Name the place of a part: what it is, and on which sheet or slide."""
        owner, seen = path.lower(), set[str]()
        while owner and owner not in seen:
            seen.add(owner)
            if owner in self.names:
                return joined(self.names[owner], label if owner != path.lower() else "")
            owner = self.relations.owners.get(owner, "")
        return label


class ZipSource:
    """The parts of a package in a ZIP file."""

    def __init__(self, data: bytes, sink: Sink):
        self.package = ZipPackage(data, sink)

    def paths(self) -> list[str]:
        """Name the parts."""
        return [member.path for member in self.package.members]

    def load(self, index: int, most: int = 0) -> bytes | None:
        """Return the bytes of a part."""
        return self.package.read(self.package.members[index], most)


def read(document: Document, sink: Sink) -> None:
    """Read every part of an Office Open XML file.

    Raises UnreadableError("damaged") where no part can be found at all.
    """
    read_package(ZipSource(document.data, sink), sink)


def read_package(source: Source, sink: Sink) -> None:
    """Read relationships first, then what other parts need, then everything in the order it is stored."""
    package = Package(sink)
    paths = list(source.paths())
    for index, path in enumerate(paths):
        if path.lower().endswith(".rels"):
            data = source.load(index)
            if data:
                expat.read_part(data, RelationText(sink, path, package.relations), sink)
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
    kind = package.relations.kinds.get(lower, "")
    number = NUMBER.search(lower)
    rank = EARLY.get(kind)
    if rank is None:
        name = posixpath.basename(lower)
        rank = next((rank for start, rank in EARLY_NAMES.items() if name.startswith(start)), 5)
    return rank, 0 if rank < 4 else 1, int(number.group(1)[:9]) if number and rank == 4 else 0


EARLY = {"officeDocument": 0, "sharedStrings": 1, "styles": 2, "slide": 4, "worksheet": 4}
EARLY_NAMES = {"workbook.": 0, "presentation.": 0, "document.": 0, "sharedstrings": 1, "styles": 2, "slide": 4}


def _read_part(package: Package, path: str, data: bytes) -> None:
    """Read one part by what its root element says it is."""
    sink = package.sink
    root = expat.root_name(data)
    if not root or root.lower() == "html":
        kind = package.relations.kinds.get(path.lower(), "")
        if kind in BINARY_MARKUP or PRINTER_SETTINGS.search(path):
            return
        if kind in BINARY and path.lower().endswith(".bin"):
            _read_binary(package, path, data, kind)
            return
        if path.lower().endswith("vbaproject.bin"):
            sink.signal("macro")
        sink.embedded(data, posixpath.basename(path))
        return
    if root in MARKUP:
        return
    if root in SHEETS:
        place = package.place(path, "") or f"sheet {posixpath.splitext(posixpath.basename(path))[0]}"
        _finish(SheetText(sink, place, package.strings, package.styles), data, sink)
        return
    if root == "workbook":
        package.workbook = workbook = Workbook(sink)
        _finish(workbook, data, sink)
        for name, identifier in workbook.sheets:
            target = package.relations.targets.get((path.lower(), identifier))
            if target:
                package.names[target] = f"sheet {name}"
        return
    if root == "sst":
        strings = SharedStrings(sink)
        _finish(strings, data, sink)
        if package.strings:
            strings.finish_unused()
        else:
            package.strings = strings
        return
    if root == "styleSheet":
        package.styles = package.styles or Styles(sink, bool(package.workbook and package.workbook.since_1904))
        _finish(package.styles, data, sink)
        return
    if root in ("comments", "ThreadedComments") and not _is_word(path):
        _finish(SheetComments(sink, package.place(path, "")), data, sink)
        return
    if root == "presentation":
        _name_slides(package, path, data)
    label = LABELS.get(root, "" if root in KNOWN else root)
    if root == "sld":
        number = NUMBER.search(path)
        label = f"slide {number.group(1)}" if number else "slide"
    place = package.place(path, label)
    _finish(PartText(sink, place, everything=root not in KNOWN, lenient=root == "xml"), data, sink)


def _read_binary(package: Package, path: str, data: bytes, kind: str) -> None:
    """Read a part of an .xlsb; the workbook gives the sheets their names."""
    book = package.binary
    place = package.place(path, kind if kind not in ("officeDocument", "worksheet", "sharedStrings") else "")
    read_binary(data, book, package.sink, place)
    if kind == "officeDocument":
        for name, identifier in book.sheets:
            target = package.relations.targets.get((path.lower(), identifier))
            if target:
                package.names[target] = f"sheet {name}"


def _finish(handler: PartText, data: bytes, sink: Sink) -> None:
    """Parse a part and let its reader hand over what is left."""
    expat.read_part(data, handler, sink, handler.place, handler.lenient)
    handler.finish()


def _is_word(path: str) -> bool:
    return path.lower().startswith("word/")


class SlideOrder(PartText):
    """Learns the order of the slides from the presentation part (ECMA-376-1, 19.2.1.34)."""

    def __init__(self, sink: Sink):
        super().__init__(sink)
        self.identifiers: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take a start tag."""
        if name == "sldId":
            self.identifiers += [value for key, value in attributes.items() if ":" in key]


def _name_slides(package: Package, path: str, data: bytes) -> None:
    """Give the slides the numbers a person sees."""
    order = SlideOrder(package.sink)
    expat.feed(data, order, package.sink.budget)
    for number, identifier in enumerate(order.identifiers, 1):
        target = package.relations.targets.get((path.lower(), identifier))
        if target:
            package.names[target] = f"slide {number}"


class RelationText(PartText):
    """Reads a relationship part; targets outside the package are text."""

    def __init__(self, sink: Sink, path: str, relations: Relations):
        super().__init__(sink, "link")
        folder, _, name = path.lower().rpartition("/")
        self.folder = folder.removesuffix("_rels").strip("/")
        self.owner = posixpath.join(self.folder, name.removesuffix(".rels"))
        self.relations = relations

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take a start tag."""
        if name != "Relationship":
            return
        target = attributes.get("Target", "")
        if attributes.get("TargetMode") == "External":
            self.emit(target)
            if "%" in target:
                self.emit(unquote(target))
            return
        target = target.replace("\\", "/").lower()
        resolved = posixpath.normpath(target if target.startswith("/") else posixpath.join(self.folder, target))
        resolved = resolved.lstrip("./")
        self.relations.targets[self.owner, attributes.get("Id", "")] = resolved
        kind = attributes.get("Type", "").rpartition("/")[2]
        self.relations.kinds.setdefault(resolved, kind)
        if kind not in UPWARD:
            self.relations.owners.setdefault(resolved, self.owner)


# Relationships that lead to what a slide or notes page is made from, not to what belongs to it.
UPWARD = frozenset({"slideLayout", "slideMaster", "notesMaster", "theme", "slide", "officeDocument"})
