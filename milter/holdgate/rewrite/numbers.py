"""Finds known numbers, also those grouped differently or written in the digits of another script."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from string import punctuation

# Shorter numbers occur by chance.
SHORTEST = 9
# Spaces, punctuation, and invisible characters: soft hyphen, zero width, marks of direction.
_BETWEEN = rf"[ \xa0\xad\u2000-\u2015\u2019\u202a-\u202f\u2060\ufeff\t\r\n{re.escape(punctuation)}]"
_RUN = re.compile(rf"\d(?:{_BETWEEN}{{0,3}}\d){{{SHORTEST - 1},}}")
_ONLY_NUMBER = re.compile(rf"(?:\d|{_BETWEEN})+")


def digits_of(values: Iterable[str]) -> list[str]:
    """Return the digits of those values that are numbers of at least `SHORTEST` digits, longest first."""
    numbers = {ascii_digits(value) for value in values if _ONLY_NUMBER.fullmatch(value)}
    return sorted((one for one in numbers if len(one) >= SHORTEST), key=lambda one: (-len(one), one))


def spelled(text: str, numbers: Collection[str]) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each occurrence of these numbers in a text."""
    for run in _RUN.finditer(text) if numbers else ():
        places = [place for place in range(run.start(), run.end()) if text[place].isdecimal()]
        digits = ascii_digits(run[0])
        for number in numbers:
            at = digits.find(number)
            while at >= 0:
                yield places[at], places[at + len(number) - 1] + 1
                at = digits.find(number, at + 1)


def united(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans in order, with overlapping ones merged."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def ascii_digits(text: str) -> str:
    """Return the digits of a text, of any script, as ASCII digits."""
    return "".join(str(unicodedata.decimal(one)) for one in text if one.isdecimal())
