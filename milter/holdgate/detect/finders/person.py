"""Names of persons and organisations: capitalised words that a model classifies by the words and their context.

Also a surname, a comma and a first name, as in lists. Alone a name is weak evidence; it counts in combination with
other data.
"""

import bisect
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from holdgate.detect import bodies, lexicon, naming
from holdgate.detect.finders.finder import Dictionaries, Place, Text
from holdgate.detect.lexicon import Lexicon, Names
from holdgate.detect.naming import Name
from holdgate.detect.wordset import WordSet

# A surname, a comma and first names: where a field begins and ends with them, or else not within a list of names.
_SURNAME: Final = rb"(?:'?a{1,3} ){0,3}[A?][A?a'\-]{1,24}(?: (?:'?a{1,3} ){0,2}[A?][A?a'\-]{1,24}){0,2}, "
_FIRST_NAMES: Final = rb"[A?][A?a'\-]{0,24}\.?(?: [A?][A?a'\-]{0,24}\.?)?"
_FIELD: Final = re.compile(
    rb"(?:(?<=[:;|\t\n>\"(\[])|(?<=[:;|\t\n>\"(\[*\-] )|\A)"
    + _SURNAME + _FIRST_NAMES + rb"(?= ?(?:[;|\t\r\n<\"()\[\]]|  |\Z))"
)  # fmt: skip
_REVERSED: Final = re.compile(rb"(?<![0Aa?'\-])(?<![Aa?.,] )A[Aa'\-]{1,24}, A[Aa'\-]{1,24}(?! ?[A?])")
# Before an address of a header, in eight languages.
_HEADER: Final = re.compile(
    r"(?:from|to|b?cc|von|an|de|à|para|da|a|van|aan|od|do|dw|name|nom|nome|naam|nombre) ?: ?\Z", re.IGNORECASE
)
_BEFORE_FIELD: Final = 12
_TOP_LEVEL: Final = re.compile(r"\.\w")
_ROUND: Final = " \t\r\n.,;:!?()[]<>|*\"'/&"
_LEAST_DOMAIN: Final = 4
# A domain that is a word, a name of a person or of a place says nothing.
_NO_COMPANY: Final = (
    lexicon.IN_NAMES | lexicon.INFLECTED | lexicon.PLACED | lexicon.NO_NAME | lexicon.COMPOUND
    | 6 * lexicon.COMMON_UNIT
)  # fmt: skip
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
    r"(?<=[^\W_][ .]) ?(?:(?:GmbH|AG|UG) ?& ?Co\. ?(?:KGaA|KG|OHG)"
    r"|GmbH|gGmbH|mbH|AG|KGaA|KG|OHG|UG|SE|e\. ?V\.|e\. ?K\.|Ltd|Limited|LLC|LLP|Inc|Corp|PLC|plc"
    r"|BV|B\.V|NV|N\.V|VOF|V\.O\.F|SARL|Sàrl|EURL|SAS|S\.A\.U|S\.A|SA|S\.L\.U|S\.L|SLU|SRL|Srl|S\.r\.l|SpA|S\.p\.A|S\.n\.c|Ltda|Lda"
    r"|[Ss]p\. ?z ?o\. ?o|[Ss]p\. ?j|Spółka z o\. ?o|ApS|A/S|Oyj?|Kft|d\.o\.o|s\.r\.o)(?!\w)"
)
# What can follow a head in lower case: an adjective, and "of" with one or two words.
_TAIL: Final = re.compile(
    r"(?: [a-zà-ÿ]{2,12}(?:al|ale|aux|ales|ique|iques|ien|ienne|ier|ière|aire|aires|ime|ole|oles|an|ane|ive|if))?"
    r"(?: (?:de la|de|du|des|della|di|da|do) [^\W\d_][\w\-]+| (?:de l|d|dell)['’][^\W\d_][\w\-]+){0,2}(?! ?[A-Z])"
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
    labelled, companies = _named(text, dictionaries)
    persons = [(start, end) for start, end, label in labelled if label == naming.PERSON]
    turned = list(_turned(text, _lexicon(_names(dictionaries)), persons))
    taken = [(start, end) for start, end, _ in turned]
    yield from turned
    for start, end in persons:
        if not _overlaps(start, end, companies) and not _overlaps(start, end, taken):
            words = text.text[start:end].lower().split()
            if _PROGRAMS.isdisjoint(words) and not _ACCOUNTS.issuperset(words):
                yield Place(start, end, " ".join(words))


def _turned(text: Text, known: Lexicon, persons: Sequence[tuple[int, int]]) -> Iterator[Place]:
    """Yield each surname with a comma and first names behind it, in order."""
    if b", " not in text.mask:
        return
    fields = {found.start(): found.end() for found in _FIELD.finditer(text.mask)}
    others = {found.start(): found.end() for found in _REVERSED.finditer(text.mask)}
    behind = 0
    for start, end in sorted((others | fields).items()):
        last, _, first = text.text[start:end].partition(", ")
        if start < behind or not _are_first_names(first, known):
            continue
        comma = start + len(last)
        kind = known.known(last.split()[-1]).kind
        named = _overlaps(start, comma, persons)
        if kind & lexicon.NO_NAME or not (kind & lexicon.SURNAME or (start in fields and named)):
            continue
        if kind & lexicon.FIRST and not kind & lexicon.SURNAME:
            continue
        if kind & lexicon.FIRST and not _is_address(text.text, start, end):
            continue
        behind = end
        yield Place(start, end, f"{first} {last}".lower())


def _are_first_names(words: str, known: Lexicon) -> bool:
    names = [known.known(word).kind for word in words.split() if len(word.rstrip(".")) > 1]
    return bool(names) and all(kind & lexicon.FIRST and not kind & lexicon.NO_NAME for kind in names)


def _is_address(text: str, start: int, end: int) -> bool:
    """Whether a surname that is a first name too is one: in a header, or separated from others by semicolons."""
    around = text[max(0, start - 2) : start].strip()[-1:] + text[end : end + 2].strip()[:1]
    return ";" in around or "<" in around or _HEADER.search(text, max(0, start - _BEFORE_FIELD), start) is not None


def find_organisation(text: Text, dictionaries: Dictionaries) -> Iterator[Place]:
    """Yield each name of an organisation; its value is in lower case.

    What ends with a legal form is one whatever the model says, and so is a word that is the domain of a mail address of
    the text, unless it is known as another word. One word directly before a value is its label.
    """
    labelled, companies = _named(text, dictionaries)
    known = _lexicon(_names(dictionaries))
    organisations = [(start, end) for start, end, label in labelled if label == naming.ORGANISATION]
    found = [
        (bodies.beginning(text.text, start), _complete(text.text, start, end, known))
        for start, end in organisations
        if not _overlaps(start, end, companies)
    ]
    companies = [_from_its_beginning(place, organisations) for place in companies]
    if "@" in text.text:
        taken = sorted((*((start, end) for start, end, label in labelled if label != naming.PLACE), *companies))
        found.extend(place for place in _of_domains(text.text, known) if not _overlaps(*place, taken))
    for start, end in sorted((*found, *companies)):
        words = text.text[start:end].lower().split()
        is_label = len(words) == 1 and _LABELS_VALUE.match(text.text, end) is not None
        if not is_label and not _FORMS.issuperset(words):
            yield Place(start, end, " ".join(words))


def _complete(text: str, start: int, end: int, known: Lexicon) -> int:
    """Return the end of an organisation's name with the words in lower case that belong to it.

    They follow a head, mostly in French: "Conseil départemental", "Institut national des arts".
    """
    headed = any(known.known(word).kind & lexicon.HEADED for word in text[start:end].split())
    tail = _TAIL.match(text, end) if headed else None
    return end if tail is None else tail.end()


def _from_its_beginning(place: tuple[int, int], organisations: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the place of a company with words before it that the model found, as in "Chantiers de Bayonne SAS"."""
    at = bisect.bisect_right(organisations, (place[0], 0)) - 1
    if at >= 0 and place[0] < organisations[at][1]:
        return organisations[at][0], place[1]
    return place


def _of_domains(text: str, known: Lexicon) -> Iterator[tuple[int, int]]:
    """Yield the places of capitalised words that are the domain of a mail address in the text."""
    lowered = text.lower()
    if len(lowered) != len(text):
        return
    # "weber@weber.example" is the address of a person.
    for domain in sorted(set(naming.domains(text)) - naming.mailboxes(text)):
        if len(domain) < _LEAST_DOMAIN or known.known(domain.capitalize()).kind & _NO_COMPANY:
            continue
        start = lowered.find(domain)
        while start >= 0:
            end = start + len(domain)
            alone = not text[max(0, start - 1) : start].strip(_ROUND) and not text[end : end + 1].strip(_ROUND)
            if alone and text[start].isupper() and not _TOP_LEVEL.match(text, end):
                yield start, end
            start = lowered.find(domain, end)


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
