"""Holds a table of python-stdnum in few large objects: all tables take 1 MB instead of 12, and answer as before.

A table maps prefixes of numbers (banks, networks, places) to values, and each prefix can have longer ones below it.
stdnum keeps a tuple, a list, a dict and several strings for each prefix, and compares a number with all of them. Here
the prefixes of one length stand in one string in their order, so that a few comparisons find those of a number.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from stdnum.numdb import NumDB

# A prefix in stdnum's form: its length, the first and the last such prefix, its values, and longer prefixes.
Prefix = tuple[int, str, str, dict[str, str], Sequence[Any]]
# Ends a name and a value; a line of a table cannot contain it.
_END = "\n"


class _Group(NamedTuple):
    """The prefixes of one length below another prefix, in ascending order.

    `first` and `last` have their characters; `values` has the place of their values, and `below` of their level.
    `order` is their order in the table. If they do not overlap, `is_apart` is true.
    """

    length: int
    first: str
    last: str
    values: "array[int]"
    below: "array[int]"
    order: "array[int]"
    is_apart: bool

    def find(self, number: str) -> Iterable[int]:
        """Return the indexes of the prefixes to which the first digits of a number belong, in their order."""
        length = self.length
        begin = number[:length]
        count = len(self.values)
        places = range(0, count * length, length)
        after = bisect_right(places, begin, key=lambda place: self.first[place : place + length])
        if self.is_apart:
            index = after - 1
            return (index,) if index >= 0 and begin <= self.last[places[index] : places[index] + length] else ()
        found = [index for index in range(after) if begin <= self.last[places[index] : places[index] + length]]
        return sorted(found, key=self.order.__getitem__)


class CompactTable(NumDB):
    """A table with the same answers as the one with `prefixes`, in less memory. It has no `prefixes` itself."""

    def __init__(self, prefixes: Iterable[Prefix]) -> None:
        super().__init__()
        self._levels: list[tuple[_Group, ...]] = [()]
        known: dict[bytes, int] = {}
        self._root = self._added(prefixes, known)
        self._starts = array("I", accumulate(map(len, known), initial=0))
        self._values = b"".join(known)

    def info(self, number: str) -> list[tuple[str, dict[str, str]]]:
        """Return the pieces of a number and the values of each, as NumDB does."""
        return list(self._pieces(number))

    def _pieces(self, number: str) -> Iterator[tuple[str, dict[str, str]]]:
        levels = [self._root]
        while number:
            groups = [group for level in levels for group in self._levels[level] if group.length <= len(number)]
            values: dict[str, str] = {}
            levels, length = [], 0
            # The shortest prefixes count.
            for group in sorted(groups, key=lambda group: group.length):
                if length and group.length > length:
                    break
                for index in group.find(number):
                    length = group.length
                    values |= self._read(group.values[index])
                    levels.append(group.below[index])
            piece = number[:length] if length else number
            yield piece, values
            number = number[len(piece) :]

    def _read(self, place: int) -> dict[str, str]:
        """Return values by name."""
        text = self._values[self._starts[place] : self._starts[place + 1]].decode()
        texts = text.split(_END)[:-1]
        return dict(zip(texts[::2], texts[1::2], strict=True))

    def _added(self, prefixes: Iterable[Prefix], known: dict[bytes, int]) -> int:
        """Add a level and return its place; equal values get one place in `known`."""
        by_length: dict[int, list[tuple[str, str, int, int, int]]] = {}
        for order, (length, first, last, values, longer) in enumerate(prefixes):
            if not len(first) == len(last) == length:
                raise ValueError(f'a prefix from "{first}" to "{last}"')
            written = "".join(f"{name}{_END}{value}{_END}" for name, value in values.items()).encode()
            place = known.setdefault(written, len(known))
            below = self._added(longer, known) if longer else 0
            by_length.setdefault(length, []).append((first, last, order, place, below))
        if not by_length:
            return 0
        self._levels.append(tuple(_grouped(length, found) for length, found in by_length.items()))
        return len(self._levels) - 1


def _grouped(length: int, found: list[tuple[str, str, int, int, int]]) -> _Group:
    found.sort()
    return _Group(
        length,
        "".join(first for first, *_ in found),
        "".join(last for _, last, *_ in found),
        array("I", [place for *_, place, _ in found]),
        array("I", [below for *_, below in found]),
        array("I", [order for _, _, order, _, _ in found]),
        all(one[1] < other[0] for one, other in pairwise(found)),
    )
