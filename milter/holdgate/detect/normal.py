"""Normalises a text before it is searched, and maps places back to the original.

Obfuscation is undone: tags, entities, escapes, invisible and combining characters, bidirectional overrides,
compatibility forms (NFKC), digits of all scripts, dashes, spaces, look-alike letters. Lengths can change, so each
change is recorded, and `Normal.place` maps a span of the plain text to characters of the given one.
"""

import html
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final

from holdgate.detect import unseen
from holdgate.detect.candidates import CONTROL, mask

# Letters of Cyrillic and Greek that look like Latin ones, upper and lower case.
LOOKALIKES: Final = str.maketrans(
    "АВЕЅІЈКМНОРСТУХԁһаеѕіјорсухΑΒΕΖΗΙΚΜΝΟΡΤΥΧονυ" + "ӀԚԜ",
    "ABESIJKMHOPCTYXdhaesijopcyxABEZHIKMNOPTYXovu" + "IQW",
)
# Further changes are not made and the text counts as partly read: each costs as much as hundreds of characters.
FREE_CHANGES = 20_000
CHARACTERS_A_CHANGE = 12

_DOTS: Final = "·•∙⋅・․‧"
_SLASHES: Final = "⁄∕⧸╱"
# In NFKC these are letters, and would belong to the number after them.
_NUMBER_SIGNS: Final = {"№": "#", "º": "°"}
_STRAY: Final = "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u20dd\u20de\u20e3\u20e0"
_BREAKS: Final = "\x0b\x0c\x85\u2028\u2029"


def _plain(character: str) -> str:
    """Return the plain form of one character beyond ASCII: itself, a simpler one, or nothing."""
    category = unicodedata.category(character)
    if character in _STRAY or category in ("Cf", "Cc"):
        return ""
    if category in ("Mn", "Me"):
        code = ord(character)
        marks = (0x0300, 0x036F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE00, 0xFE2F)
        return "" if code >= 0xE0000 or any(low <= code <= high for low, high in marks) else character
    if category == "Zs":
        return " "
    if category == "Pd" or character in "−⁃˗➖ー":
        return "-" if character != "ー" else character
    if character in _DOTS:
        return "."
    if character in _SLASHES:
        return "/"
    if character in _NUMBER_SIGNS:
        return _NUMBER_SIGNS[character]
    if category[0] == "N":
        digit = unicodedata.numeric(character, None)
        if digit is not None and digit in range(10) and category != "Nl":
            return str(int(digit))
    return unicodedata.normalize("NFKC", character)


def _changes() -> dict[str, str]:
    """Return the changes of `_plain`, for the planes of Unicode that contain letters, digits, signs and selectors."""
    table = {chr(code): "" for code in range(32)} | {"\x7f": ""}
    for character in "\t\n\r":
        del table[character]
    table |= dict.fromkeys(_BREAKS, "\n")
    for low, high in ((0x80, 0x3400), (0xA000, 0xAC00), (0xF900, 0x10000), (0x10000, 0x12000), (0x16A00, 0x16C00),
                      (0x1D100, 0x1FC00), (0xE0000, 0xE0200)):  # fmt: skip
        for code in range(low, high):
            character = chr(code)
            if character not in table and (plain := _plain(character)) != character:
                table[character] = plain
    return table


_PLAIN: Final = _changes()


