"""Masks text in XML and HTML in place: text, CDATA, comments and attributes, also across inline elements.

Only the characters of a match are replaced; tags are not changed, so programs open the result as before.
"""

import html
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from html.entities import html5

from holdgate.extract.references import unescaped
from holdgate.rewrite.finder import Spans

MASK = "*"
XML_MASK = "\N{FULL BLOCK}"
"""The mask in XML. Sheet names must not contain an asterisk; no number, date or formula contains this character."""

_TAG = r"<[/!]?[A-Za-z_](?:\"[^\"]*\"|'[^']*'|[^<>\"'])*>"
_TOKEN = re.compile(
    r"(?P<comment><!--)|(?P<cdata><!\[CDATA\[)|(?P<instruction><\?)"
    rf"|(?P<tags>(?:{_TAG})+)|(?P<text>[^<]+|<)"
)
_ENDS = {"comment": "-->", "cdata": "]]>", "instruction": "?>"}
# Browsers also read numbers and old names without a semicolon (HTML, 13.2.5.72 to 13.2.5.80).
_OLD_NAMES = "|".join(sorted((name for name in html5 if not name.endswith(";")), key=len, reverse=True))
_ENTITY = re.compile(rf"&(?:#[0-9]{{1,7}};?|#[xX][0-9A-Fa-f]{{1,6}};?|[A-Za-z][A-Za-z0-9]{{1,30}};|(?:{_OLD_NAMES}))")
_ATTRIBUTE = re.compile(r"(?<![\w:.-])([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>=`]+))")
_NAMES = re.compile(r"<[/!]?(?:[\w.-]*:)?([\w.-]+)")

_NOWHERE = (-1, -1)

# Elements that do not separate words: text runs, and what can be between two of them.
_INLINE = frozenset(
    """
    r t rPr span a hyperlink ins del delText delInstrText smartTag sdt sdtContent sdtPr sdtEndPr
    bookmarkStart bookmarkEnd proofErr lang b bCs i iCs u sz szCs rFonts rFont color highlight
    vertAlign strike dstrike caps smallCaps noProof rStyle shd spacing kern position latin ea cs sym
    solidFill srgbClr schemeClr ln effectLst rtl em lastRenderedPageBreak fldSimple fldChar instrText
    softHyphen noBreakHyphen commentRangeStart commentRangeEnd commentReference annotationRef
    footnoteReference family charset scheme bookmark bookmark-start bookmark-end change change-start
    change-end soft-page-break permStart permEnd moveFrom moveTo customXml strong font small big sub
    sup code mark abbr cite q kbd samp tt s wbr bdi bdo label acronym dfn var nobr
    """.split()  # noqa: SIM905 (as a list it takes a page)
)
_TEXTS = re.compile(r">([^<]+)")
_MARKS = re.compile(r"<[^<>=]*+=[^<>]*+>")
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalnum())
# Raw text of HTML: it has no entities and is not shown.
_RAW = re.compile(r"<(script|style)\b", re.IGNORECASE | re.ASCII)
_RAW_ENDS = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in ("script", "style")}


