"""Finds letters that the drawings in an HTML page (SVG elements) draw as outlines, or as copies of shapes."""

import re

from holdgate.extract.readers.texts import outlines
from holdgate.extract.readers.texts.path_data import figures
from holdgate.extract.readers.texts.xml_lines import USES
from holdgate.extract.reading import Sink

_TOKEN = re.compile(r"<(/?svg)\b|<(use)\b|\bd\s*=\s*[\"']\s*([Mm][^\"'<>]*)", re.IGNORECASE)


def check(source: str, sink: Sink) -> None:
    """Report that a drawing is not read if one of the drawings looks like a line of letters.

    Transforms are ignored, because a program draws the letters of one line with the same transform. A page with many
    icons has many drawings, each of one shape.
    """
    boxes: list[outlines.Box] = []
    uses = depth = 0
    for svg, use, path in _TOKEN.findall(source):
        if svg:
            depth = max(0, depth + (-1 if svg.startswith("/") else 1))
            if not depth:
                if uses >= USES or outlines.are_letters(boxes):
                    sink.limited(outlines.NOT_READ)
                    return
                boxes, uses = [], 0
        elif depth and use:
            uses += 1
        elif depth:
            boxes += [box for figure in figures(path) if (box := outlines.bounds(figure)) is not None]
            sink.budget.check_time()
    if depth and (uses >= USES or outlines.are_letters(boxes)):
        sink.limited(outlines.NOT_READ)
