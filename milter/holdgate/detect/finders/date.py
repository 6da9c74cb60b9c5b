"""Calendar dates from 1900 on, in figures or with the month's name, for what a keyword makes a date of birth."""

import datetime
import re
from collections.abc import Iterator
from typing import Final

from holdgate.detect.finders.finder import Dictionaries, Place, Text

# The searches begin with the last digit of the first number; `_number_start` finds its first.
_FIGURES: Final = re.compile(rb"0([./\-]) ?0{1,2}\1 ?0{2,4}(?![0Aa]|[\-/]0)")
_DAY_FIRST: Final = re.compile(rb"0(?:aa|\.)?(?: aa)?[ \-][Aa]{3,10}\.?(?: aa)?,?[ \-]00(?:00)?(?![0Aa])")
_MONTH_FIRST: Final = re.compile(rb" 00?(?:aa)?,? 0000(?![0Aa])")
_MONTH_BEFORE: Final = re.compile(r"([^\W\d_]{3,10})\.?\Z")
_NUMBER: Final = re.compile(r"\d+")
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_MONTHS: Final = {
    name: month
    for names in (
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "january february march april may june july august september october november december",
        "januar februar märz april mai juni juli august september oktober november dezember",
        "jänner februar mär apr mai jun jul aug sept okt nov dez",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "januari februari maart april mei juni juli augustus september oktober november december",
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
        "januari februari mars april maj juni juli augusti september oktober november december",
    )
    for month, name in enumerate(names.split(), 1)
}


def find(text: Text, _: Dictionaries) -> Iterator[Place]:
    """Yield each date; its value is in ISO 8601. Of day and month, either may come first in figures."""
    mask = text.mask
    for found in _FIGURES.finditer(mask):
        start, end = _number_start(mask, found.start()), found.end()
        if start < 0:
            continue
        raw = text.text[start:end].replace(" ", "")
        value = _figures(*map(int, raw.split(found[1].decode())))
        if value:
            yield Place(start, end, value)
    for found in _DAY_FIRST.finditer(mask):
        start, end = _number_start(mask, found.start()), found.end()
        raw = text.text[start:end]
        month = next((_MONTHS[word] for word in _WORD.findall(raw.lower()) if word in _MONTHS), 0)
        numbers = [int(number) for number in _NUMBER.findall(raw)]
        value = _date(_year(numbers[1]), month, numbers[0]) if start >= 0 and month and len(numbers) == 2 else ""
        if value:
            yield Place(start, end, value)
    for found in _MONTH_FIRST.finditer(mask):
        word = _MONTH_BEFORE.search(text.text, max(0, found.start() - 12), found.start())
        month = _MONTHS.get(word[1].lower(), 0) if word else 0
        numbers = [int(number) for number in _NUMBER.findall(text.text[found.start() : found.end()])]
        value = _date(numbers[1], month, numbers[0]) if month else ""
        if value and word:
            yield Place(word.start(), found.end(), value)


def _number_start(mask: bytes, last: int) -> int:
    """Return where the number begins that ends at `last`; -1 where it is longer than a year or part of something."""
    start = last
    while start and mask[start - 1] == 48 and last - start < 4:
        start -= 1
    if last - start > 3 or (start and mask[start - 1] in b"0Aa.-/"):
        return -1
    return start


def _figures(first: int, second: int, third: int) -> str:
    if first > 31:
        return _date(first, second, third)
    return _date(_year(third), second, first) or _date(_year(third), first, second)


def _year(year: int) -> int:
    """Complete a year of two digits to one that is past."""
    if year >= 100:
        return year
    return year + (2000 if year <= datetime.date.today().year % 100 else 1900)


def _date(year: int, month: int, day: int) -> str:
    if not 1900 <= year <= datetime.date.today().year:
        return ""
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        return ""
