"""Collects the lines of an XML document, with the names of fields, and separately the values of attributes."""

import re
from collections import Counter
from dataclasses import dataclass, field

from holdgate.extract.readers.texts.html_scan import INLINE, tidy
from holdgate.extract.readers.texts.xml_plan import EVERYTHING, Selection

# Elements inside a line: HTML's, SVG's and TEI's, and the runs of Word's and ODF's flat XML.
_INLINE = INLINE | frozenset(
    {"t", "r", "tspan", "textPath", "emph", "emphasis", "hi", "link", "literal", "rPr", "charParams"}
)

# Elements of prose and drawings: their names do not describe their contents.
_PROSE = frozenset(
    {"p", "para", "text", "title", "desc", "div", "section", "body", "li", "td", "th", "h1", "h2", "h3", "h4", "script"}
    | {"style", "head", "cell", "Data", "value", "string", "item", "line"}
)

# Elements around a value: the name of the element around them describes it.
_WRAPPERS = frozenset({"Data", "data", "item", "string", "val", "value"})
# The description of an SVG drawing, which is not shown.
_UNSEEN = frozenset({"desc", "metadata", "script", "style", "title"})

USES = 9
"""This many copies of a shape may be letters."""
OUTLINES = 30
"""This many outlines in an SVG drawing may be letters: a number of nine digits has about 15."""
OUTLINES_TO_LETTERS = 4
"""The minimum ratio of outlines to letters of text: a diagram has fewer outlines."""
MODULES = 80
"""This many rectangles of one size may be a code: the smallest QR code has about 200."""
# Attributes with a letter or word of a page: of MuPDF, of ALTO, and of other converters and OCR programs.
_PIECE_KEYS = frozenset({"c", "ch", "char", "character", "letter", "unicode", "CONTENT", "content", "word", "text"})
# Attributes with the place of an element on a page.
_PLACES = frozenset({"x", "y", "bbox", "quad", "HPOS", "left", "coords", "xMin", "l"})
LONGEST_PIECE = 40
"""A longer text is a line, not a word of one."""
SHORTEST_LABEL = 3
"""A shorter name of an element or attribute is a tag, not a word."""
MOST_PARTS = 9
"""More fields than this are no parts of one value."""
_PART = re.compile(r"[A-Z0-9]{1,8}")
_OUTLINE = re.compile(r"[Mm]")


@dataclass(slots=True)
class Lines:
    """Processes the elements of a document for `expat.feed`."""

    line: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    wanted: Selection = EVERYTHING
    outlines: int = 0
    uses: int = 0
    modules: Counter[tuple[str, str]] = field(default_factory=Counter)
    leaf: str = ""
    letters: int = 0
    path: list[str] = field(default_factory=list)
    parts: list[list[str]] = field(default_factory=list)
    unseen: int = 0
    # By the name of the attribute that has them, "" for text: an element may have several.
    pieces: dict[str, list[str]] = field(default_factory=dict)
    is_placed: bool = False
    piece_name: str = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        if name not in _INLINE:
            self.flush()
        if name == "use":
            self.uses += 1
        elif name == "rect":
            self.modules[attributes.get("width", ""), attributes.get("height", "")] += 1
        elif name in ("path", "glyph"):
            self.outlines += len(_OUTLINE.findall(attributes.get("d", "")))
        self.leaf = name
        self.is_placed = not _PLACES.isdisjoint(attributes)
        for key in sorted(_PIECE_KEYS.intersection(attributes)) if self.is_placed else ():
            self._add_piece(name, attributes[key], key)
        self.path.append(name)
        self.parts.append([])
        self.unseen += name in _UNSEEN
        for key, value in attributes.items():
            if value and not key.startswith("xmlns") and not value.isspace():
                self.values.append(_labelled(key.rpartition(":")[2], value))

    def end(self, name: str) -> None:
        """Process an end tag."""
        if self.leaf != name:
            self._end_pieces()
        elif self.line and (self.is_placed or name == self.piece_name):
            self._add_piece(name, "".join(self.line))
        if self.leaf == name and len(self.parts) > 1:
            self.parts[-2].append("".join(self.line).strip())
        if name not in _INLINE:
            self.flush(self._label(name) if self.leaf == name else "")
        self.leaf = ""
        if self.path:
            self.path.pop()
            self._join(self._label(name), self.parts.pop())
        self.unseen -= name in _UNSEEN

    def _add_piece(self, name: str, piece: str, key: str = "") -> None:
        """Add a letter or word of a line that has an element for each."""
        if len(piece) == 1 or (0 < len(piece) <= LONGEST_PIECE and not any(map(str.isspace, piece))):
            self.piece_name = name
            self.pieces.setdefault(key, []).append(piece)

    def _end_pieces(self) -> None:
        """Add the letters or words of a line as text."""
        lines = [
            ("" if all(len(piece) == 1 for piece in pieces) else " ").join(pieces)
            for pieces in self.pieces.values()
            if len(pieces) > 1
        ]
        self.lines.extend(dict.fromkeys(lines))
        self.pieces.clear()
        self.piece_name = ""

    def _join(self, label: str, parts: list[str]) -> None:
        """Add the short values of an element's fields as one value, which the name of the element may label."""
        if label and 2 <= len(parts) <= MOST_PARTS and all(_PART.fullmatch(part) for part in parts):
            self.lines.append(_labelled(label, " ".join(parts)))

    def _label(self, name: str) -> str:
        """Return the name of a record's field, which describes the value."""
        if name in _WRAPPERS and len(self.path) > 1:
            name = self.path[-2]
        return "" if name in _PROSE else name

    def data(self, text: str) -> None:
        """Process character data."""
        self.line.append(text)
        if not self.unseen:
            self.letters += len(text.strip())

    def drawn_letters(self) -> bool:
        """Return whether the drawing may contain letters or a code that is not read.

        It has many outlines, copies of a shape or rectangles of one size for each letter of text.
        """
        modules = max(self.modules.values(), default=0)
        return (
            self.outlines >= max(OUTLINES, OUTLINES_TO_LETTERS * self.letters)
            or self.uses >= max(USES, self.letters + 1)
            or modules >= max(MODULES, OUTLINES_TO_LETTERS * self.letters)
        )

    def drawn_lines(self) -> list[str]:
        """Return the lines of a drawing whose pieces are in several elements."""
        return []

    def flush(self, label: str = "") -> None:
        """End a line."""
        if text := tidy("".join(self.line)):
            self.lines.append(_labelled(label, text))
        self.line.clear()


def _labelled(name: str, text: str) -> str:
    """Return a value with the name of its field, if that is a word."""
    return f"{name}: {text}" if len(name) >= SHORTEST_LABEL else text
