"""Postal addresses of some thirty countries: a street with a number, and a postcode in its place (`streets.py`).

A street and a number occur in every text. With a postcode and a town they make an address, and so they do with a known
town directly behind them; with a keyword, they do alone.
"""

import re
from collections.abc import Iterator
from typing import Final

from holdgate.detect.finders.finder import (
    BROKEN_CODE,
    FIVE_DIGITS,
    FOUR_DIGITS,
    LETTER_CODE,
    OUTCODE,
    SIX_DIGITS,
    Dictionaries,
    Place,
    Text,
)
from holdgate.detect.finders.streets import ALONE, LAST, TURNED, WHOLE
from holdgate.detect.lexicon import PLACE, shipped, without_accents

# Where a postcode can be; the address is then searched for in the characters before it and a few after it. All begin
# with digits, which are found quickly, and look back.
_ENDS: Final = (
    (FIVE_DIGITS, re.compile(rb"00000(?<![0Aa]00000)(?:,?[ \n][A?]|(?![0Aa])(?<=[Aa?.,][ \n]00000))")),
    (OUTCODE, re.compile(rb"0AA(?:(?<=A.0AA)|(?<=A..0AA)|(?<=A...0AA))(?![0Aa])")),
    (
        BROKEN_CODE,
        re.compile(
            rb"00(?:-000|0-000|00-000|000-?000|0 00)(?<!0000 00)(?![0Aa])"
            rb"(?:,?[ \n][A?]|(?<=A, 00000-000)|(?<=[A:?] 00000-000))"
        ),
    ),
    (
        LETTER_CODE,
        re.compile(
            rb"0A ?0A0(?:(?<=A0A0A0)|(?<=A0A 0A0))(?![0Aa])|0000 ?AA,?[ \n](?=[A?])"
            rb"|0000AAA(?<=[ \n]A0000AAA),?[ \n](?=[A?])"
        ),
    ),
    (
        FOUR_DIGITS,
        re.compile(
            rb"0000(?<![0Aa\-./:]0000)(?:,?[ \n][A?](?:(?<=[,>\-]..0000,.)|(?<=[,>\-] 0000..)|(?<=[0a]\n0000..)"
            rb"|(?<=,\n0000..)|(?<=> 0000..)|(?<=, 0000,..))|(?=[\n.,;)]|\Z)(?<=[Aa?,] 0000))"
            rb"|0000(?<=A-0000),? [A?]|0000(?<=[ \n]A0000),?[ \n][A?]"
        ),
    ),
    (
        SIX_DIGITS,
        re.compile(
            rb"000 ?000(?<![0Aa]000000)(?<![0Aa]000 000)(?![0Aa])"
            rb"(?: [A?]|(?<=[a?][ \-]000000)|(?<=[a?][ \-]000 000)|(?<=[,.][ \-]000000))"
        ),
    ),
)
_MONTH: Final = re.compile(
    r"\b(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|January|February|March|April|May|June|July|August|September"
    r"|October|November|December|Januar|Februar|März|Mai|Juni|Juli|Oktober|Dezember|maj|mars|avril|juin|mayo)"
    r"\.?(?: \d{1,2})?,?\s\Z",
    re.IGNORECASE,
)
# Words before a date that look like the first word of a street's name.
_NO_STREET: Final = ("On ", "From ", "Le ", "El ", "Il ", "Em ", "Op ", "Since ", "Until ")
_WORD: Final = b"Aa"
# A digit with which a number can end before a gap or a word, and a capital letter. "?" is one beyond Latin-1, perhaps.
_LAST_DIGIT: Final = re.compile(rb"0(?=[Aa]?[, \r\n])")
_CAPITAL: Final = re.compile(rb"[A?]")
_LONGEST_GAP: Final = 90
_BEFORE: Final = 150
_AFTER: Final = 50
_TURNED_AFTER: Final = 90
_SPACES: Final = re.compile(r"[\s,]+")
# What can be between a street and its town, directly behind the number or some words later: a line break, a comma, with
# a part of the building or of the town before it, or "in".
_UPPER: Final = "A-ZÀ-ÖØ-ÞŁŚŻŹĆŠŽČÅ"
_GAP: Final = rf"(?:,? ?\r?\n[>\t ]{{0,4}}|, | (?:in|a|à|te|em|en|w) )(?=[{_UPPER}])"
_NUMBER: Final = r"\d[A-Za-z]?(?:,? [^\W\d_][^\n\r\d,]{2,44}?)??"
_WITH_PART: Final = re.compile(rf"{_NUMBER}(, ?[^\n\r,]{{1,24}}?)({_GAP})")
_BEFORE_TOWN: Final = re.compile(rf"{_NUMBER}({_GAP})|(?={_WITH_PART.pattern})")
_TOWN: Final = re.compile(r"[^\W\d_][\w.'’\-]*(?: [^\W\d_][\w'’\-]*){0,3}")
# A part of an address begins with a capital letter, is a word for a part of a building, or has its number.
_PART: Final = re.compile(
    rf", ?(?:[{_UPPER}][^\d]*|[^\W\d_]{{3,12}}\.?(?: \w{{1,3}})?|\d{{1,2}}\.?[ºª°]? ?\w{{0,4}}\.?)"
)
_STREET: Final = 90
_LONGEST_TOWN: Final = 40
# Read here, because a searching process cannot open files.
_TABLE: Final = shipped()


