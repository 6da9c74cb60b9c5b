"""Names of persons: capitalised words that a model judges by what they are and what stands beside them (`persons.py`).

Also a surname of the dictionary, a comma and a first name of the dictionary, as lists have them. A weak sign by itself;
it counts in combination with other data.
"""

import re
from collections.abc import Iterator
from typing import Final

from holdgate.detect.finders.finder import Dictionaries, Place, Text
from holdgate.detect.persons import Names, persons, shipped

_REVERSED: Final = re.compile(rb"A[Aa'\-]{1,24}, A[Aa'\-]{1,24}")
_NONE: frozenset[str] = frozenset()
# Read here, since what searches a text may open no files.
_MODEL: Final = shipped()


def find(text: Text, dictionaries: Dictionaries) -> Iterator[Place]:
    """Yield each name; its value is in lower case, the first name first."""
    names = Names(*(dictionaries.get(name, _NONE) for name in ("first-names", "surnames", "not-names")))
    for start, end in persons(text.text, text.mask, names, _MODEL):
        yield Place(start, end, " ".join(text.text[start:end].lower().split()))
    for found in _REVERSED.finditer(text.mask):
        start, end = found.span()
        last, _, first = text.text[start:end].lower().partition(", ")
        if first in names.first and last in names.surnames and first not in names.neither and last not in names.neither:
            yield Place(start, end, f"{first} {last}")
