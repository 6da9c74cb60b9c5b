"""HTML by lexbor: text, hidden text, comments, attribute values; inline tags join, block tags break.

lexbor is quadratic in attributes of one tag and in depth, so a linear look at the source comes first, and what is
too large, too deep or has too long a tag is stripped of its tags by one linear pass.
"""

import html
import re
from collections import Counter

from selectolax.lexbor import LexborHTMLParser, LexborNode

from holdgate.extract import charset, inline
from holdgate.extract.fields import base64
from holdgate.extract.format import Format
from holdgate.extract.reading import Document, Sink

MAX_BYTES = 5_000_000
MAX_ATTRIBUTES = 2_000
MAX_DEPTH = 2_000

_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_TAG_NAME = re.compile(r"/?([a-zA-Z][^\s>/]{0,40})")
_DATA_URI = re.compile(r"\s*data:([\w.+/-]*)[^,]{0,200};base64,", re.IGNORECASE)
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![\d.]*[1-9])|opacity\s*:\s*0(?![\d.]*[1-9])",
    re.IGNORECASE,
)
_HIDDEN_TAG = re.compile(r"<[^<>]*\shidden\b", re.IGNORECASE)
_OPENING = re.compile(r"<([a-zA-Z][^\s/>]{0,40})")
_CLOSING = re.compile(r"</([a-zA-Z][^\s/>]{0,40})")
_QUOTED = re.compile(r"\"[^\"]*+\"|'[^']*+'")
_SEPARATOR = re.compile(r"[\s/]+")
_ATTRIBUTE = re.compile(r"=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")

# The elements that stand inside a line of text (HTML Standard 4.5, 4.7, 4.8 and what browsers render so).
_INLINE_TAGS = """a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark nobr output q
rp rt ruby s samp small span strike strong sub sup time tt u var wbr"""
INLINE = frozenset(_INLINE_TAGS.split())
# Elements that have no end tag, or whose end tag may be left out (HTML Standard 13.1.2).
_UNCLOSED_TAGS = """area base body br col colgroup dd dt embed head hr html img input li link meta option p param rp rt
source tbody td tfoot th thead tr track wbr o:p"""
_UNCLOSED = frozenset(_UNCLOSED_TAGS.split())
_CELLS = frozenset({"td", "th"})

# Attributes whose values are layout, not what a person wrote.
_LAYOUT_NAMES = """align bgcolor border cellpadding cellspacing class color colspan dir face height http-equiv id lang
rel rowspan size style target type valign width xmlns"""
_LAYOUT = frozenset(_LAYOUT_NAMES.split())


def read(document: Document, sink: Sink) -> None:
    """Hand over the page's text, then comments and attribute values, in every plausible charset."""
    declared = document.charset
    if not declared and (meta := _META.search(document.data, 0, 2_000)):
        declared = meta[1].decode("ascii")
    for source in charset.readings(document.data, declared):
        if _is_heavy(source):
            strip(source, sink)
        else:
            _walk(source, sink)


def _is_heavy(source: str) -> bool:
    """Say whether lexbor might take more than linear time: for its size, for many attributes, for depth."""
    if len(source) > MAX_BYTES:
        return True
    if source.count("<") > MAX_DEPTH:
        levels = Counter(_OPENING.findall(source))
        levels.subtract(_CLOSING.findall(source))
        if sum(level for tag, level in levels.items() if level > 0 and tag.lower() not in _UNCLOSED) > MAX_DEPTH:
            return True
    return any(
        len(_SEPARATOR.findall(_QUOTED.sub("", segment)))
        > (MAX_ATTRIBUTES if ">" not in segment else 10 * MAX_ATTRIBUTES)
        for segment in source.split("<")
        if len(segment) > MAX_ATTRIBUTES
    )


def _walk(source: str, sink: Sink) -> None:
    """Hand over what the tree of the page holds."""
    root = LexborHTMLParser(source).root
    if root is None:
        return
    lines: list[str] = []
    aside: list[tuple[str, str]] = []
    _collect(root.parent or root, lines, aside, visible=False)
    sink.text("\n".join(lines))
    if _HIDING.search(source) or _HIDDEN_TAG.search(source):
        seen: list[str] = []
        _collect(root.parent or root, seen, [], visible=True)
        if seen != lines:
            sink.text("\n".join(seen), "without hidden text")
    for place, value in aside:
        if uri := _DATA_URI.match(value):
            content = base64(value[uri.end() :].encode("ascii", "replace"))
            sink.budget.spend_entry()
            sink.budget.spend_bytes(len(content))
            sink.embedded(content, declared_type=uri[1].lower())
        else:
            sink.text(value, place)
            lines.append(value)
    inline.read_files("\n".join(lines), sink)


def _collect(top: LexborNode, lines: list[str], aside: list[tuple[str, str]], visible: bool) -> None:
    """Go through a tree in document order, without recursion; `visible` leaves out what styles hide."""
    line: list[str] = []
    node: LexborNode | None = top
    while node is not None:
        tag = node.tag or ""
        below = node.child
        if tag == "-text":
            line.append(node.text_content or "")
        elif tag == "-comment":
            aside.append(("comment", node.comment_content or ""))
        elif tag[:1] != "-":
            if tag in _CELLS:
                line.append("\t")
            elif tag not in INLINE:
                _flush(line, lines)
            attributes = node.attributes
            aside.extend((name, value) for name, value in attributes.items() if value and name not in _LAYOUT)
            if visible and ("hidden" in attributes or _HIDING.search(attributes.get("style") or "")):
                below = None
            elif tag == "template" and (fragments := node.template_fragments()):
                below = fragments[0].child
        while below is None and node is not None:
            below = node.next
            if below is None:
                node = node.parent
                if node is not None and node.tag not in INLINE and node.tag not in _CELLS:
                    _flush(line, lines)
        node = below
    _flush(line, lines)


def _flush(line: list[str], lines: list[str]) -> None:
    if text := "".join(line).strip():
        lines.append(text)
    line.clear()


def strip(source: str, sink: Sink) -> None:
    """Take the tags off in one pass and hand over the text, then comments and attribute values."""
    first, *rest = source.split("<")
    pieces, aside = [first], []
    for number, chunk in enumerate(rest):
        if not number % 4_096:
            sink.budget.check_time()
        tag, closed, text = chunk.partition(">")
        name = _TAG_NAME.match(tag)
        if not closed or not name:
            aside.append(chunk)
            continue
        pieces.append("" if name[1].lower() in INLINE else "\n")
        pieces.append(text)
        aside.extend(value for values in _ATTRIBUTE.findall(tag) for value in values if value)
    text, values = html.unescape("".join(pieces)), html.unescape("\n".join(aside))
    sink.text(text)
    sink.text(values, "attributes and comments")
    inline.read_files(f"{text}\n{values}", sink)


FORMAT = Format(kind="html", read=read, holds="HTML", read_by="lexbor", unread="", textual=True)
