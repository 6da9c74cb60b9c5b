"""What a finder is given and what it gives back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One candidate: its place in the text, its value in normal form, and the shape in a few words."""

    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class Text:
    """A normalised text and its mask: digits ``0``, upper-case letters ``A``, other letters ``a``, one byte each."""

    text: str
    mask: bytes


Finder = Callable[[Text], Iterator[Place]]
