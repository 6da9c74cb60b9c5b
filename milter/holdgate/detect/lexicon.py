"""What is known about a capitalised word: its dictionaries of names, its frequency, and whether it names a town.

`known-words.table` contains the frequency of words in eight languages, and the names of towns and states. It is an open
addressing table by the CRC-32 of a word, with three bytes per slot, so 200,000 words take 1.5 MB and no time to load.
`script/train` makes it from the lists in `training/`. One in 100,000 unknown words is taken for a known one.
"""

from collections.abc import Collection, Iterable
from functools import lru_cache
from importlib import resources
from typing import Final, NamedTuple
from zlib import crc32

FILE: Final = "known-words.table"
SLOTS: Final = 1 << 19
PLACE: Final = 8
ORGANISATION: Final = 16
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
_MOST_KNOWN: Final = 20_000
_SIZE: Final = 3
_LEAST_COMPOUND: Final = 7
_LEAST_PART: Final = 3


class Names(NamedTuple):
    """The dictionaries of names, in lower case."""

    first: Collection[str]
    surnames: Collection[str]
    neither: Collection[str]


class Table:
    """The frequency of words, from 1 to 5, and whether they are the name of a place or an organisation."""

    def __init__(self, slots: bytes) -> None:
        self._slots = slots

    def code(self, word: str) -> int:
        """Return the frequency of a lower-case word, with PLACE added if it names a place; 0 if it is unknown."""
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
    PLACED, ORGANISED, NO_NAME and COMPOUND, and the way of writing in units of WRITTEN_UNIT.
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
        kind = 0
        if all(piece in names.first for piece in pieces):
            kind |= FIRST
        if all(piece in names.surnames for piece in pieces):
            kind |= SURNAME
        code = self._table.code(small)
        if not code and len(pieces) > 1:
            code = min(self._table.code(piece) for piece in pieces)
        kind |= (code & COMMON) * COMMON_UNIT
        if code & PLACE:
            kind |= PLACED
        if code & ORGANISATION:
            kind |= ORGANISED
        if small in names.neither:
            kind |= NO_NAME
        if not code & COMMON and self._is_compound(small):
            kind |= COMPOUND
        return kind | _written(word) * WRITTEN_UNIT

    def _is_compound(self, word: str) -> bool:
        """Whether a long word ends with a common one that is not a surname, as many German words do."""
        if len(word) < _LEAST_COMPOUND:
            return False
        for cut in range(_LEAST_PART, len(word) - _LEAST_PART):
            end = word[cut:]
            if self._table.code(end) & COMMON > 1 and end not in self._names.surnames:
                return True
        return False


def _written(word: str) -> int:
    """Return a number for how a word is written: one letter, capitals, a capital first, with a mark, or else."""
    if len(word) == 1:
        return 0
    if word.isupper():
        return 1
    if word[1:].islower():
        return 2
    return 3 if "-" in word or "'" in word else 4


def digest(text: str) -> int:
    """Return the hash of a text, of 32 bits."""
    return crc32(text.encode("utf-8", "replace"))


@lru_cache(maxsize=1)
def shipped() -> Table:
    """Return the table in the package."""
    return Table(resources.files("holdgate.detect").joinpath(FILE).read_bytes())
