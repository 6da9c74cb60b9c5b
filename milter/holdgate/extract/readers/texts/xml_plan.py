"""What a handler wants of a document, so that elements which say nothing to it cost no call of Python.

`xml_scan` is C, and there where the package was compiled (see setup.py). Without it, or for XML that it leaves to
expat, a handler gets every element: it must come to the same from all elements as from those it asked for.
"""

import importlib
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

xml_scan: ModuleType | None
try:
    xml_scan = importlib.import_module("holdgate.extract.readers.texts.xml_scan")
except ModuleNotFoundError:
    xml_scan = None

START, END, FULL, TEXT, SILENT, VALUE, NAMED, CELL, ROW = 1, 2, 4, 8, 16, 32, 64, 128, 256
"""What is wanted of an element: its start, its end; at its start all attributes (else none, unless one is wanted by
name); the character data in it, white space too; none of its attributes; those whose names end in "val"; the one named
"name". CELL and ROW are of a sheet, and may be left out where its handler has `Cells`."""


class Cells(NamedTuple):
    """How simple cells of a sheet are read many at a time.

    `strings` are the shared ones, None if there are none, and `used` takes the indexes of those that were shown.
    `prefix` stands before the reference of a cell in the name of its place. `is_plain` says of a style, as a cell
    writes it, that it shows a number as it is. `take` is given texts, the names of their places, and how many cells
    there were with those that show nothing.
    """

    strings: list[str] | None
    used: set[int]
    prefix: str
    is_plain: Callable[[str], bool]
    take: Callable[[list[str], list[str], int], None]


class Selection:
    """Elements by local name with what is wanted of them, and the local names of attributes wanted wherever they are.

    `otherwise` is what is wanted of all other elements. `stray` wants the character data outside elements with TEXT,
    unless it is white space. `every_attribute` wants all of them, but namespace declarations. A tag that follows
    character data is always given.
    """

    def __init__(
        self,
        elements: Mapping[str, int],
        attributes: Iterable[str] = (),
        otherwise: int = 0,
        stray: bool = True,
        every_attribute: bool = False,
    ) -> None:
        self.elements = dict(elements)
        self.attributes = frozenset(attributes)
        self.plan: Any = None
        if xml_scan is not None:
            self.plan = xml_scan.Plan(self.elements, self.attributes, otherwise, stray, every_attribute)


def flags(*pairs: tuple[Iterable[str], int]) -> dict[str, int]:
    """Return the elements named in `pairs` with all that is wanted of each.

    >>> flags((["p", "r"], START), (["p"], END))
    {'p': 3, 'r': 1}
    """
    wanted: dict[str, int] = {}
    for names, flag in pairs:
        for name in names:
            wanted[name] = wanted.get(name, 0) | flag
    return wanted


EVERYTHING = Selection({}, otherwise=START | END | FULL | TEXT)
"""Every tag with every attribute, and all character data."""