def find(text: Text, _: Dictionaries) -> Iterator[Place]:
    """Yield each complete address; its value is in lower case with single spaces."""
    ends = sorted(code.span() for sign, pattern in _ENDS if text.signs & sign for code in pattern.finditer(text.mask))
    reach = 0
    for first, last in ends:
        if first < reach or _MONTH.search(text.text, max(0, first - 15), first):
            continue
        start = max(reach, first - _BEFORE)
        if _WORD not in text.mask[start : last + _AFTER]:
            continue
        span = _before(text.text[start : last + _AFTER], first - start)
        if span is None:
            start = first
            turned = TURNED.search(text.text[start : last + _TURNED_AFTER])
            span = turned.span(1) if turned is not None else None
        if span is not None:
            reach = start + span[1]
            yield Place(start + span[0], reach, _value(text.text[start + span[0] : reach]))


def find_street(text: Text, _: Dictionaries) -> Iterator[Place]:
    """Yield each street with a number, and the town after it if there is one."""
    for found in ALONE.finditer(text.text):
        start, end = found.span(1)
        if b"0" in text.mask[start:end]:
            yield Place(start, end, _value(found[1]))


def find_street_in_town(text: Text, _: Dictionaries) -> Iterator[Place]:
    """Yield each street with a number and a known town behind it; its value is in lower case with single spaces."""
    reach = 0
    for found in _before_towns(text):
        ends = [found.span(1)] if found[1] else []
        parted = _WITH_PART.match(text.text, found.start())
        if parted is not None:
            # The part is one of the building, or the name of the street behind its number.
            ends.append((parted.start(1 if _PART.fullmatch(parted[1]) else 2), parted.end()))
        for end, begin in ends:
            address = _street_in_town(text, reach, end, begin)
            if address is not None:
                reach = address.end
                yield address
                break


def _before_towns(text: Text) -> Iterator[re.Match[str]]:
    """Yield what `_BEFORE_TOWN.finditer` yields, which would try each character, by the places in the mask."""
    reach, capital = 0, -1
    for digit in _LAST_DIGIT.finditer(text.mask):
        place = digit.start()
        if place < reach:
            continue
        if capital <= place:
            following = _CAPITAL.search(text.mask, place)
            if following is None:
                return
            capital = following.start()
        if capital - place <= _LONGEST_GAP and (found := _BEFORE_TOWN.match(text.text, place)) is not None:
            reach = found.end()
            yield found


def _street_in_town(text: Text, least: int, end: int, begin: int) -> Place | None:
    """Return the address of a street that ends at `end` and a known town that begins at `begin`, if they are there."""
    behind = _town_end(text.text, begin)
    start = max(least, end - _STREET)
    street = LAST.search(text.text[start:end]) if behind else None
    if street is None or _is_town(street[1].rstrip("0123456789 ").lower()):
        return None
    first = start + street.start(1)
    return Place(first, behind, _value(text.text[first:behind])) if b"0" in text.mask[first:end] else None


def _town_end(text: str, start: int) -> int:
    """Return the end of the known town that begins here, 0 if there is none."""
    found = _TOWN.match(text, start, start + _LONGEST_TOWN)
    words = found[0].split(" ") if found is not None else []
    for count in range(len(words), 0, -1):
        name = " ".join(words[:count])
        if _is_town(name.rstrip(".").lower()):
            return start + len(name.rstrip("."))
    return 0


def _is_town(name: str) -> bool:
    """Whether a list has a town, with or without its accents."""
    if _TABLE.code(name) & PLACE:
        return True
    return not name.isascii() and bool(_TABLE.code(without_accents(name)) & PLACE)


def _before(window: str, code: int) -> tuple[int, int] | None:
    """Return the span of an address in a window that ends at or after its postcode, which is at `code`."""
    for found in WHOLE.finditer(window):
        start, end = found.span(1)
        if end > code + 2:
            return None if found[1].startswith(_NO_STREET) else (start, end)
    return None


def _value(written: str) -> str:
    return _SPACES.sub(" ", written.lower())
