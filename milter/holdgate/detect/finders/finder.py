"""What a finder is given and what it gives back."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple


class Place(NamedTuple):
    """One candidate: its place in the text, and its value in normal form."""

    start: int
    end: int
    value: str


# What there may be among the digits of a text, as it looks in a mask. Which of these a text has is known before any
# finder runs, and saves most of them the way through the text.
DOTTED, COLONS, FIVE_DIGITS, OUTCODE, BITS = (1 << number for number in range(5))
SIGNS = {
    DOTTED: rb"0\.0{1,3}\.0{1,3}\.0",
    COLONS: rb":[Aa]{0,2}0",
    FIVE_DIGITS: rb"(?<!0)00000(?![0Aa])",
    OUTCODE: rb"0[0A]? ?0AA(?![0Aa])",
    BITS: rb"00000000[ ,]?00000000[ ,]?00000000",
}
EVERY_SIGN = sum(SIGNS)
# Characters between digits that the signs need; others end a stretch of digits, if no identifier is written with them.
SIGN_SEPARATORS = ".: ,"


class Text(NamedTuple):
    """A normalised text and its mask: digits ``0``, upper-case letters ``A``, other letters ``a``, one byte each.

    `signs` are those of SIGNS that it may have.
    """

    text: str
    mask: bytes
    signs: int = EVERY_SIGN


# The words of each dictionary, in lower case, by the dictionary's name.
Dictionaries = Mapping[str, frozenset[str]]
Finder = Callable[[Text, Dictionaries], Iterator[Place]]
