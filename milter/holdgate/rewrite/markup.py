"""Masks text in XML and HTML in place: text, CDATA, comments and attributes, also over the borders of inline elements.

Only the characters of a match are replaced; every tag stays where it is, so that a program opens the result as before.
"""

import html
import re
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from holdgate.rewrite.finder import Spans

MASK = "*"
XML_MASK = "\N{FULL BLOCK}"
"""In XML: names of sheets have no asterisk, and no number, date or formula has this."""

_TOKEN = re.compile(
    r"<!--(?P<comment>.*?)-->|<!\[CDATA\[(?P<cdata>.*?)\]\]>|<\?.*?\?>"
    r"|<(?P<tag>[/!]?[A-Za-z_](?:\"[^\"]*\"|'[^']*'|[^<>\"'])*)>|(?P<text>[^<]+|<)",
    re.DOTALL,
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_NAME = re.compile(r"[/!]?(?:[\w.-]*:)?([\w.-]+)")

# Elements that divide no word: those of runs of text, and what may be between two of them.
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
_TAG = re.compile(r"<[^<>]*>")
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalnum())
# Raw text of HTML: no entities in it, and nothing of it is shown.
_RAW = re.compile(r"(<(script|style)\b[^>]*>)(.*?)(</\2\s*>)", re.DOTALL | re.IGNORECASE)


@dataclass(slots=True)
class _Piece:
    """A token of the source, and which characters of it are to be masked, as ranges of the source."""

    source: str
    mask: str
    hidden: set[tuple[int, int]] = field(default_factory=set)

    def written(self) -> str:
        """Return the token with these masked."""
        if not self.hidden:
            return self.source
        out, position = [], 0
        for start, end in sorted(self.hidden):
            out += [self.source[position:start], self.mask]
            position = end
        return "".join(out) + self.source[position:]


class _Stretch(NamedTuple):
    """Characters that follow one another in a token, from `start` to `end`; an entity is masked as one."""

    piece: _Piece
    start: int
    end: int
    is_entity: bool


class _Joined:
    """Stretches of several tokens as one text; what stands for a tag has no place in the source."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._stretches: list[_Stretch | None] = []
        self._starts: list[int] = []
        self._length = 0

    def divide(self, separator: str = "\n") -> None:
        """Note that a tag divides what is before it from what follows."""
        self._add(separator, None)

    def take(self, piece: _Piece, start: int, text: str, *, entities: bool = True) -> None:
        """Add the characters of a token from `start` on."""
        position = 0
        for found in _ENTITY.finditer(text) if entities and "&" in text else ():
            begin, end = found.span()
            if begin > position:
                self._add(text[position:begin], _Stretch(piece, start + position, start + begin, False))
            self._add(html.unescape(found[0]), _Stretch(piece, start + begin, start + end, True))
            position = end
        if len(text) > position:
            self._add(text[position:], _Stretch(piece, start + position, start + len(text), False))

    def _add(self, text: str, stretch: _Stretch | None) -> None:
        self._texts.append(text)
        self._stretches.append(stretch)
        self._starts.append(self._length)
        self._length += len(text)

    def hide(self, spans: Spans) -> None:
        """Mask letters and digits where `spans` says so."""
        text = "".join(self._texts)
        for start, end in spans(text):
            number = bisect_right(self._starts, start) - 1
            while number < len(self._starts) and self._starts[number] < end:
                stretch, begin = self._stretches[number], self._starts[number]
                finish = begin + len(self._texts[number])
                number += 1
                if stretch is None:
                    continue
                for place in range(max(start, begin), min(end, finish)):
                    if text[place].isalnum() or not text[place].isascii():
                        at = stretch.start + place - begin
                        stretch.piece.hidden.add((stretch.start, stretch.end) if stretch.is_entity else (at, at + 1))


def masked(source: str, spans: Spans, values: Spans, *, known: Collection[str] = (), is_html: bool = False) -> str:
    """Return markup with text masked where `spans` says so, and attributes where `values` does.

    `known` are the values that `values` finds; XML that has none of them, wherever, is returned as it is.
    """
    if known and not is_html and _is_clean(source, known):
        return source
    if is_html:
        source = _RAW.sub(lambda found: found[1] + _masked_text(found[3], values) + found[4], source)
    pieces: list[_Piece] = []
    text, attributes, comments = _Joined(), _Joined(), _Joined()
    for found in _TOKEN.finditer(source):
        piece = _Piece(found[0], MASK if is_html else XML_MASK)
        pieces.append(piece)
        match found.lastgroup:
            case "text":
                text.take(piece, 0, found[0])
            case "cdata":
                text.take(piece, len("<![CDATA["), found["cdata"], entities=False)
            case "comment":
                comments.take(piece, len("<!--"), found["comment"], entities=False)
                comments.divide()
            case "tag":
                _take_tag(piece, found["tag"], text, attributes)
            case _:
                attributes.take(piece, 0, found[0], entities=False)
                attributes.divide()
    text.hide(spans)
    comments.hide(spans)
    attributes.hide(values)
    return "".join(piece.written() for piece in pieces)


def _is_clean(source: str, known: Collection[str]) -> bool:
    """Say that none of the values is in XML: neither with its tags nor without, whatever stands between letters."""
    wanted = {_letters(value) for value in known}
    if b"" in wanted or "<![CDATA[" in source:
        return False
    texts = (_letters(html.unescape(_TAG.sub("", source))), _letters(html.unescape(source)))
    return not any(value in text for text in texts for value in wanted)


def _letters(text: str) -> bytes:
    """Return a text in UTF-8 without ASCII's spaces and signs."""
    return text.encode("utf-8", "replace").translate(None, _NO_LETTERS)


def _take_tag(piece: _Piece, tag: str, text: _Joined, attributes: _Joined) -> None:
    name = _NAME.match(tag)
    if name is None or name[1] not in _INLINE:
        text.divide(" " if name is not None and name[1] in ("s", "tab") else "\n")
    for attribute in _ATTRIBUTE.finditer(tag) if "=" in tag else ():
        if attribute[1].startswith("xmlns"):
            continue
        group = 2 if attribute[2] is not None else 3
        attributes.take(piece, 1 + attribute.start(group), attribute[group])
        attributes.divide()


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
