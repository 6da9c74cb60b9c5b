"""What is known of a capitalised word: in which dictionaries of names it is, how common it is, whether a town has it.

`known-words.table` holds how common words of eight languages are, and the names of towns and states: open addressing by
the CRC-32 of a word, three bytes a slot, so that 200,000 words take 1.5 MB and no time to load. `script/train` makes it
from the lists in `training/`. Of words that are not in it, one in 100,000 is taken for one that is.
"""

from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from typing import Final, NamedTuple
from zlib import crc32

FILE: Final = "known-words.table"
SLOTS: Final = 1 << 19
PLACE: Final = 8
COMMON: Final = 7
_SIZE: Final = 3
_LEAST_COMPOUND: Final = 7
_LEAST_PART: Final = 3


class Names(NamedTuple):
    """The dictionaries of names, in lower case."""

    first: frozenset[str]
    surnames: frozenset[str]
    neither: frozenset[str]


class Table:
    """How common words are, from 1 to 5, and whether they are of the name of a place."""

    def __init__(self, slots: bytes) -> None:
        self._slots = slots

    def code(self, word: str) -> int:
        """Return how common a word in lower case is, and PLACE on top if a place has it; 0 if it is not known."""
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
    """Return the slots of a table of words, in the order in which they are given."""
    slots = bytearray(SLOTS * _SIZE)
    for word, code in codes:
        digest = crc32(word.encode("utf-8", "replace"))
        at = (digest % SLOTS) * _SIZE
        while slots[at]:
            at = (at + _SIZE) % len(slots)
        slots[at : at + _SIZE] = bytes((code, (digest >> 16) & 255, digest >> 24))
    return bytes(slots)


class Lexicon:
    """The dictionaries and the table, asked together."""

    def __init__(self, names: Names, table: Table) -> None:
        self._names = names
        self._table = table
        self.kind = lru_cache(maxsize=20_000)(self._kind)

    def _kind(self, word: str) -> str:
        """Return a word's kind: f a first name, s a surname, b both, u neither; how common; what else; how written."""
        small = word.lower()
        names = self._names
        pieces = small.split("-") if "-" in small else [small]
        if all(piece in names.first for piece in pieces):
            kind = "b" if all(piece in names.surnames for piece in pieces) else "f"
        else:
            kind = "s" if all(piece in names.surnames for piece in pieces) else "u"
        code = self._table.code(small)
        if not code and len(pieces) > 1:
            code = min(self._table.code(piece) for piece in pieces)
        kind += str(code & COMMON)
        if code & PLACE:
            kind += "p"
        if small in names.neither:
            kind += "o"
        if not code & COMMON and self._is_compound(small):
            kind += "t"
        return kind + _written(word)

    def _is_compound(self, word: str) -> bool:
        """Whether a long word ends with a common one that is no surname, as many German words do."""
        if len(word) < _LEAST_COMPOUND:
            return False
        ends = (word[cut:] for cut in range(_LEAST_PART, len(word) - _LEAST_PART))
        return any(self._table.code(end) & COMMON > 1 and end not in self._names.surnames for end in ends)


def _written(word: str) -> str:
    if len(word) == 1:
        return "i"
    if word.isupper():
        return "C"
    return "c" if word[1:].islower() else "h" if "-" in word or "'" in word else "x"


@lru_cache(maxsize=1)
def shipped() -> Table:
    """Return the table that is part of the package."""
    return Table(resources.files("holdgate.detect").joinpath(FILE).read_bytes())
