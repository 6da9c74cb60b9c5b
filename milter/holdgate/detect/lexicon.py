"""What is known about a capitalised word: its dictionaries of names, its frequency, and whether it names a town.

`known-words.table` contains the frequency of words in eight languages, the names of towns and states, and more names of
persons than the dictionaries. It is an open addressing table by the CRC-32 of a word, with three bytes per slot, so
400,000 words take 1.5 MB and no time to load.
`script/train` makes it from the lists in `training/`. One in 50,000 unknown words is taken for a known one.
"""

import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache
from importlib import resources
from typing import Final, NamedTuple
from zlib import crc32

FILE: Final = "known-words.table"
SLOTS: Final = 1 << 19
PLACE: Final = 8
ORGANISATION: Final = 16
GIVEN: Final = 32
FAMILY: Final = 64
HEAD: Final = 128
COMMON: Final = 7
FIRST: Final = 1
SURNAME: Final = 2
IN_NAMES: Final = FIRST | SURNAME
COMMON_UNIT: Final = 4
PLACED: Final = 32
NO_NAME: Final = 64
COMPOUND: Final = 128
WRITTEN_UNIT: Final = 256
ORGANISED: Final = 2048
INFLECTED: Final = 4096
HEADED: Final = 8192
_MOST_KNOWN: Final = 20_000
_SIZE: Final = 3
_LEAST_COMPOUND: Final = 7
_LEAST_PART: Final = 3
_LEAST_HEAD: Final = 4
_LEAST_STEM: Final = 3
# Endings of names in cases and what stands for them in the nominative: Polish, and the genitive of German and Dutch.
_ENDINGS: Final = (
    ("skiego", "ski"), ("ckiego", "cki"), ("skiemu", "ski"), ("ckiemu", "cki"), ("skim", "ski"), ("ckim", "cki"),
    ("skiej", "ska"), ("ckiej", "cka"), ("ską", "ska"), ("cką", "cka"), ("ką", "ka"), ("iem", ""), ("iem", "ia"),
    ("kiem", "ek"), ("ka", "ek"), ("kowi", "ek"), ("cem", "ec"), ("ca", "ec"), ("cowi", "ec"), ("em", ""),
    ("owi", ""), ("a", ""), ("ę", "a"), ("ą", "a"), ("y", "a"), ("i", "a"), ("ii", "ia"), ("ie", "a"), ("ce", "ka"),
    ("rze", "ra"), ("rze", "r"), ("le", "ł"), ("le", "ła"), ("ego", "y"), ("ego", "i"), ("emu", "y"), ("s", ""),
    ("wie", "w"), ("wie", "wa"), ("owie", "ów"), ("owa", "ów"), ("owem", "ów"), ("u", ""), ("iu", ""), ("niu", "ń"),
    ("nia", "ń"), ("niem", "ń"), ("cach", "ce"), ("kach", "ki"), ("ku", "ek"), ("ie", ""), ("ie", "o"), ("dzi", "dź"),
)  # fmt: skip
_STROKES: Final = str.maketrans("łøđßæœ", "lodsao")


class Names(NamedTuple):
    """The dictionaries of names, in lower case."""

    first: Collection[str]
    surnames: Collection[str]
    neither: Collection[str]


class Table:
    """The frequency of words, from 1 to 5, and whether they name a place, an organisation or a person, or are a HEAD.

    A head is a word such as "university", with which many names of organisations begin or end.
    """

    def __init__(self, slots: bytes) -> None:
        self._slots = slots

    def code(self, word: str) -> int:
        """Return the frequency of a lower-case word, with PLACE and so on added if it names one; 0 if it is unknown."""
        slots = self._slots
        digest = crc32(word.encode("utf-8", "replace"))
        low, high = (digest >> 16) & 255, digest >> 24
        at = (digest % SLOTS) * _SIZE
        while slots[at]:
            if slots[at + 1] == low and slots[at + 2] == high:
                return slots[at]
            at = (at + _SIZE) % len(slots)
        return 0


def packed(codes: Iterable[tuple[str, int]]) -> bytes:
    """Return the slots of a table of words, in the given order."""
    slots = bytearray(SLOTS * _SIZE)
    for word, code in codes:
        digest = crc32(word.encode("utf-8", "replace"))
        at = (digest % SLOTS) * _SIZE
        while slots[at]:
            at = (at + _SIZE) % len(slots)
        slots[at : at + _SIZE] = bytes((code, (digest >> 16) & 255, digest >> 24))
    return bytes(slots)


