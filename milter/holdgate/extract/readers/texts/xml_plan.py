"""The elements that a handler needs, so that other elements of a document cost no Python call.

`xml_scan` is in C, and exists if the package was compiled (see setup.py). Without it, or for XML that it leaves to
expat, a handler gets every element: it must give the same result for all elements as for the requested ones.
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

START, END, FULL, TEXT, NO_ATTRIBUTES, VALUE, NAMED, CELL, ROW = 1, 2, 4, 8, 16, 32, 64, 128, 256
"""What a handler requests of an element: its start; its end; all attributes (otherwise only those requested by name);
its character data with white space; no attributes; those whose names end in "val"; the attribute "name". CELL and ROW
are for a sheet, and can be left out if its handler has `Cells`."""


class Cells(NamedTuple):
    """How simple cells of a sheet are read many at a time.

    `strings` are the shared ones, None if there are none, and the indexes of shown ones are added to `used`. `prefix`
    precedes a cell's reference in the name of its place. `is_plain` returns whether a style, as written in a cell,
    shows a number unchanged. `take` gets texts, the names of their places, and the number of cells, including those
    that show nothing.
    """

    strings: list[str] | None
    used: set[int]
    prefix: str
    is_plain: Callable[[str], bool]
    take: Callable[[list[str], list[str], int], None]


class Selection:
    """Requested elements by local name, and the local names of attributes that are requested in any element.

    `otherwise` is what is requested of all other elements. With TEXT, `stray` requests the character data outside
    elements, unless it is white space. `every_attribute` requests all of them, except namespace declarations. A tag
    after character data is always passed.
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
    """Return the elements named in `pairs` with everything that is requested of each.

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
