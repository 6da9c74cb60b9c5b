"""Names of persons and organisations: capitalised words that a model judges by what they are and where they stand.

Also a surname of the dictionary, a comma and a first name of the dictionary, as lists have them. A weak sign by itself;
it counts in combination with other data.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from holdgate.detect import lexicon, naming
from holdgate.detect.finders.finder import Dictionaries, Place, Text
from holdgate.detect.lexicon import Lexicon, Names
from holdgate.detect.naming import Name

_REVERSED: Final = re.compile(rb"A[Aa'\-]{1,24}, A[Aa'\-]{1,24}")
_NONE: frozenset[str] = frozenset()
# Read here, since what searches a text may open no files.
_MODEL: Final = naming.shipped()
_TABLE: Final = lexicon.shipped()
# Two identifiers ask for the names of a piece of text, one after the other; longer texts are not kept.
_SHORT: Final = 4_000


def find(text: Text, dictionaries: Dictionaries) -> Iterator[Place]:
    """Yield each name of a person; its value is in lower case, the first name first."""
    names = _names(dictionaries)
    for start, end, label in _named(text, dictionaries):
        if label == naming.PERSON:
            yield Place(start, end, " ".join(text.text[start:end].lower().split()))
    for found in _REVERSED.finditer(text.mask):
        start, end = found.span()
        last, _, first = text.text[start:end].lower().partition(", ")
        if first in names.first and last in names.surnames and first not in names.neither and last not in names.neither:
            yield Place(start, end, f"{first} {last}")


def find_organisation(text: Text, dictionaries: Dictionaries) -> Iterator[Place]:
    """Yield each name of an organisation; its value is in lower case."""
    for start, end, label in _named(text, dictionaries):
        if label == naming.ORGANISATION:
            yield Place(start, end, " ".join(text.text[start:end].lower().split()))


def _names(dictionaries: Dictionaries) -> Names:
    return Names(*(dictionaries.get(name, _NONE) for name in ("first-names", "surnames", "not-names")))


def _named(text: Text, dictionaries: Dictionaries) -> Sequence[Name]:
    known = _lexicon(_names(dictionaries))
    if len(text.text) <= _SHORT:
        return _few(text.text, text.mask, known)
    return list(naming.named(text.text, text.mask, known, _MODEL))


@lru_cache(maxsize=64)
def _few(text: str, mask: bytes, known: Lexicon) -> Sequence[Name]:
    return list(naming.named(text, mask, known, _MODEL))


@lru_cache(maxsize=4)
def _lexicon(names: Names) -> Lexicon:
    return Lexicon(names, _TABLE)
