"""Reads from relationship parts which part belongs to which, and the order of slides.

Follows ECMA-376-2 (ISO/IEC 29500-2) 6.5.3 (relationships markup) and ECMA-376-1 19.2.1.34 (slide list).
"""

import posixpath
from dataclasses import dataclass, field
from urllib.parse import unquote

from holdgate.extract.readers.openxml.ooxml_text import ELEMENTS, PartText
from holdgate.extract.readers.texts.xml_plan import FULL, START, Selection
from holdgate.extract.reading import Sink
from holdgate.extract.written import is_written

# Relationships to what a slide or notes page is based on, not to what belongs to it.
UPWARD = frozenset({"slideLayout", "slideMaster", "notesMaster", "theme", "slide", "officeDocument"})

_RELATIONSHIPS = Selection(ELEMENTS | {"Relationship": START | FULL})
_SLIDES = Selection(ELEMENTS | {"sldId": START | FULL})


@dataclass(slots=True)
class Relations:
    """The content of relationship parts: which part refers to which, by which id, and as what."""

    targets: dict[tuple[str, str], str] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


class RelationText(PartText):
    """Reads a relationship part; targets outside the package are text."""

    def __init__(self, sink: Sink, path: str, relations: Relations):
        super().__init__(sink, "link")
        self.wanted = _RELATIONSHIPS
        folder, _, name = path.lower().rpartition("/")
        self.folder = folder.removesuffix("_rels").strip("/")
        self.owner = posixpath.join(self.folder, name.removesuffix(".rels"))
        self.relations = relations

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        if name != "Relationship":
            return
        target = attributes.get("Target", "")
        if attributes.get("TargetMode") == "External":
            self.emit(target)
            if "%" in target:
                self.emit(unquote(target))
            return
        if is_written(target):  # a place in this document
            self.emit(target)
        target = target.replace("\\", "/").lower()
        resolved = target if target.startswith("/") else f"{self.folder}/{target}"
        if "./" in resolved or "//" in resolved or resolved.endswith(("/", "/.", "/..")):
            resolved = posixpath.normpath(resolved)
        resolved = resolved.lstrip("./")
        self.relations.targets[self.owner, attributes.get("Id", "")] = resolved
        kind = attributes.get("Type", "").rpartition("/")[2]
        self.relations.kinds.setdefault(resolved, kind)
        if kind not in UPWARD:
            self.relations.owners.setdefault(resolved, self.owner)

    def is_read(self, name: str, attribute: str) -> bool:
        """Return whether an attribute is passed on: targets outside the package are."""
        return attribute == "Target"


class SlideOrder(PartText):
    """Reads the order of the slides from the presentation part (ECMA-376-1, 19.2.1.34)."""

    def __init__(self, sink: Sink):
        super().__init__(sink)
        self.wanted = _SLIDES
        self.identifiers: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        if name == "sldId":
            self.identifiers += [value for key, value in attributes.items() if ":" in key]
