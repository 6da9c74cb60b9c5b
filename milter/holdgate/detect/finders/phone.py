"""Telephone numbers that need no keyword: with a country code after "+", or with an area code in parentheses.

Other groupings are forms in rules/identifiers/phone-number.toml, because they need a keyword.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import phonenumbers

from holdgate.detect.finders.finder import Dictionaries, Place, Text

_INTERNATIONAL: Final = re.compile(rb"\+\(?0[0 ().\-/]{6,24}")
_AREA: Final = re.compile(rb"\(\+?0{2,5}\)[ \-/.]{0,2}0[0 .\-/]{4,16}")
_AREA_BEFORE: Final = re.compile(r"(?:\+?1[ .\-]?|0)\Z")
# A national prefix in parentheses after the country code, if that is dialled with 00: "0044 (0)20 …".
_TRUNK: Final = re.compile(rb"\(0\)[0 .\-/]{6,20}")
_DIALLED: Final = re.compile(r"(?<![\w+(])00 ?[1-9]\d{0,2} ?\Z")
_EXTENSION: Final = re.compile(r" ?(?:x|ext\.?|extension) ?\d{1,6}(?!\d)", re.IGNORECASE)
_NOT_DIGITS: Final = re.compile(r"\D+")
_TRAILING: Final = " ().-/"


def find(text: Text, _: Dictionaries) -> Iterator[Place]:
    """Yield each such number, with its extension."""
    # Searching for a byte is many times faster than searching for a pattern.
    mask = text.mask
    for found in _INTERNATIONAL.finditer(mask) if b"+" in mask else ():
        place = _place(text.text, found.start(), found.end(), international=True)
        if place is not None:
            yield place
    for found in _AREA.finditer(mask) if b"(" in mask and (b"(0" in mask or b"(+0" in mask) else ():
        start = found.start()
        if start and text.text[start - 1] == "+":
            continue
        before = _AREA_BEFORE.search(text.text, max(0, start - 3), start)
        place = _place(text.text, before.start() if before else start, found.end(), international=False)
        if place is not None:
            yield place
    for found in _TRUNK.finditer(mask) if b"(0)" in mask else ():
        before = _DIALLED.search(text.text, max(0, found.start() - 8), found.start())
        if before is None or not text.text.startswith("(0)", found.start()):
            continue
        place = _place(text.text, before.start(), found.end(), international=True)
        if place is not None:
            yield place


def _place(text: str, start: int, end: int, international: bool) -> Place | None:
    """Reduce a candidate to the digits that belong to one number, and evaluate it."""
    raw = text[start:end].rstrip(_TRAILING)
    end = start + len(raw)
    if end < len(text) and (text[end].isalnum() or text[end] in "@_") and not _EXTENSION.match(text, end):
        return None
    if start and (text[start - 1].isalnum() or text[start - 1] in "+_@"):
        return None
    digits = _digits(raw)
    if international:
        while not possible(digits):
            shorter = raw.rstrip("0123456789").rstrip(_TRAILING)
            if len(shorter) < 8 or shorter == raw:
                return None
            raw, digits = shorter, _digits(shorter)
        end = start + len(raw)
    elif not 8 <= len(digits) <= 12:
        return None
    extension = _EXTENSION.match(text, end)
    return Place(start, extension.end() if extension else end, digits)


def _digits(raw: str) -> str:
    """Return the digits of a number as dialled from abroad, after "+"."""
    return _NOT_DIGITS.sub("", raw.replace("(0)", "")).removeprefix("00")


@lru_cache(maxsize=4096)
def possible(digits: str) -> bool:
    """Whether some country's numbering plan (ITU-T E.164) has a number of these digits, which begin with its code."""
    try:
        number = phonenumbers.parse("+" + digits, None)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_possible_number(number))