# Possessive repeats (+ after the repeat) keep no state for backtracking. They are used for single characters only: for
# groups they match too much in Python before 3.11.5 (gh-106052). Groups have limited repeats instead.
_TAG: Final = r"/?+[A-Za-z][A-Za-z0-9:]{0,20}+(?:>|/>|\s[^<>]{0,400}+>)|!--[^>]{0,400}-->"
_BEYOND_ASCII: Final = re.compile(r"[^\x20-\x7e\t\n\r]+")
_OVERRIDE: Final = re.compile(r"\u202e(?P<reversed>[^\u202c\n]{0,400})\u202c?")
# White space in a string of a program, escaped once or more: JSON (RFC 8259, 7), SQL, logs of these.
_SPACE: Final = r"(?:[nrtbfv]|0(?:11|12|15|40))"
# Each alternative is tried after its own first character, so the search jumps from one such character to the next.
_MARKUP: Final = re.compile(
    rf"[<&%\\=](?:(?<=<)(?P<tags>(?:{_TAG})(?:<(?:{_TAG})){{0,255}})"
    r"|(?<=&)(?P<entity>(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,10});)"
    r"|(?<=%)(?P<percent>[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2}){0,999})"
    r"|(?<=\\)(?P<escape>(?:u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,6}\}|x[0-9a-fA-F]{2})"
    r"(?:\\(?:u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,6}\}|x[0-9a-fA-F]{2})){0,999})"
    rf"|(?<=\\)(?P<control>\\{{0,8}}{_SPACE}(?:\\{{1,8}}{_SPACE}){{0,99}})"
    r"(?=[A-Za-z+(]|\d[\d .\-])"
    rf"|(?<=\d[0-9A-Z]\\)(?P<end>\\{{0,8}}{_SPACE})"
    r"|(?<==)(?:(?P<soft>\r?\n)|(?P<quoted>[0-9A-F]{2}(?:=[0-9A-F]{2}){1,999})))"
)
# Fast searches, one for each alternative above: is there anything to undo?
_SOME_TAG: Final = re.compile(rf"<(?:{_TAG})")
_SOME_ENTITY: Final = re.compile(r"&[#A-Za-z][0-9A-Za-z]{1,9};")
_SOME_PERCENT: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_SOME_ESCAPE: Final = re.compile(r"\\(?:[ux][0-9a-fA-F{]{2}|[nrtbfv]|0[14])")
_SOME_QUOTED: Final = re.compile(r"=(?:\r?\n|[0-9A-F]{2}=[0-9A-F]{2})")
_LINE_ENDS: Final = re.compile(r"[nrfv]|01[25]")
_HEX: Final = re.compile(r"[0-9A-Fa-f]{2,6}")
_BLOCK: Final = re.compile(
    r"</?(?:p|div|br|li|ul|ol|tr|table|h[1-6]|hr|pre|blockquote|section|article|dd|dt|dl|form|option|title|body|html)\b",
    re.IGNORECASE,
)
# This many characters of a run of tags show their kind.
_ENOUGH: Final = 2_000
_MANY_ESCAPES: Final = 8
_NUMBER: Final = re.compile(r"\d(?:\D*+\d){3}")
_CELL: Final = re.compile(r"</?t[dh]\b", re.IGNORECASE)
# The element that begins directly before a value, as in XML with named fields; not one that formats text.
_ELEMENT: Final = re.compile(r"<(?:[\w\-]{1,20}:)?([A-Za-z][\w\-]{2,20})(?:\s[^<>]{0,400}+)?(?<!/)>\Z")
_HTML: Final = frozenset(
    ("abbr", "acronym", "address", "area", "article", "aside", "audio", "base", "basefont", "bdi", "bdo", "big",
     "blockquote", "body", "button", "canvas", "caption", "center", "cite", "code", "col", "colgroup", "data",
     "datalist", "del", "details", "dfn", "dialog", "dir", "div", "embed", "fieldset", "figcaption", "figure",
     "font", "footer", "form", "frame", "frameset", "head", "header", "hgroup", "html", "iframe", "img", "input",
     "ins", "kbd", "label", "legend", "link", "main", "map", "mark", "menu", "meta", "meter", "nav", "nobr",
     "noframes", "noscript", "object", "ol", "optgroup", "option", "output", "param", "picture", "pre", "progress",
     "rtc", "ruby", "samp", "script", "search", "section", "select", "slot", "small", "source", "span", "strike",
     "strong", "style", "sub", "summary", "sup", "svg", "table", "tbody", "template", "textarea", "tfoot", "thead",
     "time", "title", "track", "var", "video", "wbr", "path", "text", "tspan", "rect", "circle", "line", "defs",
     "symbol", "use")
)  # fmt: skip
_FOREIGN: Final = re.compile("[\u0370-\u03ff\u0400-\u052f]")
# Only from where a word begins: from each of its characters, a long one in ASCII would take quadratic time.
_FOREIGN_WORD: Final = re.compile("(?<![0-9A-Za-z\u0370-\u052f])[0-9A-Za-z]*+[\u0370-\u052f][0-9A-Za-z\u0370-\u052f]*+")


