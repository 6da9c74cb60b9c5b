"""Figures that are common in mail: dates, times, web addresses, dumps, coordinates. They hide no values.

The search for obfuscated numbers joins groups of digits; two dates or the parameters of an address could join into a
card number. So these figures are removed from the text before that.
"""

import re
from typing import Final

# No part of a value extends over this character.
BARRIER: Final = "\x00"
_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_TIME: Final = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,6})?)?"
_DECIMALS: Final = r"(?<![\d.])[+-]?\d{1,3}\.\d{3,}°?(?: ?[NSEW]\b)?[,; ]{1,3}[+-]?\d{1,3}\.\d{3,}"
_DEGREES: Final = re.compile(_DECIMALS)
_PAIR_REACH: Final = 24
# All begin with a digit, so none is tried in a text without digits.
_PLAIN: Final = re.compile(
    r"(?=\d)(?<![\d.\-/:])(?:"
    # A time of day (not a longer number in groups), with the year that mail programs and ctime(3) put after it.
    rf"{_TIME}(?![\d:])"
    r"(?: (?:[AaPp]\.?[Mm]\.?)?(?: ?[A-Z]{3,4})?(?: ?[+-]\d{4})?(?: ?(?:19|20)\d\d(?!\d))?)?"
    # A date in figures.
    r"|(?:\d{4}(?P<one>[./\-])\d{1,2}(?P=one)\d{1,2}|\d{1,2}(?P<two>[./\-])\d{1,2}(?P=two)(?:\d{4}|\d\d))(?!\d|[./\-]\d)"
    # A date with the month's name before it or inside.
    rf"|(?<=[a-z.] )\d{{1,2}}(?:st|nd|rd|th)?(?!\d)(?:,? {_TIME})?,? (?:19|20)\d\d(?!\d)"
    r"|\d{1,2}[. ]{1,2}[A-Z][a-z]{2,8}\.?,? (?:19|20)\d\d(?!\d)"
    # A date-time group of telegrams.
    r"|\d{6}Z\b(?: [A-Za-z]{3}(?: \d\d)?)?"
    # An IPv4 address.
    rf"|{_OCTET}(?:\.{_OCTET}){{3}}(?![\d.])"
    # A postcode of the United States with its four additional digits.
    r"|\d{5}-\d{4}(?![\d\-])"
    # Degrees, in decimals or with minutes and seconds.
    rf"|{_DECIMALS}"
    r"|\d{1,3}°\s?\d{1,2}(?:[.,]\d+)?['′’]?(?:\s?\d{1,2}(?:[.,]\d+)?[\"″”])?"
    # An amount of money.
    r"|(?:(?<=[$€£])|(?<=[$€£] ))\d[\d.,]*\d"
    # A memory word.
    r"|0x[0-9A-Fa-f]{4,16}\b"
    r")"
)
# Keywords of version control systems.
_REVISION: Final = re.compile(r"\$(?:Id|Revision|Header|Date)[:$][^\n]*")
# A network card's address: two or more colons or hyphens.
_CARD: Final = re.compile(r"\b(?=[0-9:\-]{0,40}[a-fA-F])[0-9A-Fa-f]{2}(?:[:\-][0-9A-Fa-f]{2}){5,}\b")
_LEAST_SIGNS: Final = 5
# Processor registers and memory dumps, with signs that show that they may occur.
_REGISTERS: Final = re.compile(
    r"\b(?i:[er]?[abcd]x|[er]?(?:si|di|bp|sp|ip)|r\d{1,2}|cr\d|[cdefgs]s|e?flags|pc|lr)\s?[:=]\s?(?:0x)?[0-9A-Fa-f]{4,16}\b"
)
_REGISTER_SIGNS: Final = ("ax:", "ax=", "AX:", "AX=", "sp:", "ip:", "SP:", "IP:", "s: 0", "S: 0", "r0", "R0")
_MEMORY: Final = re.compile(r"^(?:>|[^\S\n])*+[0-9A-Fa-f]{4,16}:?\s+(?:[0-9A-Fa-f]{2}[ \-]){4,}[^\n]*", re.MULTILINE)
# Points of an image map: pairs of numbers, not in groups of four as cards and accounts are, nor with commas between
# thousands, as a sheet may show a long number.
_POINTS: Final = re.compile(r"(?<![\w,])\d{1,4}(?:,\d{1,4}){3}(?:,\d{1,4},\d{1,4})*(?![\d,])")
_URL: Final = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.\-]{1,15}://[^\s<>\"]+|\bwww\.[^\s<>\"]+")
_PARTS: Final = str.maketrans(dict.fromkeys("/?&=#;:@", BARRIER))


def without(text: str) -> str:
    """Return `text` with WALLs in place of such figures, and between the parts of web addresses; its length is kept."""
    if "$" in text:
        text = _REVISION.sub(_wall, text)
    if text.count(":") >= _LEAST_SIGNS or text.count("-") >= _LEAST_SIGNS:
        text = _CARD.sub(_wall, text)
    if any(sign in text for sign in _REGISTER_SIGNS):
        text = _REGISTERS.sub(_wall, text)
    text = _PLAIN.sub(_wall, _MEMORY.sub(_wall, text))
    if "," in text:
        text = _POINTS.sub(_points, text)
    if "//" in text or "www." in text:
        text = _URL.sub(lambda url: url[0].translate(_PARTS), text)
    return text


def is_coordinate(text: str, start: int, end: int) -> bool:
    """Whether the text from `start` to `end` is one of two coordinates in decimal degrees."""
    left = max(0, start - _PAIR_REACH)
    return any(
        left + pair.start() <= start and end <= left + pair.end()
        for pair in _DEGREES.finditer(text[left : end + _PAIR_REACH])
    )


def _wall(found: re.Match[str]) -> str:
    return BARRIER * len(found[0])


def _points(found: re.Match[str]) -> str:
    first, *rest = [len(number) for number in found[0].split(",")]
    grouped = {first, *rest[:-1]} == {4}
    thousands = first < 3 and set(rest) == {3}
    return found[0] if grouped or thousands else BARRIER * len(found[0])
