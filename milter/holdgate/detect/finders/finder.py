"""What a finder is given and what it gives back."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Place(NamedTuple):
    """One candidate: its place in the text, and its value in normal form."""

    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class Text:
    """A normalised text and its mask: digits ``0``, upper-case letters ``A``, other letters ``a``, one byte each."""

    text: str
    mask: bytes


# The words of each dictionary, in lower case, by the dictionary's name.
Dictionaries = Mapping[str, frozenset[str]]
Finder = Callable[[Text, Dictionaries], Iterator[Place]]
