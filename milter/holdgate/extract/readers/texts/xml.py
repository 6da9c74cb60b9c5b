"""XML of no format known here: text, attribute values and comments; markup inside a line joins, the rest breaks it.

Entity declarations are not expanded: such a file is read as it stands, tags taken off, and is `limited`.
"""

import re
from dataclasses import dataclass, field

from holdgate.extract import charset
from holdgate.extract.budget import Budget
from holdgate.extract.format import Format
from holdgate.extract.readers.texts import expat, html
from holdgate.extract.readers.texts.xml_plan import EVERYTHING, Wanted
from holdgate.extract.reading import Document, Sink, UnreadableError

_DECLARATION = re.compile(r"\s*<\?xml\b([^>]*)\?>")
_ENCODING = re.compile(rb"<\?xml\b[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})", re.IGNORECASE)
_COMMENT = re.compile(r"<!--(.*?)-->|<\?(?!xml\b)(.*?)\?>", re.DOTALL)

# Elements inside a line: HTML's, SVG's and TEI's, and the runs of Word's and ODF's flat XML.
_INLINE = html.INLINE | frozenset({"t", "r", "tspan", "textPath", "emph", "emphasis", "hi", "link", "literal", "rPr"})


@dataclass(slots=True)
class _Lines:
    """Collects lines of text and, apart from them, attribute values."""

    line: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    wanted: Wanted = EVERYTHING

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name not in _INLINE:
            self.flush()
        self.values.extend(
            value for key, value in attributes.items() if value and not key.startswith("xmlns") and not value.isspace()
        )

    def end(self, name: str) -> None:
        if name not in _INLINE:
            self.flush()

    def data(self, text: str) -> None:
        self.line.append(text)

    def flush(self) -> None:
        if text := "".join(self.line).strip():
            self.lines.append(text)
        self.line.clear()


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
    sink.text("\n".join(lines.lines))
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


FORMAT = Format(kind="xml", read=read, holds="XML of any other kind, SVG too", read_by="expat", unread="", textual=True)
