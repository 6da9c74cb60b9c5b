"""Passages of HTML that a browser shows otherwise than their source reads: struck, hidden or reversed digits.

A style sheet decides what is seen, and none is evaluated here. Instead, each way of marking pieces inside a number
(`<s>`, a class, a colour) is left out once: what remains is what somebody can see. Pieces that a style turns round or
moves are put in the order of the page, and pictures that stand for digits are read by their alternative texts.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from holdgate.extract.fields import base64
from holdgate.extract.references import unescaped

MOST_PASSAGES = 2_000
TOO_MANY = "too many marked pieces of numbers"
_MOST_WAYS = 16
_FEWEST_DIGITS = 8
_CONTEXT = 250
"""Characters of the source before and after a piece: the rest of its number, and what labels it."""
_ADJACENT = 80

_NAMES = """a abbr b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr output q s samp small span
strike strong sub sup time tt u var wbr"""
_INLINE = _NAMES.split()
_PIECE = re.compile(rf"<({'|'.join(_INLINE)}|div)((?:\s[^<>]{{0,300}})?)>([^<>]{{0,40}})</\1\s{{0,3}}>", re.IGNORECASE)
_INLINE_TAG = re.compile(rf"</?(?:{'|'.join(_INLINE)})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_OTHER_TAG = re.compile(r"<[^<>]*>")
# The ends of a window can be inside a tag.
_CUT = re.compile(r"\A[^<>]*>|<[^<>]*\Z")
_STRUCK = frozenset({"s", "del", "strike"})
_DIGIT = re.compile(r"\d")
# A piece with a space beside it is a word of its own, unless it is struck or has attributes.
_BEFORE = re.compile(r"\d[-./]?\Z"), re.compile("\\d[-./ \xa0]{0,2}\\Z")
_AFTER = re.compile(r"[-./]?\d"), re.compile("[-./ \xa0]{0,2}\\d")
_GAP = "\0"

_RIGHT_TO_LEFT = re.compile(r"<([a-z]{1,20})\s([^<>]{0,300}\brtl\b[^<>]{0,300})>", re.IGNORECASE)
_REVERSE = re.compile(r"<([a-z]{1,20})\s([^<>]{0,300}(?:row|column)-reverse[^<>]{0,300})>", re.IGNORECASE)
_LONGEST = 1_000
_MOVED = re.compile(r"float\s{0,9}:\s{0,9}right|(?<![a-z-])order\s{0,9}:\s{0,9}(-?\d{1,4})", re.IGNORECASE)
_IMAGE = re.compile(
    r"<img\s[^<>]{0,400}?\balt\s{0,3}=\s{0,3}(?:\"([^\"<>]{1,12})\"|'([^'<>]{1,12})'|([^\s\"'<>]{1,12}))[^<>]{0,1000}>",
    re.IGNORECASE,
)
_FEWEST_IMAGES = 4
_CONTENT = re.compile(r"content\s{0,9}:\s{0,9}(?:\"([^\"<>]{4,500})\"|'([^'<>]{4,500})')", re.IGNORECASE)
_CSS_ESCAPE = re.compile(r"\\([0-9a-fA-F]{1,6})\s?")
_BACKGROUND = re.compile(r"url\(\s{0,9}[\"']?data:image/svg\+xml([^,<>]{0,100}),([^)\"']{20,})", re.IGNORECASE)


def passages(source: str) -> list[str]:
    """Return the passages of a page that a browser shows otherwise, as they can be seen.

    They are more than MOST_PASSAGES if there are others.
    """
    found: dict[str, None] = {}
    for each in (_without_pieces, _reversed, _moved, _pictures, _generated):
        for passage in each(source):
            found[passage] = None
            if len(found) > MOST_PASSAGES:
                return list(found)
    return list(found)


def drawings(source: str) -> Iterator[bytes]:
    """Yield the SVG drawings that style sheets contain (`url(data:image/svg+xml,…)`)."""
    if "svg+xml" in source:
        for kind, content in _BACKGROUND.findall(source):
            data = unescaped(content).encode("utf-8", "replace")
            yield base64(data) if kind.lower().endswith("base64") else unquote_to_bytes(data)


def _flat(source: str) -> str:
    """Return the text of a window: tags inside a line are removed, others and the cut ones at its ends break it."""
    text = _OTHER_TAG.sub("\n", _INLINE_TAG.sub("", _CUT.sub("\n", source)))
    return unescaped(text) if "&" in text else text


def _line(source: str, start: int, shown: str) -> str:
    """Return what is shown, after the text before the place where it starts, which may label it."""
    lines = [line for line in _flat(source[max(0, start - _CONTEXT) : start]).splitlines() if line.strip()]
    return "\n".join(lines[-2:]) + shown


def _without_pieces(source: str) -> Iterator[str]:
    """Yield lines without the marked pieces inside their numbers."""
    cluster: list[re.Match[str]] = []
    for piece in _PIECE.finditer(source):
        if not _DIGIT.search(piece[3]) or not _is_inside(source, piece):
            continue
        if cluster and piece.start() - cluster[-1].end() > _CONTEXT:
            yield from _ways(source, cluster)
            cluster = []
        cluster.append(piece)
    if cluster:
        yield from _ways(source, cluster)


def _is_inside(source: str, piece: re.Match[str]) -> bool:
    """Return whether there are digits directly before and after a piece."""
    start, end = piece.span()
    if source[start - 1 : start].isalpha() or source[end : end + 1].isalpha():
        return False
    loose = bool(piece[2].strip()) or piece[1].lower() in _STRUCK
    before, after = source[max(0, start - _ADJACENT) : start], source[end : end + _ADJACENT]
    return bool(_BEFORE[loose].search(_flat(before)) and _AFTER[loose].match(_flat(after)))


def _ways(source: str, cluster: list[re.Match[str]]) -> Iterator[str]:
    """Yield the lines around pieces: without those that are marked in one way, for each way, and without all."""
    ways = list(dict.fromkeys((piece[1].lower(), piece[2]) for piece in cluster))
    left, right = max(0, cluster[0].start() - _CONTEXT), cluster[-1].end() + _CONTEXT
    for way in [*ways[:_MOST_WAYS], None]:
        if way is None and len(ways) == 1:
            continue
        pieces: list[str] = []
        position = left
        for piece in cluster:
            if way is None or (piece[1].lower(), piece[2]) == way:
                pieces += source[position : piece.start()], _GAP
                position = piece.end()
        lines = _flat("".join((*pieces, source[position:right]))).splitlines()
        for index, line in enumerate(lines):
            if _GAP in line and sum(map(str.isdigit, line)) >= _FEWEST_DIGITS:
                labels = [each for each in lines[max(0, index - 3) : index] if each.strip()][-1:]
                yield "\n".join((*labels, line)).replace(_GAP, "")


def _reversed(source: str) -> Iterator[str]:
    """Yield the text of elements whose characters or parts are shown from right to left."""
    lowered = source.lower()
    if "rtl" in lowered:
        for tag in _RIGHT_TO_LEFT.finditer(source):
            if tag[1].lower() == "bdo" or "bidi-override" in tag[2].lower():
                end = lowered.find(f"</{tag[1].lower()}", tag.end(), tag.end() + _LONGEST)
                if end >= 0:
                    yield _line(source, tag.start(), _flat(source[tag.end() : end])[::-1])
    if "-reverse" in lowered:
        for tag in _REVERSE.finditer(source):
            end = lowered.find(f"</{tag[1].lower()}", tag.end(), tag.end() + _LONGEST)
            parts = _OTHER_TAG.split(source[tag.end() : end]) if end >= 0 else []
            shown = unescaped("".join(part.strip() for part in reversed(parts)))
            if _DIGIT.search(shown):
                yield _line(source, tag.start(), shown)


def _moved(source: str) -> Iterator[str]:
    """Yield pieces in a row in the order in which styles show them."""
    if "float" not in source and "order" not in source:
        return
    row: list[tuple[int, str]] = []
    start = end = 0
    for piece in _PIECE.finditer(source):
        style = _MOVED.search(piece[2])
        if row and (style is None or source[end : piece.start()].strip()):
            yield from _in_order(source, start, row)
            row = []
        if style is not None:
            start = start if row else piece.start()
            row.append((int(style[1]) if style[1] else -len(row), piece[3]))
            end = piece.end()
    yield from _in_order(source, start, row)


def _in_order(source: str, start: int, row: list[tuple[int, str]]) -> Iterator[str]:
    shown = unescaped("".join(text for _, text in sorted(row, key=lambda each: each[0])))
    if len(row) > 1 and _DIGIT.search(shown):
        yield _line(source, start, shown)


def _pictures(source: str) -> Iterator[str]:
    """Yield rows of pictures by their alternative texts: a program that does not load them shows these."""
    row: list[str] = []
    start = end = 0
    for image in _IMAGE.finditer(source):
        between = _flat(f">{source[end : image.start()]}<") if row and image.start() - end <= _CONTEXT else ""
        if row and (image.start() - end > _CONTEXT or len(between.strip()) > 2):
            yield from _row(source, start, row)
            row = []
        start = start if row else image.start()
        row += [between.strip() if row else "", image[1] or image[2] or image[3]]
        end = image.end()
    yield from _row(source, start, row)


def _row(source: str, start: int, row: list[str]) -> Iterator[str]:
    shown = unescaped("".join(row))
    if len(row) >= 2 * _FEWEST_IMAGES and sum(map(str.isdigit, shown)) >= _FEWEST_IMAGES:
        yield _line(source, start, shown)


def _generated(source: str) -> Iterator[str]:
    """Yield texts that a style sheet adds, with their escapes undone (CSS Syntax Module Level 3, 4.3.7)."""
    if "content" in source:
        for double, single in _CONTENT.findall(source):
            if "\\" in (text := double or single):
                yield _CSS_ESCAPE.sub(_character, text)


def _character(escape: re.Match[str]) -> str:
    code = int(escape[1], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else ""
