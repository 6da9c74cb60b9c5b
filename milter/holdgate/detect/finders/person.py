"""Names of persons and organisations: capitalised words that a model classifies by the words and their context.

Also a surname of the dictionary, a comma and a first name of the dictionary, as in lists. Alone it is weak evidence; it
counts in combination with other data.
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
# A name with one of these words is that of a program; one of _ACCOUNTS alone is a generic account, not a person.
_PROGRAMS: Final = frozenset(
    ("acrobat", "adobe", "distiller", "ghostscript", "indesign", "libreoffice", "macintosh", "microsoft", "openoffice",
     "pdfcreator", "photoshop", "powerpoint", "quartz", "windows", "wordperfect")
)  # fmt: skip
_ACCOUNTS: Final = frozenset(("admin", "administrator", "default", "guest", "owner", "root", "unknown", "user"))
# Parts of the names of companies, mostly legal forms, which alone are not names.
_FORMS: Final = frozenset(
    ("ag", "bv", "company", "corp", "corporation", "gmbh", "inc", "kg", "limited", "llc", "llp", "ltd", "nv",
     "organisation", "organization", "plc", "sa", "sarl", "sas", "spa", "srl")
)  # fmt: skip
# Read here, because a searching process cannot open files.
_MODEL: Final = naming.shipped()
_TABLE: Final = lexicon.shipped()
# Two identifiers need the names of the same text, one after the other. Only one longer text is cached, and none of
# the longest.
_SHORT: Final = 4_000
_LONG: Final = 1_000_000


def find(text: Text, dictionaries: Dictionaries) -> Iterator[Place]:
    """Yield each name of a person; its value is in lower case, the first name first."""
    names = _names(dictionaries)
    for start, end, label in _named(text, dictionaries):
        if label == naming.PERSON:
            words = text.text[start:end].lower().split()
            if _PROGRAMS.isdisjoint(words) and not _ACCOUNTS.issuperset(words):
                yield Place(start, end, " ".join(words))
    for found in _REVERSED.finditer(text.mask):
        start, end = found.span()
        last, _, first = text.text[start:end].lower().partition(", ")
        if first in names.first and last in names.surnames and first not in names.neither and last not in names.neither:
            yield Place(start, end, f"{first} {last}")


def find_organisation(text: Text, dictionaries: Dictionaries) -> Iterator[Place]:
    """Yield each name of an organisation; its value is in lower case."""
    for start, end, label in _named(text, dictionaries):
        if label == naming.ORGANISATION:
            words = text.text[start:end].lower().split()
            if not _FORMS.issuperset(words):
                yield Place(start, end, " ".join(words))


def _names(dictionaries: Dictionaries) -> Names:
    return Names(*(dictionaries.get(name, _NONE) for name in ("first-names", "surnames", "not-names")))


def _named(text: Text, dictionaries: Dictionaries) -> Sequence[Name]:
    known = _lexicon(_names(dictionaries))
    if len(text.text) <= _SHORT:
        return _few(text.text, text.mask, known)
    if len(text.text) <= _LONG:
        return _one(text.text, text.mask, known)
    return list(naming.named(text.text, text.mask, known, _MODEL))


@lru_cache(maxsize=64)
def _few(text: str, mask: bytes, known: Lexicon) -> Sequence[Name]:
    return list(naming.named(text, mask, known, _MODEL))


@lru_cache(maxsize=1)
def _one(text: str, mask: bytes, known: Lexicon) -> Sequence[Name]:
    return list(naming.named(text, mask, known, _MODEL))


@lru_cache(maxsize=4)
def _lexicon(names: Names) -> Lexicon:
    return Lexicon(names, _TABLE)
