"""HTML by lexbor: text, hidden text, comments, attribute values; inline tags join, block tags break.

lexbor is quadratic in the attributes of one tag and in depth, so the source is first checked in linear time. If it is
too large, too deep or has too long a tag, its tags are removed in one linear pass instead.
"""

import re
from collections import Counter

from selectolax.lexbor import LexborHTMLParser, LexborNode

from holdgate.extract import charset
from holdgate.extract.fields import base64
from holdgate.extract.format import Format
from holdgate.extract.readers.texts import blocks, html_drawings, html_look, html_scan
from holdgate.extract.readers.texts.html_scan import CELLS, HIDDEN_TAG, HIDING, INLINE, LAYOUT, Page, tidy
from holdgate.extract.reading import Document, Sink
from holdgate.extract.references import unescaped

MAX_BYTES = 5_000_000
MAX_ATTRIBUTES = 2_000
MAX_DEPTH = 2_000

_LONGEST_LABEL = 40
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_TAG_NAME = re.compile(r"/?([a-zA-Z][^\s>/]{0,40})")
_DATA_URI = re.compile(r"\s*data:([\w.+/-]*)[^,]{0,200};base64,", re.IGNORECASE)
_OPENING = re.compile(r"<([a-zA-Z][^\s/>]{0,40})")
_CLOSING = re.compile(r"</([a-zA-Z][^\s/>]{0,40})")
_QUOTED = re.compile(r"\"[^\"]*+\"|'[^']*+'")
# After a set of frames nothing is in the tree (HTML Standard 13.2.6.4.20), and of an end tag only its name.
_LEFT_OUT = re.compile(r"<frameset|</[a-z][^\s/>]*+[\s/]++[^\s/>]", re.IGNORECASE)
# Neither is what is in a DOCTYPE.
_DOCTYPE = re.compile(r"<!doctype[^>]*+", re.IGNORECASE)
_USUAL_DIGITS, _USUAL_LENGTH = 8, 200
"""That of XHTML 1.1 has so many digits and fewer characters."""
_SEPARATOR = re.compile(r"[\s/]+")
_ATTRIBUTE = re.compile(r"=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")

# Elements that have no end tag, or whose end tag may be left out (HTML Standard 13.1.2).
_UNCLOSED_TAGS = """area base body br col colgroup dd dt embed head hr html img input li link meta option p param rp rt
source tbody td tfoot th thead tr track wbr o:p"""
_UNCLOSED = frozenset(_UNCLOSED_TAGS.split())


def read(document: Document, sink: Sink) -> None:
    """Pass on the page's text, then comments and attribute values, in every plausible charset."""
    for source in _sources(document):
        page = html_scan.scan(source)
        if page is None and _is_heavy(source):
            strip(source, sink)
        else:
            write(page or tree(source), sink)
        look(html_look.passages(source), sink)
        for drawing in html_look.drawings(source):
            sink.budget.spend_entry()
            sink.budget.spend_bytes(len(drawing))
            sink.embedded(drawing, declared_type="image/svg+xml")
        if page is None:
            html_drawings.check(source, sink)
        if _LEFT_OUT.search(source) or any(map(_is_unusual, _DOCTYPE.findall(source))):
            strip(source, sink)


def _is_unusual(doctype: str) -> bool:
    """Return whether a DOCTYPE may contain more than the name of a version of HTML."""
    return (
        "[" in doctype
        or "@" in doctype
        or len(doctype) > _USUAL_LENGTH
        or sum(map(str.isdigit, doctype)) > _USUAL_DIGITS
    )


def ordinary(document: Document) -> list[tuple[Page, list[str]]] | None:
    """Return the page in every plausible charset, with what a browser shows otherwise (`html_look`).

    Return None if a library is needed to read it in one of them.
    """
    pages: list[tuple[Page, list[str]]] = []
    for source in _sources(document):
        page = html_scan.scan(source)
        if page is None or any(html_look.drawings(source)):
            return None
        pages.append((page, html_look.passages(source)))
    return pages


def _sources(document: Document) -> list[str]:
    declared = document.charset
    if not declared and (meta := _META.search(document.data, 0, 2_000)):
        declared = meta[1].decode("ascii")
    return charset.readings(document.data, declared)


def _is_heavy(source: str) -> bool:
    """Return whether lexbor might take more than linear time: for its size, for many attributes, for depth."""
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


