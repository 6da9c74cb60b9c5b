"""The input and output of a finder."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple


class Place(NamedTuple):
    """One candidate: its place in the text, and its value in normal form."""

    start: int
    end: int
    value: str


# What can be between the digits of a text, in the form of a mask. It is known before the finders run which of these a
# text has, which saves some searches of the complete text.
DOTTED: Final = 1
FIVE_DIGITS: Final = 2
OUTCODE: Final = 4
BITS: Final = 8
PAIRS: Final = 16
FOUR_DIGITS: Final = 32
SIX_DIGITS: Final = 64
BROKEN_CODE: Final = 128
LETTER_CODE: Final = 256
SIGNS: Final = {
    DOTTED: rb"0\.0{1,3}\.0{1,3}\.0",
    FIVE_DIGITS: rb"(?<!0)00000(?![0Aa])",
    OUTCODE: rb"0AA(?![0Aa])",
    BITS: rb"00000000[ ,]?00000000[ ,]?00000000",
    PAIRS: rb"0[0Aa][ ,;:]0[0Aa][ ,;:]0[0Aa]",
    FOUR_DIGITS: rb"(?<![0Aa])0000(?![0Aa])",
    SIX_DIGITS: rb"(?<!0)000 ?000(?![0Aa])",
    BROKEN_CODE: rb"(?<!0)(?:00-000|000 00|0000-000|00000-?000)(?!0)",
    LETTER_CODE: rb"0A ?0A0|0000 ?AA(?![Aa])|0000AAA(?![0Aa])",
}
EVERY_SIGN: Final = sum(SIGNS)
# Separators that the signs need; other characters end a run of digits, unless an identifier is written with them.
SIGN_SEPARATORS: Final = ".: ,;"


class Text(NamedTuple):
    """A normalised text and its mask: digits ``0``, upper-case letters ``A``, other letters ``a``, one byte each.

    `signs` are those of SIGNS that it may have; `numbers` is the maximum number of its runs of digits.
    """

    text: str
    mask: bytes
    signs: int = EVERY_SIGN
    numbers: int = 1 << 30


# The words of each dictionary, in lower case, by the dictionary's name.
Dictionaries = Mapping[str, Collection[str]]
Finder = Callable[[Text, Dictionaries], Iterator[Place]]


def behind(text: Text, words: Iterable[str], pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Yield the matches of `pattern` directly after one of `words`, which are in lower case and found in any case."""
    lowered = text.text.lower()
    if len(lowered) != len(text.text):
        # A few letters become two in lower case, which would change the places.
        lowered = text.text
    for word in words:
        start = lowered.find(word)
        while start >= 0:
            start += len(word)
            found = pattern.match(text.text, start)
            if found is not None:
                yield found
            start = lowered.find(word, start)
