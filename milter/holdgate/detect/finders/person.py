"""Names of persons and organisations: capitalised words that a model classifies by the words and their context.

Also a surname of the dictionary, a comma and a first name of the dictionary, as in lists. Alone it is weak evidence; it
counts in combination with other data.
"""

import bisect
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from holdgate.detect import lexicon, naming
from holdgate.detect.finders.finder import Dictionaries, Place, Text
from holdgate.detect.lexicon import Lexicon, Names
from holdgate.detect.naming import Name
from holdgate.detect.wordset import WordSet

_REVERSED: Final = re.compile(rb"A[Aa'\-]{1,24}, A[Aa'\-]{1,24}")
_NONE = WordSet(())
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
# A legal form at the end of a company's name, in the usual spellings; words before it are its name.
_FORM: Final = re.compile(
    r"(?<=[^\W_][ .]) ?(?:GmbH|mbH|AG|KG|OHG|UG|SE|Ltd|Limited|LLC|LLP|Inc|Corp|PLC|BV|B\.V|NV|N\.V|SARL|SAS|S\.A|SA"
    r"|SRL|S\.r\.l|SpA|S\.p\.A)(?!\w)"
)
_ARTICLES: Final = frozenset(("the", "our", "an", "der", "die", "das", "eine", "unsere", "la", "le", "una", "de"))
_TOKEN: Final = re.compile(r"[^\W\d_][\w'’\-]*")
_MOST_WORDS: Final = 4
_MOST_JOINT: Final = 3
_MOST_BEFORE: Final = 80
# Directly after a label, such as "SSN 536-90-4399" or "ICD: F32".
_LABELS_VALUE: Final = re.compile(r"(?: ?[:#=]|[ \t]+#?\d)")
# Names by the model, and places of names with a legal form.
_Found = tuple[Sequence[Name], Sequence[tuple[int, int]]]
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
    labelled, companies = _named(text, dictionaries)
    for start, end, label in labelled:
        if label == naming.PERSON and not _overlaps(start, end, companies):
            words = text.text[start:end].lower().split()
            if _PROGRAMS.isdisjoint(words) and not _ACCOUNTS.issuperset(words):
                yield Place(start, end, " ".join(words))
    for found in _REVERSED.finditer(text.mask):
        start, end = found.span()
        last, _, first = text.text[start:end].lower().partition(", ")
        if first in names.first and last in names.surnames and first not in names.neither and last not in names.neither:
            yield Place(start, end, f"{first} {last}")


def find_organisation(text: Text, dictionaries: Dictionaries) -> Iterator[Place]:
    """Yield each name of an organisation; its value is in lower case.

    What ends with a legal form is one whatever the model says, and one word directly before a value is its label.
    """
    labelled, companies = _named(text, dictionaries)
    found = [
        (start, end)
        for start, end, label in labelled
        if label == naming.ORGANISATION and not _overlaps(start, end, companies)
    ]
    for start, end in sorted((*found, *companies)):
        words = text.text[start:end].lower().split()
        is_label = len(words) == 1 and _LABELS_VALUE.match(text.text, end) is not None
        if not is_label and not _FORMS.issuperset(words):
            yield Place(start, end, " ".join(words))


def _companies(text: str) -> Sequence[tuple[int, int]]:
    """Return the places of names that end with a legal form, without an article before them, in order."""
    places: list[tuple[int, int]] = []
    for found in _FORM.finditer(text):
        start = _name_before(text, found.start(), places[-1][1] if places else 0)
        if start >= 0:
            places.append((start, found.end()))
    return places


def _name_before(text: str, end: int, least: int) -> int:
    """Return where the capitalised words begin that end at `end`, in the same line after `least`; -1 if none do."""
    # Not from the beginning of the line: in a line of megabytes, each form would search all of it.
    least = max(least, end - _MOST_BEFORE)
    least = max(least, text.rfind("\n", least, end) + 1)
    start, count = -1, 0
    for word in reversed(list(_TOKEN.finditer(text, least, end))):
        gap = text[word.end() : end if start < 0 else start]
        is_joined = gap.strip(" .") in ("", "&") and len(gap) <= _MOST_JOINT
        is_name = word[0][0].isupper() and word[0].lower() not in _ARTICLES
        if not is_joined or not is_name or count == _MOST_WORDS or (start >= 0 and "." in gap):
            break
        start, count = word.start(), count + 1
    return start


def _overlaps(start: int, end: int, places: Sequence[tuple[int, int]]) -> bool:
    at = bisect.bisect_left(places, (end, 0))
    return at > 0 and places[at - 1][1] > start


def _names(dictionaries: Dictionaries) -> Names:
    return Names(*(dictionaries.get(name, _NONE) for name in ("first-names", "surnames", "not-names")))


def _named(text: Text, dictionaries: Dictionaries) -> _Found:
    known = _lexicon(_names(dictionaries))
    if len(text.text) <= _SHORT:
        return _few(text.text, text.mask, known)
    if len(text.text) <= _LONG:
        return _one(text.text, text.mask, known)
    return _find_names(text.text, text.mask, known)


@lru_cache(maxsize=64)
def _few(text: str, mask: bytes, known: Lexicon) -> _Found:
    return _find_names(text, mask, known)


@lru_cache(maxsize=1)
def _one(text: str, mask: bytes, known: Lexicon) -> _Found:
    return _find_names(text, mask, known)


def _find_names(text: str, mask: bytes, known: Lexicon) -> _Found:
    return list(naming.named(text, mask, known, _MODEL)), _companies(text)


@lru_cache(maxsize=4)
def _lexicon(names: Names) -> Lexicon:
    return Lexicon(names, _TABLE)