class Known(NamedTuple):
    """The data of a word for features: its kind, and hashes of it and of its ends, all in lower case."""

    kind: int
    small: int
    ends: int
    ends_with_three: int
    ends_with_four: int
    begins: int


class Lexicon:
    """The dictionaries and the table together.

    A kind is a number: FIRST and SURNAME for the dictionaries, the frequency in units of COMMON_UNIT, the flags
    PLACED, ORGANISED, NO_NAME, COMPOUND, INFLECTED and HEADED, and the way of writing in units of WRITTEN_UNIT.
    """

    def __init__(self, names: Names, table: Table) -> None:
        self._names = names
        self._table = table
        self._known: dict[str, Known] = {}

    def known(self, word: str) -> Known:
        """Return the data of a word."""
        found = self._known.get(word)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[word] = self._looked_up(word)
        return found

    def phrase(self, words: str) -> int:
        """Return PLACE and ORGANISATION for words in lower case that are the name of one, 0 for others."""
        return self._table.code(words) & (PLACE | ORGANISATION)

    def _looked_up(self, word: str) -> Known:
        small = word.lower()
        return Known(
            self._kind(word, small), digest(small), digest(small[-2:]), digest(small[-3:]), digest(small[-4:]),
            digest(small[:3]),
        )  # fmt: skip

    def _kind(self, word: str, small: str) -> int:
        names = self._names
        pieces = small.split("-") if "-" in small else [small]
        codes = [self._named(piece) for piece in pieces]
        kind = 0
        if all(code & GIVEN for code in codes):
            kind |= FIRST
        if all(code & FAMILY for code in codes):
            kind |= SURNAME
        code = self._table.code(small)
        if not code and len(pieces) > 1:
            code = min(self._table.code(piece) & COMMON for piece in pieces)
        if not kind and not code:
            kind |= self._inflected(small)
        kind |= (code & COMMON) * COMMON_UNIT
        if code & PLACE:
            kind |= PLACED
        if code & ORGANISATION:
            kind |= ORGANISED
        if small in names.neither:
            kind |= NO_NAME
        if code & HEAD:
            kind |= HEADED
        kind |= self._compound(small) & (HEADED if code & COMMON else HEADED | COMPOUND)
        return kind | _written(word) * WRITTEN_UNIT

    def _named(self, word: str) -> int:
        """Return GIVEN and FAMILY for a word that is a name, or is one without accents."""
        code = self._table.code(word) & (GIVEN | FAMILY)
        if word in self._names.first:
            code |= GIVEN
        if word in self._names.surnames:
            code |= FAMILY
        if code or word.isascii():
            return code
        plain = without_accents(word)
        return self._named(plain) if plain != word else 0

    def _inflected(self, word: str) -> int:
        """Return INFLECTED for the name of a person in another case than the nominative, PLACED for one of a place."""
        found = 0
        for ending, nominative in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= _LEAST_STEM:
                stem = word.removesuffix(ending) + nominative
                if self._named(stem):
                    return INFLECTED
                if self._table.code(stem) & PLACE:
                    found = PLACED
        return found

    def _compound(self, word: str) -> int:
        """Return COMPOUND for a long word that ends with a common one, as many German words do.

        A surname at the end does not count. HEADED is added if the last part is a head of names of organisations.
        """
        if len(word) < _LEAST_COMPOUND:
            return 0
        found = 0
        for cut in range(_LEAST_PART, len(word) - _LEAST_PART):
            end = word[cut:]
            code = self._table.code(end)
            if code & HEAD and len(end) >= _LEAST_HEAD:
                found |= HEADED
            if code & COMMON > 1 and end not in self._names.surnames:
                return found | COMPOUND
        return found


def _written(word: str) -> int:
    """Return a number for how a word is written: one letter, capitals, a capital first, with a mark, or else."""
    if len(word) == 1:
        return 0
    if word.isupper():
        return 1
    if word[1:].islower():
        return 2
    return 3 if "-" in word or "'" in word else 4


def without_accents(word: str) -> str:
    """Return a word in lower case without accents and strokes."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", word) if not unicodedata.combining(char))
    return plain.translate(_STROKES)


def digest(text: str) -> int:
    """Return the hash of a text, of 32 bits."""
    return crc32(text.encode("utf-8", "replace"))


@lru_cache(maxsize=1)
def shipped() -> Table:
    """Return the table in the package."""
    return Table(resources.files("holdgate.detect").joinpath(FILE).read_bytes())
