"""XML of no format known here: text, attribute values and comments; markup inside a line joins, the rest breaks it.

Entity declarations are not expanded: such a file is read as it stands, tags taken off, and is `limited`.
"""

import re
from dataclasses import dataclass, field

from holdgate.extract import charset, inline
from holdgate.extract.budget import Budget
from holdgate.extract.format import Format
from holdgate.extract.readers.texts import expat, html
from holdgate.extract.readers.texts.xml_plan import EVERYTHING, Selection
from holdgate.extract.reading import Document, Sink, UnreadableError

_DECLARATION = re.compile(r"\s*<\?xml\b([^>]*)\?>")
_ENCODING = re.compile(rb"<\?xml\b[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})", re.IGNORECASE)
_COMMENT = re.compile(r"<!--(.*?)-->|<\?(?!xml\b)(.*?)\?>", re.DOTALL)

# Elements inside a line: HTML's, SVG's and TEI's, and the runs of Word's and ODF's flat XML.
_INLINE = html.INLINE | frozenset({"t", "r", "tspan", "textPath", "emph", "emphasis", "hi", "link", "literal", "rPr"})

# Elements of prose and drawings: their names say nothing of what stands in them.
_PROSE = frozenset(
    {"p", "para", "text", "title", "desc", "div", "section", "body", "li", "td", "th", "h1", "h2", "h3", "h4", "script"}
    | {"style", "head", "cell", "Data", "value", "string", "item", "line"}
)

NOT_READ = "drawing not read"
USES = 9
"""So many copies of a shape may be letters."""
OUTLINES = 30
"""So many outlines in an SVG drawing with next to no text may be letters: a number of nine digits has about 15."""
SOLID = 40
"""A value of so many characters without a space may be a packed document."""
SHORTEST_LABEL = 3
"""A shorter name of an element or attribute is a tag, not a word."""
SPARSE_TEXT = 16
"""A drawing with fewer characters has no text to speak of."""
_OUTLINE = re.compile(r"[Mm]")


@dataclass(slots=True)
class _Lines:
    """Collects lines of text and, apart from them, attribute values."""

    line: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    wanted: Selection = EVERYTHING
    outlines: int = 0
    uses: int = 0
    leaf: str = ""
    solid: list[str] = field(default_factory=list)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name not in _INLINE:
            self.flush()
        if name == "use":
            self.uses += 1
        elif name in ("path", "glyph"):
            self.outlines += len(_OUTLINE.findall(attributes.get("d", "")))
        self.leaf = name
        for key, value in attributes.items():
            if value and not key.startswith("xmlns") and not value.isspace():
                self._keep_solid(value)
                self.values.append(_labelled(key.rpartition(":")[2], value))

    def end(self, name: str) -> None:
        if name not in _INLINE:
            # A record's field: its name says what the value is.
            self.flush(name if self.leaf == name and name not in _PROSE else "")
        self.leaf = ""

    def data(self, text: str) -> None:
        self.line.append(text)

    def _keep_solid(self, text: str) -> None:
        if len(text) >= SOLID and " " not in text:
            self.solid.append(text)

    def drawn_letters(self) -> bool:
        """Say whether the drawing has so many outlines that they may be letters."""
        return self.outlines >= OUTLINES or self.uses >= USES

    def flush(self, label: str = "") -> None:
        if text := "".join(self.line).strip():
            self._keep_solid(text)
            self.lines.append(_labelled(label, text))
        self.line.clear()


def _labelled(name: str, text: str) -> str:
    """Return a value with the name of its field, where that is a word."""
    return f"{name}: {text}" if len(name) >= SHORTEST_LABEL else text


def read(document: Document, sink: Sink) -> None:
    """Hand over the text, then attribute values and comments; what is malformed is read with its tags taken off."""
    declared = _ENCODING.match(document.data.removeprefix(b"\xef\xbb\xbf").lstrip())
    source = charset.decode(document.data, declared[1].decode("ascii") if declared else document.charset)
    source = source.removeprefix("\ufeff")
    lines = _Lines()
    try:
        understood, body = _feed(source, lines, sink.budget)
    except UnreadableError as error:
        sink.limited(str(error))
        html.strip(source, sink)
        return
    lines.flush()
    text = "\n".join(lines.lines)
    sink.text(text)
    for name, content in inline.files_in("\n\n".join(lines.solid).encode("utf-8", "replace")):
        sink.budget.spend_entry()
        sink.budget.spend_bytes(len(content))
        sink.embedded(content, name or "encoded block")
    if lines.drawn_letters() and len("".join(text.split())) < SPARSE_TEXT:
        sink.limited(NOT_READ)
    if lines.values:
        sink.text("\n".join(lines.values), "attributes")
    if understood < len(body):
        html.strip(body[understood:].decode("utf-8", "replace"), sink)
    elif "<!--" in source or "<?" in source[5:]:
        for comment, instruction in _COMMENT.findall(source):
            sink.text(comment or instruction, "comment")


def _feed(source: str, lines: _Lines, budget: Budget) -> tuple[int, bytes]:
    """Parse as UTF-8, whatever the declaration said; return how much was understood, and of what."""
    body = _DECLARATION.sub("", source, count=1).encode("utf-8", "replace")
    return expat.feed(body, lines, budget), body


FORMAT = Format(
    kind="xml",
    read=read,
    holds="XML of any other kind, SVG too",
    read_by="expat",
    unread=f"letters that an SVG draws as paths (`{NOT_READ}`)",
    textual=True,
)
