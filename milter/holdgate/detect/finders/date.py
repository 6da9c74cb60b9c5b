"""Calendar dates from 1900 on, in figures or with the month's name, for what a keyword makes a date of birth."""

import datetime
import re
from collections.abc import Iterator

from holdgate.detect.finders.finder import Dictionaries, Place, Text

_FIGURES = re.compile(rb"(?<![0Aa.\-/])0{1,4}([./\-]) ?0{1,2}\1 ?0{2,4}(?![0Aa]|[\-/]0)")
_DAY_FIRST = re.compile(rb"(?<![0Aa])0{1,2}(?:aa|\.)?(?: aa)?[ \-][Aa]{3,10}\.?(?: aa)?,?[ \-]00(?:00)?(?![0Aa])")
_MONTH_FIRST = re.compile(rb"A[Aa]{2,9}\.? 0{1,2}(?:aa)?,? 0000(?![0Aa])")
_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]{3,}")
_MONTHS = {
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
    for found in _FIGURES.finditer(text.mask):
        numbers = [
            int(number) for number in text.text[found.start() : found.end()].replace(" ", "").split(found[1].decode())
        ]
        value = _figures(*numbers)
        if value:
            yield Place(found.start(), found.end(), value)
    for pattern in (_DAY_FIRST, _MONTH_FIRST):
        for found in pattern.finditer(text.mask):
            raw = text.text[found.start() : found.end()]
            month = next((_MONTHS[word] for word in _WORD.findall(raw.lower()) if word in _MONTHS), 0)
            numbers = [int(number) for number in _NUMBER.findall(raw)]
            value = _date(_year(numbers[1]), month, numbers[0]) if month and len(numbers) == 2 else ""
            if value:
                yield Place(found.start(), found.end(), value)


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
