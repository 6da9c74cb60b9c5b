"""XML of unknown formats: text, attribute values and comments; inline markup joins text, other markup breaks lines.

Entity declarations are not expanded: such a file is read with its tags removed, and is `limited`.
"""

import re
from collections.abc import Iterator

from holdgate.extract import charset
from holdgate.extract.budget import Budget
from holdgate.extract.format import Format
from holdgate.extract.readers.texts import blocks, ciphertext, expat, html
from holdgate.extract.readers.texts.svg_lines import SvgLines
from holdgate.extract.readers.texts.xml_lines import Lines
from holdgate.extract.reading import Document, Sink, UnreadableError

# White space only from where it begins: from each of its characters, a long run would take quadratic time.
_DECLARATION = re.compile(r"(?<!\s)\s*+<\?xml\b([^<>]*)\?>")
_ENCODING = re.compile(rb"<\?xml\b[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})", re.IGNORECASE)
_ASIDE = re.compile(r"<!--|<\?(?!xml\b)")

_SVG = re.compile(r"<(?:\w+:)?svg[\s>]")
_HEAD = 4_000
# The name of an element before a block that is its text.
_LABEL = re.compile(r"^\S{1,100}: (?=-----BEGIN )", re.MULTILINE)
NOT_READ = "drawing not read"


def read(document: Document, sink: Sink) -> None:
    """Pass on the text, then attribute values and comments; malformed XML is read with its tags removed."""
    declared = _ENCODING.match(document.data.removeprefix(b"\xef\xbb\xbf").lstrip())
    source = charset.decode(document.data, declared[1].decode("ascii") if declared else document.charset)
    source = source.removeprefix("\ufeff")
    if ciphertext.has_block(source):  # with its elements
        sink.limited(ciphertext.NOT_READ)
    lines = SvgLines() if _SVG.search(source, 0, _HEAD) else Lines()
    try:
        understood, body = _feed(source, lines, sink.budget)
    except UnreadableError as error:
        sink.limited(str(error))
        html.strip(source, sink)
        return
    lines.flush()
    text = "\n".join(lines.lines)
    sink.text(text)
    blocks.read(_LABEL.sub("", "\n".join([text, *lines.values])), sink)
    for line in lines.drawn_lines():
        sink.text(line, "line as drawn")
    if lines.drawn_letters():
        sink.limited(NOT_READ)
    if lines.values:
        sink.text("\n".join(lines.values), "attributes")
    if understood < len(body):
        html.strip(body[understood:].decode("utf-8", "replace"), sink)
    elif "<!--" in source or "<?" in source[5:]:
        for comment in comments(source):
            sink.text(comment, "comment")


def comments(source: str) -> Iterator[str]:
    """Yield the comments and processing instructions; the search for an end that is missing is made once."""
    behind = 0
    missing: set[str] = set()
    for begin in _ASIDE.finditer(source):
        end = "-->" if begin[0] == "<!--" else "?>"
        if begin.start() < behind or end in missing:
            continue
        at = source.find(end, begin.end())
        if at < 0:
            missing.add(end)
        else:
            behind = at + len(end)
            yield source[begin.end() : at]


def _feed(source: str, lines: Lines, budget: Budget) -> tuple[int, bytes]:
    """Parse as UTF-8, whatever the declaration; return how much was understood, and of what."""
    body = _DECLARATION.sub("", source, count=1).encode("utf-8", "replace")
    return expat.feed(body, lines, budget), body


FORMAT = Format(
    kind="xml",
    read=read,
    holds="XML of any other kind, SVG too",
    read_by="expat",
    unread=f"letters that an SVG draws as paths (`{NOT_READ}`); XML Encryption, and {blocks.UNREAD}",
    textual=True,
)
