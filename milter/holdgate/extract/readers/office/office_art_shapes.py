"""Finds letters that an old Office file draws as shapes: freeform shapes with their points.

Follows [MS-ODRAW] 2.2.7 and 2.2.9 (properties, and the data of complex ones), 2.3.6.6 to 2.3.6.9 (geometry: pVertices,
pSegmentInfo), 2.2.39 (child anchor) and 2.2.51 (IMsoArray); [MS-PPT] 2.7.1 has PowerPoint's anchor. Records are found
by their headers, as images are.
"""

import struct
from collections.abc import Iterable, Iterator

from holdgate.extract.readers.texts import outlines
from holdgate.extract.readers.texts.path_data import Figure
from holdgate.extract.reading import Sink

_PROPERTIES = b"\x0b\xf0"
NAMES = {"left": 0x140, "top": 0x141, "right": 0x142, "bottom": 0x143}
"""The properties with the bounds of the coordinates."""
_VERTICES, _SEGMENTS = 0x145, 0x146
_COMPLEX, _NAME = 0x8000, 0x3FFF
_USUAL = 21_600
_LINE, _CURVE, _MOVE = 0, 1, 2
_CHILD_ANCHOR, _CLIENT_ANCHOR = b"\x0f\xf0\x10\0\0\0", b"\x10\xf0\x08\0\0\0"
_NEAR = 600
_MOST_POINTS = 1_000_000
# The size of an element that is a pair of half the usual width ([MS-ODRAW] 2.2.51: 0xFFF0 stands for 4 bytes).
_SHORT = 0xFFF0


def check(data: bytes, sink: Sink) -> None:
    """Report that a drawing is not read if the freeform shapes in a stream look like a line of letters."""
    boxes: list[outlines.Box] = []
    points = 0
    for head, size, start in _records(data):
        if head & 0xF != 3 or size > len(data) - start or points > _MOST_POINTS:
            continue
        sink.budget.check_time()
        try:
            plain, arrays = _properties(data[start : start + size], head >> 4)
            if _VERTICES not in arrays:
                continue
            place = _anchor(data[start + size : start + size + _NEAR])
            segments = arrays.get(_SEGMENTS, b"")[6:]
            words = struct.unpack_from(f"<{len(segments) // 2}H", segments)
            for figure in figures(_vertices(arrays[_VERTICES]), words):
                points += len(figure)
                box = outlines.bounds(moved(figure, plain, place))
                boxes += [box] if box else []
        except struct.error:
            continue
    if outlines.are_letters(boxes):
        sink.limited(outlines.NOT_READ)


def _records(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the first word, the size and the place of the content of what looks like a record of properties."""
    at = data.find(_PROPERTIES, 2)
    while 0 <= at <= len(data) - 6:
        head, _, size = struct.unpack_from("<HHI", data, at - 2)
        yield head, size, at + 6
        at = data.find(_PROPERTIES, at + 8)


def _properties(data: bytes, count: int) -> tuple[dict[int, int], dict[int, bytes]]:
    """Return the simple properties, and the arrays of complex ones, which follow in the same order."""
    plain, arrays = dict[int, int](), dict[int, bytes]()
    at = 6 * count
    for index in range(count):
        name, value = struct.unpack_from("<Hi", data, 6 * index)
        if not name & _COMPLEX:
            plain[name & _NAME] = value
            continue
        if name & _NAME in (_VERTICES, _SEGMENTS):
            elements, _, width = struct.unpack_from("<HHH", data, at)
            # Some programs do not count the array's own header.
            value += 6 if value == elements * (4 if width == _SHORT else width) else 0
        arrays[name & _NAME] = data[at : at + value]
        at += value
    return plain, arrays


def _vertices(array: bytes) -> Figure:
    elements, _, width = struct.unpack_from("<HHH", array, 0)
    numbers = struct.unpack_from(f"<{2 * elements}{'h' if width in (_SHORT, 4) else 'i'}", array, 6)
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def figures(vertices: Figure, segments: Iterable[int]) -> Iterator[Figure]:
    """Yield the vertices from one move to the next."""
    figure: Figure = []
    at = 0
    for segment in segments:
        kind, count = segment >> 13, max(segment & 0x1FFF, 1)
        if kind == _MOVE:
            if figure:
                yield figure
            figure, count = [], 1
        elif kind not in (_LINE, _CURVE):
            continue
        count *= 3 if kind == _CURVE else 1
        figure += vertices[at : at + count]
        at += count
    if figure or not at:
        yield figure or vertices


def _anchor(data: bytes) -> tuple[int, int, int, int]:
    """Return the left, top, right and bottom of the shape; zeros if it has no anchor that is understood."""
    at = data.find(_CHILD_ANCHOR)
    if 0 <= at <= _NEAR - 22:
        left, top, right, bottom = struct.unpack_from("<4i", data, at + 6)
        return left, top, right, bottom
    at = data.find(_CLIENT_ANCHOR)
    if at >= 0:
        top, left, right, bottom = struct.unpack_from("<4h", data, at + 6)
        return left, top, right, bottom
    return 0, 0, 0, 0


def moved(figure: Figure, plain: dict[int, int], place: tuple[int, int, int, int]) -> Figure:
    """Return the points in the coordinates of the page."""
    left, top = plain.get(NAMES["left"], 0), plain.get(NAMES["top"], 0)
    width, height = plain.get(NAMES["right"], _USUAL) - left, plain.get(NAMES["bottom"], _USUAL) - top
    across = (place[2] - place[0]) / width if width and place[2] != place[0] else 1.0
    down = (place[3] - place[1]) / height if height and place[3] != place[1] else 1.0
    return [(place[0] + (x - left) * across, place[1] + (y - top) * down) for x, y in figure]
