"""Finds letters that a rich text file draws as shapes: freeform shapes with their points.

Follows the Rich Text Format Specification 1.9.1, "Drawing Object Properties" (\\shpleft and so on; relLeft and so on in
groups; pVerticies, which is spelt so; pSegmentInfo).
"""

import re

from holdgate.extract.readers.office.office_art_shapes import NAMES, figures, moved
from holdgate.extract.readers.texts import outlines
from holdgate.extract.reading import Sink

_TOKEN = re.compile(
    rb"\\(?P<begin>shpinst)|\\shp(?P<edge>left|top|right|bottom)(?P<at>-?\d{1,9})"
    rb"|\\sn (?P<name>rel(?:Left|Top|Right|Bottom)|geo(?:Left|Top|Right|Bottom)|pVerticies|pSegmentInfo)\}\s*"
    rb"\{(?:\\\*)?\\sv (?P<value>[^{}]*)\}"
)
_NUMBER = re.compile(rb"-?\d{1,9}")
_EDGES = ("left", "top", "right", "bottom")
_MOST_POINTS = 1_000_000


def check(data: bytes, sink: Sink) -> None:
    """Report that a drawing is not read if the freeform shapes look like a line of letters."""
    if b"pVerticies" not in data:
        return
    boxes: list[outlines.Box] = []
    place, geometry = dict.fromkeys(_EDGES, 0), dict[int, int]()
    vertices: list[tuple[float, float]] = []
    segments: list[int] = []
    points = 0
    for match in _TOKEN.finditer(data):
        if match["begin"]:
            boxes += _boxes(vertices, segments, geometry, place)
            vertices, segments, geometry = [], [], {}
            continue
        if match["edge"]:
            place[match["edge"].decode()] = int(match["at"])
            continue
        name, numbers = match["name"].decode(), [int(number) for number in _NUMBER.findall(match["value"])]
        if name.startswith("rel"):
            place[name[3:].lower()] = numbers[0] if numbers else 0
        elif name.startswith("geo"):
            geometry[NAMES[name[3:].lower()]] = numbers[0] if numbers else 0
        elif name == "pVerticies":
            vertices = list(zip(numbers[2::2], numbers[3::2], strict=False))
            points += len(vertices)
        else:
            segments = numbers[2:]
        if points > _MOST_POINTS:
            break
        sink.budget.check_time()
    boxes += _boxes(vertices, segments, geometry, place)
    if outlines.are_letters(boxes):
        sink.limited(outlines.NOT_READ)


def _boxes(
    vertices: list[tuple[float, float]], segments: list[int], geometry: dict[int, int], place: dict[str, int]
) -> list[outlines.Box]:
    """Return the bounds of a shape's figures on the page."""
    if not vertices:
        return []
    left, top, right, bottom = (place[edge] for edge in _EDGES)
    found = (
        outlines.bounds(moved(figure, geometry, (left, top, right, bottom))) for figure in figures(vertices, segments)
    )
    return [box for box in found if box is not None]