class Normal:
    """A plain text, and the original places of its characters.

    `asides` are spans of the given text that are not in the plain one but can contain data: attributes of tags, and
    characters that show nothing.
    `limited` is true if the text was too densely obfuscated to be normalised completely.
    """

    __slots__ = ("_given", "_mask", "_plain", "_text", "asides", "limited")

    def __init__(self, text: str, before: "Normal | None" = None, limited: bool = False) -> None:
        self._text = text
        self._mask: bytes | None = None
        self.asides: list[tuple[int, str]] = before.asides if before is not None else []
        self.limited = limited
        self._plain: list[tuple[int, int]] = []
        self._given: list[tuple[int, int]] = []

    @property
    def text(self) -> str:
        """The plain text."""
        return self._text

    @property
    def mask(self) -> bytes:
        """The mask of the plain text (see `candidates`), made on first use."""
        if self._mask is None:
            self._mask = mask(self._text)
        return self._mask

    def spell(self, text: str) -> None:
        """Use `text` as the plain text: it has the same length, with other letters."""
        self._text, self._mask = text, None

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return the original place of the characters `start` to `end` of the plain text."""
        if not self._plain:
            return start, end
        return self._start(start), self._end(end)

    def plain(self, position: int) -> int:
        """Return the place in the plain text of the character at `position` of the given text."""
        index = bisect_right(self._given, (position, 1 << 60)) - 1
        if index < 0:
            return position
        left, right = self._given[index]
        return self._plain[index][0] if left <= position < right else position - right + self._plain[index][1]

    def _start(self, position: int) -> int:
        index = bisect_right(self._plain, (position, 1 << 60)) - 1
        if index < 0:
            return position
        left, right = self._plain[index]
        if left <= position < right:
            return self._given[index][0]
        return position - right + self._given[index][1]

    def _end(self, position: int) -> int:
        index = bisect_left(self._plain, (position, -1)) - 1
        if index < 0:
            return position
        left, right = self._plain[index]
        if left < position <= right:
            return self._given[index][1]
        return position - right + self._given[index][1]


def normalise(text: str) -> Normal:
    """Return the plain form of `text`. Costs almost nothing if there is nothing to undo."""
    normal = Normal(text)
    if _has_markup(text):
        normal = _rewrite(normal, _markup(normal))
    if not normal.text.isascii():
        normal.asides.extend(unseen.hidden(text))
        if unseen.NUMBER_SIGN in normal.text:
            normal = _rewrite(normal, unseen.braille(normal.text))
        if "\u202e" in normal.text:
            normal = _rewrite(normal, _overrides(normal.text))
        normal = _rewrite(normal, _characters(normal.text))
        if _FOREIGN.search(normal.text):
            normal.spell(_FOREIGN_WORD.sub(_latin, normal.text))
    elif CONTROL in normal.mask:
        normal = _rewrite(normal, _characters(normal.text))
    return normal


def _has_markup(text: str) -> bool:
    """Whether there is any markup to undo; no search runs if its first character does not occur."""
    return (
        ("<" in text and _SOME_TAG.search(text) is not None)
        or ("&" in text and _SOME_ENTITY.search(text) is not None)
        or ("%" in text and _SOME_PERCENT.search(text) is not None)
        or ("\\" in text and _SOME_ESCAPE.search(text) is not None)
        or ("=" in text and _SOME_QUOTED.search(text) is not None)
    )


# A change: the span of text from start to end, and its replacement.
Change = tuple[int, int, str]


def _rewrite(before: Normal, changes: Iterator[Change]) -> Normal:
    """Make `changes`, which are in order. Places in the result refer to the text from which `before` was made."""
    text = before.text
    pieces: list[str] = []
    made: list[tuple[int, int, int, int]] = []
    most = FREE_CHANGES + len(text) // CHARACTERS_A_CHANGE
    last = length = 0
    limited = before.limited
    for start, end, plain in changes:
        pieces.append(text[last:start])
        pieces.append(plain)
        length += start - last
        made.append((length, length + len(plain), start, end))
        length += len(plain)
        last = end
        if len(made) >= most:
            limited = True
            break
    if not made:
        return before
    pieces.append(text[last:])
    after = Normal("".join(pieces), before, limited)
    if before._plain:
        _compose(before, made, after)
    else:
        after._plain = [(left, right) for left, right, _, _ in made]
        after._given = [(left, right) for _, _, left, right in made]
    return after


def _characters(text: str) -> Iterator[Change]:
    """Yield the characters that have a simpler form, one by one, and invisible ones in runs."""
    for run in _BEYOND_ASCII.finditer(text):
        if _PLAIN.keys().isdisjoint(run[0]):
            continue
        start, hidden = run.start(), -1
        for position, character in enumerate(run[0], start):
            plain = _PLAIN.get(character)
            if plain == "":
                hidden = position if hidden < 0 else hidden
                continue
            if hidden >= 0:
                yield hidden, position, ""
                hidden = -1
            if plain is not None:
                yield position, position + 1, plain
        if hidden >= 0:
            yield hidden, run.end(), ""


def _overrides(text: str) -> Iterator[Change]:
    """Yield text with a forced right-to-left order, in the order in which a reader sees it."""
    for found in _OVERRIDE.finditer(text):
        yield found.start(), found.end(), found["reversed"][::-1]


def _markup(normal: Normal) -> Iterator[Change]:
    """Yield tags, entities and escapes with their plain form."""
    for found in _MARKUP.finditer(normal.text):
        plain = _undo(found, normal.asides)
        if plain is not None:
            yield found.start(), found.end(), plain


def _compose(before: Normal, made: list[tuple[int, int, int, int]], after: Normal) -> None:
    """Combine two layers of changes: `made` on the text of `before`, and those that `before` contains."""
    shift = 0
    older = 0
    merged: list[tuple[tuple[int, int], tuple[int, int]]] = []
    for left, right, start, end in made:
        while older < len(before._plain) and before._plain[older][1] <= start:
            plain = before._plain[older]
            merged.append(((plain[0] + shift, plain[1] + shift), before._given[older]))
            older += 1
        while older < len(before._plain) and before._plain[older][0] < end:
            older += 1
        merged.append(((left, right), (before._start(start), before._end(end))))
        shift = right - end
    for plain, given in zip(before._plain[older:], before._given[older:], strict=True):
        merged.append(((plain[0] + shift, plain[1] + shift), given))
    after._plain = [plain for plain, _ in merged]
    after._given = [given for _, given in merged]


def _undo(found: re.Match[str], asides: list[tuple[int, str]]) -> str | None:
    """Return the plain form of a piece of markup, or None to keep it. Attributes of tags are added to `asides`."""
    kind, raw = found.lastgroup, found[0]
    if kind == "soft":
        return ""
    if kind == "tags":
        if "=" in raw or "@" in raw or _NUMBER.search(raw):
            asides.append((found.start(), raw))
        name = _field(found)
        if name:
            return f"\n{name}: "
        return "\n" if _BLOCK.search(raw, 0, _ENOUGH) else "\t" if _CELL.search(raw, 0, _ENOUGH) else ""
    if kind == "entity":
        plain = html.unescape(raw)
        return "".join(_PLAIN.get(character, character) for character in plain) if plain != raw else None
    if kind == "escape":
        codes = [int(code[0], 16) for code in _HEX.finditer(raw.replace("\\u", " ").replace("\\x", " "))]
        return "".join(chr(code) for code in codes if code < 0x110000 and not 0xD800 <= code < 0xE000)
    if kind in ("control", "end"):
        return "\n" if _LINE_ENDS.search(raw) else "\t"
    escaped = bytes.fromhex(raw.replace("%", "").replace("=", ""))
    try:
        return escaped.decode("utf-8")
    except UnicodeDecodeError:
        # A few escapes are separators between numbers.
        return escaped.decode("utf-8", "replace") if len(escaped) >= _MANY_ESCAPES else None


def _field(found: re.Match[str]) -> str:
    """Return the name of the element that the last tag of a run opens, if the name can label the value after it.

    Tags within a word are not fields, whatever their names: they hide the word.
    """
    text, start, end = found.string, found.start(), found.end()
    if not text[end : end + 1].isalnum() or (start and text[start - 1].isalnum() and text[start + 1] != "/"):
        return ""
    element = _ELEMENT.search(text, max(start, end - _ENOUGH), end)
    return element[1] if element is not None and element[1].lower() not in _HTML else ""


def _latin(found: re.Match[str]) -> str:
    """Return a word in Latin letters if it is obfuscated: mixed with Latin or digits, or short capitals."""
    word = found[0]
    latin = word.translate(LOOKALIKES)
    if latin.isascii() and (_mixed(word) or (latin.isupper() and len(latin) <= 6)):
        return latin
    return word


def _mixed(word: str) -> bool:
    return any(character.isascii() for character in word)
