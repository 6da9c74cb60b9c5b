"""Names of persons: a first name of the dictionary beside a surname of the dictionary, both capitalised.

A weak sign by itself: a third of all words are somebody's surname. It counts in combination with other data.
"""

import re
from collections.abc import Iterator
from typing import Final

from holdgate.detect.finders.finder import Dictionaries, Place, Text

_PAIR: Final = re.compile(rb"A[Aa'\-]{1,24}(?: A\.?)?(?: a{2,3})? A[Aa'\-]{1,24}")
_REVERSED: Final = re.compile(rb"A[Aa'\-]{1,24}, A[Aa'\-]{1,24}")
_NONE: frozenset[str] = frozenset()


def find(text: Text, dictionaries: Dictionaries) -> Iterator[Place]:
    """Yield each "First Last", "First M. Last", "First van Last" and "Last, First"."""
    first_names = dictionaries.get("first-names", _NONE)
    surnames = dictionaries.get("surnames", _NONE)
    neither = dictionaries.get("not-names", _NONE)
    mask = text.mask
    position = 0
    while (found := _PAIR.search(mask, position)) is not None:
        start, end = found.span()
        position = mask.index(b" ", start)
        first = text.text[start:position].lower()
        if first in first_names or _known(first, first_names):
            last = text.text[mask.rindex(b" ", start, end) + 1 : end].lower()
            if _known(last, surnames) and first not in neither and last not in neither:
                yield Place(start, end, f"{first} {last}")
                position = end
    for found in _REVERSED.finditer(mask):
        start, end = found.span()
        last, _, first = text.text[start:end].lower().partition(", ")
        if first in first_names and last in surnames and first not in neither and last not in neither:
            yield Place(start, end, f"{first} {last}")


def _known(word: str, names: frozenset[str]) -> bool:
    return word in names or ("-" in word and all(part in names for part in word.split("-")))
