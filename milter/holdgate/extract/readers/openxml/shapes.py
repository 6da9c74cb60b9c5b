"""Finds letters that an Office or OpenDocument file draws as shapes: text "converted to contours" or to curves.

Follows ECMA-376-1:2016, 20.1.9.8 (custom geometry), 20.1.7 (transforms), part 4, 19.1.2.19 (VML shapes), and
OpenDocument 1.3 part 3, 10.3 (paths, polygons and custom shapes). Transforms of groups are ignored, because the letters
of one line are in the same group.
"""

import re
from collections.abc import Iterable

from holdgate.extract.readers.texts import expat, outlines, xml_plan
from holdgate.extract.readers.texts.expat import local
from holdgate.extract.readers.texts.path_data import Figure, figures, vml_figures
from holdgate.extract.readers.texts.xml_plan import END, FULL, START, TEXT, Selection, flags
from holdgate.extract.reading import Sink, UnreadableError

_SIGNS = (b"custGeom", b"viewBox", b"coordsize", b"enhanced-path")
# In UTF-16 of both byte orders: the first zero byte is left out.
_WIDE_SIGNS = tuple(sign.decode().encode("utf-16-le")[:-1] for sign in _SIGNS)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)")
_STYLE = re.compile(r"(left|top|width|height)\s*:\s*([-+]?(?:\d+\.?\d*|\.\d+))")
_MOVED = re.compile(r"translate\s*\(([^()]{1,60})\)")
_MOST_POINTS = 1_000_000
_SHAPES = ("path", "polygon", "custom-shape", "enhanced-geometry", "off", "ext", "chOff", "chExt", "pt", "shape")
_STARTS = frozenset((*_SHAPES, "anchor", "moveTo"))


def check(data: bytes, sink: Sink) -> None:
    """Report that a drawing is not read if the shapes of an XML part look like a line of letters.

    A part without freeform shapes costs a search for a few words.
    """
    if not _mentions(data, _SIGNS) and not (b"\0" in data and _mentions(data, _WIDE_SIGNS)):
        return
    handler = _Shapes()
    try:
        expat.feed(data[: sink.budget.limits.xml_bytes], handler, sink.budget)
    except UnreadableError:
        return  # The reader of the part has reported it.
    if outlines.are_letters(handler.boxes):
        sink.limited(outlines.NOT_READ)


def _mentions(data: bytes, words: tuple[bytes, ...]) -> bool:
    """Return whether one of the words occurs. The search in C takes a quarter of the time of Python's."""
    if xml_plan.xml_scan is not None:
        return bool(xml_plan.xml_scan.contains_any(data, words))
    return any(word in data for word in words)


class _Shapes:
    """Collects the bounds of the figures of all shapes in a part, in the coordinates of the page."""

    def __init__(self) -> None:
        self.boxes: list[outlines.Box] = []
        self.wanted = Selection(flags((_SHAPES, FULL | START), (("path", "posOffset"), END), (["posOffset"], TEXT),
                                      (("anchor", "moveTo"), START)))  # fmt: skip
        self._offset = self._extent = self._size = (0.0, 0.0)
        self._frame: dict[str, str] = {}
        self._figures: list[Figure] = []
        self._anchor: list[float] = []
        self._text = ""
        self._points = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        if name not in _STARTS or self._points > _MOST_POINTS:
            return
        plain = local(attributes)
        if name == "pt" and "x" in plain:
            if self._figures:
                self._figures[-1].append((_first(plain["x"]), _first(plain.get("y", ""))))
        elif name == "off":
            self._offset = _first(plain.get("x", "")), _first(plain.get("y", ""))
        elif name == "ext" and "cx" in plain:
            self._extent = _first(plain["cx"]), _first(plain.get("cy", ""))
        elif name == "moveTo":
            self._figures.append([])
        elif name == "anchor":
            self._anchor = []
        elif name == "path" and "d" not in plain:
            self._figures = []
            self._size = _first(plain.get("w", "")), _first(plain.get("h", ""))
        elif name in ("path", "polygon"):
            found = figures(plain["d"]) if name == "path" else iter([_pairs(plain.get("points", ""))])
            self._add(found, _placed(plain), _view(plain.get("viewBox", "")))
        elif name == "custom-shape":
            self._frame = plain
        elif name == "enhanced-geometry":
            drawn = plain.get("enhanced-path", "")
            if "$" not in drawn and "?" not in drawn:
                self._add(figures(drawn), _placed(self._frame), _view(plain.get("viewBox", "")))
        elif name == "shape" and "path" in plain:
            place = {key: float(value) for key, value in _STYLE.findall(plain.get("style", ""))}
            origin, size = _numbers(plain.get("coordorigin", "0,0")), _numbers(plain.get("coordsize", "1000,1000"))
            frame = (place.get("left", 0), place.get("top", 0), place.get("width", 0), place.get("height", 0))
            self._add(vml_figures(plain["path"]), frame, (*_two(origin), *_two(size)))

    def end(self, name: str) -> None:
        """Process an end tag."""
        if name == "posOffset":
            self._anchor.append(_first(self._text))
        elif name == "path" and self._figures:
            x, y = _two(self._anchor)
            frame = (x + self._offset[0], y + self._offset[1], *self._extent)
            self._add(self._figures, frame, (0.0, 0.0, *self._size))
            self._figures = []

    def data(self, text: str) -> None:
        """Process character data: the place of a drawing on a page of Word."""
        self._text = text

    def _add(self, found: Iterable[Figure], frame: tuple[float, ...], view: tuple[float, ...]) -> None:
        """Add figures whose coordinates are in `view`, which is shown in `frame` (x, y, width, height)."""
        scale_x = frame[2] / view[2] if view[2] and frame[2] else 1.0
        scale_y = frame[3] / view[3] if view[3] and frame[3] else 1.0
        for figure in found:
            self._points += len(figure)
            box = outlines.bounds(
                [(frame[0] + (x - view[0]) * scale_x, frame[1] + (y - view[1]) * scale_y) for x, y in figure]
            )
            if box is not None:
                self.boxes.append(box)


def _placed(attributes: dict[str, str]) -> tuple[float, ...]:
    """Return x, y, width and height of an OpenDocument shape; the units of one document are the same."""
    moved = _two(_numbers("".join(_MOVED.findall(attributes.get("transform", ""))[:1])))
    x, y = _first(attributes.get("x", "")) + moved[0], _first(attributes.get("y", "")) + moved[1]
    return x, y, _first(attributes.get("width", "")), _first(attributes.get("height", ""))


def _view(value: str) -> tuple[float, ...]:
    numbers = _numbers(value)
    return tuple(numbers[:4]) if len(numbers) >= 4 else (0.0, 0.0, 0.0, 0.0)


def _pairs(value: str) -> Figure:
    numbers = _numbers(value)
    return list(zip(numbers[::2], numbers[1::2], strict=False))


def _two(numbers: list[float]) -> tuple[float, float]:
    return (numbers[0], numbers[1]) if len(numbers) >= 2 else (0.0, 0.0)


def _numbers(value: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(value)]


def _first(value: str) -> float:
    found = _NUMBER.search(value)
    return float(found[0]) if found else 0.0