class _Joined:
    """Pieces of a source as one text. A separator for a tag has no place in the source. An entity is one piece."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._sources: list[tuple[int, int]] = []
        self._starts: list[int] = []
        self._length = 0

    def divide(self, separator: str = "\n") -> None:
        """Insert a separator for a tag that divides text."""
        if self._sources and self._sources[-1] != _NOWHERE:
            self._add(separator, _NOWHERE)

    def take(self, start: int, text: str, *, entities: bool = True) -> None:
        """Add the characters of the source from `start` on."""
        if not entities or "&" not in text:
            if text:
                self._add(text, (start, start + len(text)))
            return
        position = 0
        for found in _ENTITY.finditer(text):
            begin, end = found.span()
            if begin > position:
                self._add(text[position:begin], (start + position, start + begin))
            self._add(html.unescape(found[0]), (start + begin, start + end))
            position = end
        if len(text) > position:
            self._add(text[position:], (start + position, start + len(text)))

    def _add(self, text: str, source: tuple[int, int]) -> None:
        self._texts.append(text)
        self._sources.append(source)
        self._starts.append(self._length)
        self._length += len(text)

    def places(self, spans: Spans) -> Iterator[tuple[int, int]]:
        """Yield the letters and digits in the spans that `spans` finds, as ranges of the source."""
        text = "".join(self._texts)
        for start, end in spans(text):
            number = bisect_right(self._starts, start) - 1
            while number < len(self._starts) and self._starts[number] < end:
                (first, last), begin = self._sources[number], self._starts[number]
                finish = begin + len(self._texts[number])
                number += 1
                if first < 0:
                    continue
                is_entity = last - first != finish - begin
                for place in range(max(start, begin), min(end, finish)):
                    if text[place].isalnum() or not text[place].isascii():
                        at = first + place - begin
                        yield (first, last) if is_entity else (at, at + 1)


def masked(source: str, spans: Spans, values: Spans, *, known: Collection[str] = (), is_html: bool = False) -> str:
    """Return markup with text masked where `spans` finds matches, and attributes where `values` does.

    `known` are the values that `values` finds. XML that contains none of them is returned unchanged.
    """
    wanted = set() if is_html else {_letters(value) for value in known}
    if wanted and _is_clean(source, wanted):
        return source
    if is_html:
        source = _masked_raw(source, values)
    has_attributes = not wanted or _is_in("".join(_MARKS.findall(source)), wanted)
    text, attributes, comments, embedded = _Joined(), _Joined(), _Joined(), _Joined()
    for kind, start, end in _tokens(source):
        content = source[start:end]
        match kind:
            case "text":
                text.take(start, content)
            case "tags":
                _take_tags(content, start, text, attributes if has_attributes else None)
                if is_html:
                    _take_embedded(content, start, embedded)
            case "cdata":
                text.take(start, content, entities=False)
            case "comment":
                comments.take(start, content, entities=False)
                comments.divide()
            case _:
                attributes.take(start, content, entities=False)
                attributes.divide()
    places = {*text.places(spans), *comments.places(spans), *attributes.places(values)}
    places |= set(embedded.places(spans))
    return _written(source, sorted(places), MASK if is_html else XML_MASK)


def _tokens(source: str) -> Iterator[tuple[str, int, int]]:
    """Yield kind, start and end of text, tags, and what is between marks; a mark without an end is text.

    The search for an end that is missing is made once.
    """
    missing: set[str] = set()
    position = 0
    while found := _TOKEN.match(source, position):
        kind, start, position = found.lastgroup or "", position, found.end()
        if mark := _ENDS.get(kind):
            end = -1 if kind in missing else source.find(mark, position)
            if end < 0:
                missing.add(kind)
                position = start + 1
                yield "text", start, position
            else:
                yield kind, position, end
                position = end + len(mark)
        else:
            yield kind, start, position


def _masked_raw(source: str, values: Spans) -> str:
    """Return HTML with the values masked in raw text; the search for an end that is missing is made once."""
    out: list[str] = []
    missing: set[str] = set()
    position = start = 0
    for begin in _RAW.finditer(source):
        name = begin[1].lower()
        if begin.start() < position or name in missing:
            continue
        if begin.end() >= start:
            start = source.find(">", begin.end()) + 1
            if not start:
                break
        end = _RAW_ENDS[name].search(source, start)
        if end is None:
            missing.add(name)
        else:
            out += [source[position:start], _masked_text(source[start : end.start()], values)]
            position = end.start()
    return "".join([*out, source[position:]])


def _written(source: str, places: Sequence[tuple[int, int]], mask: str) -> str:
    out, position = [], 0
    for start, end in places:
        out += [source[position:start], mask]
        position = end
    return "".join([*out, source[position:]])


def _is_clean(source: str, wanted: Collection[bytes]) -> bool:
    """Return whether XML contains none of the values, with or without its tags, whatever is between letters."""
    if "<![CDATA[" in source:
        return False
    return not _is_in("".join(_TEXTS.findall(source)), wanted) and not _is_in(source, wanted)


def _is_in(text: str, wanted: Collection[bytes]) -> bool:
    letters = _letters(unescaped(text))
    return any(value in letters for value in wanted)


def _letters(text: str) -> bytes:
    """Return a text in UTF-8 without ASCII spaces and punctuation."""
    return text.encode("utf-8", "replace").translate(None, _NO_LETTERS)


def _take_tags(tags: str, start: int, text: _Joined, attributes: _Joined | None) -> None:
    """Add a run of tags: a separator between the texts around it, and its attributes."""
    names = [name for name in _NAMES.findall(tags) if name not in _INLINE]
    if names:
        text.divide(" " if all(name in ("s", "tab") for name in names) else "\n")
    if attributes is None or "=" not in tags:
        return
    for attribute in _ATTRIBUTE.finditer(tags):
        if attribute[1].startswith("xmlns"):
            continue
        group = attribute.lastindex or 2
        attributes.take(start + attribute.start(group), attribute[group])
        attributes.divide()


def _take_embedded(tags: str, start: int, embedded: _Joined) -> None:
    """Add the documents that attributes contain as `data:` (RFC 2397): their content is often coded."""
    for attribute in _ATTRIBUTE.finditer(tags):
        group = attribute.lastindex or 2
        if attribute[group].lstrip().lower().startswith("data:"):
            embedded.take(start + attribute.start(group), attribute[group])
            embedded.divide()


def _masked_text(text: str, spans: Spans) -> str:
    return hidden(text, spans(text))


def hidden(text: str, spans: Sequence[tuple[int, int]], mask: str = MASK) -> str:
    """Return a plain text with letters and digits masked within spans."""
    characters = list(text)
    for start, end in spans:
        for place in range(start, end):
            if characters[place].isalnum() or not characters[place].isascii():
                characters[place] = mask
    return "".join(characters)