def tree(source: str) -> Page:
    """Return the page with the contents of its tree."""
    root = LexborHTMLParser(source).root
    page = Page()
    if root is None:
        return page
    _collect(root.parent or root, page.lines, page.aside, visible=False)
    if HIDING.search(source) or HIDDEN_TAG.search(source):
        page.seen = []
        _collect(root.parent or root, page.seen, [], visible=True)
    return page


def write(page: Page, sink: Sink) -> None:
    """Pass on the contents of a page, and the files in it."""
    sink.text("\n".join(page.lines))
    if page.seen is not None and page.seen != page.lines:
        sink.text("\n".join(page.seen), "without hidden text")
    lines = page.lines.copy()
    for place, value in page.aside:
        if uri := _DATA_URI.match(value):
            content = base64(value[uri.end() :].encode("ascii", "replace"))
            sink.budget.spend_entry()
            sink.budget.spend_bytes(len(content))
            sink.embedded(content, declared_type=uri[1].lower())
        else:
            sink.text(value, place)
            lines.append(value)
    blocks.read("\n".join(lines), sink)


def look(passages: list[str], sink: Sink) -> None:
    """Pass on what a browser shows otherwise."""
    if passages:
        sink.text("\n\n".join(passages), "as it can be seen")
    if len(passages) > html_look.MOST_PASSAGES:
        sink.limited(html_look.TOO_MANY)


def _collect(top: LexborNode, lines: list[str], aside: list[tuple[str, str]], visible: bool) -> None:
    """Collect the text of a tree in document order, without recursion; `visible` leaves out what styles hide."""
    line: list[str] = []
    templates: list[LexborNode] = []
    node: LexborNode | None = top
    while node is not None:
        tag = node.tag or ""
        below = node.child
        if tag == "-text":
            line.append(node.text_content or "")
        elif tag == "-comment":
            aside.append(("comment", node.comment_content or ""))
        elif not tag:  # a processing instruction, which has no other property
            aside.append(("comment", (node.html or "")[1:-1].strip()))
        elif tag[:1] != "-":
            if tag in CELLS:
                line.append("\t")
            elif tag not in INLINE:
                _flush(line, lines)
            attributes = node.attributes
            if tag == "input" and attributes.get("value"):
                label = _label(attributes, line, lines)
                aside.append(
                    ("value", f"{label}: {attributes.pop('value')}" if label else attributes.pop("value") or "")
                )
            aside.extend((name, value) for name, value in attributes.items() if value and name not in LAYOUT)
            if visible and ("hidden" in attributes or HIDING.search(attributes.get("style") or "")):
                below = None
            elif tag == "template" and (fragments := node.template_fragments()) and fragments[0].child is not None:
                below = fragments[0].child
                templates.append(node)
        while below is None and node is not None:
            below = node.next
            if below is None:
                # A fragment has no parent: what follows its template is read next.
                node = node.parent or (templates.pop() if templates else None)
                if node is not None and node.tag not in INLINE and node.tag not in CELLS:
                    _flush(line, lines)
        node = below
    _flush(line, lines)


def _label(attributes: dict[str, str | None], line: list[str], lines: list[str]) -> str:
    """Return what labels the value of a form's field: its name, or else the text before it."""
    for name in ("name", "aria-label"):
        if label := attributes.pop(name, None):
            return label
    return (tidy("".join(line)) or "".join(lines[-1:]))[-_LONGEST_LABEL:].strip(" :")


def _flush(line: list[str], lines: list[str]) -> None:
    if text := tidy("".join(line)):
        lines.append(text)
    line.clear()


def strip(source: str, sink: Sink) -> None:
    """Remove the tags in one pass and pass on the text, then comments and attribute values."""
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
    text, values = unescaped("".join(pieces)), unescaped("\n".join(aside))
    sink.text(text)
    sink.text(values, "attributes and comments")
    blocks.read(f"{text}\n{values}", sink)


FORMAT = Format(
    kind="html",
    read=read,
    holds="HTML",
    read_by="lexbor",
    unread="letters that an SVG element draws as paths (`drawing not read`); lines whose numbers have marked pieces,"
    f" beyond the first {html_look.MOST_PASSAGES:,} (`{html_look.TOO_MANY}`); {blocks.UNREAD}",
    textual=True,
)
