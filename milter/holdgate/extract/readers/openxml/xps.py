"""Reads the pages of XPS documents: joins glyph runs into lines by their positions.

Follows ECMA-388 (Open XML Paper Specification) 12.1: a producer can write a run for each line, word or letter, so only
the positions show the text of a line.
"""

import re

from holdgate.extract.readers.texts.glyph_runs import (
    IDENTITY,
    LETTER,
    Matrix,
    Run,
    lines,
    matrix_of,
    number,
    readings,
    times,
)
from holdgate.extract.readers.texts.xml_plan import EVERYTHING
from holdgate.extract.reading import Sink

CURVES = 30
"""This many outlines on a page may be letters converted to curves."""
CURVES_TO_LETTERS = 4
"""The minimum ratio of outlines to letters: a diagram has fewer outlines."""
NOT_READ = "drawing not read"
_OUTLINE = re.compile(r"[Mm]")

_ATTRIBUTES = frozenset(
    {"FixedPage.NavigateUri", "AutomationProperties.Name", "AutomationProperties.HelpText", "Name", "BookmarkName"}
)


class FixedPage:
    """Processes the elements of one page for `expat.feed`; `finish` passes on its lines."""

    wanted = EVERYTHING

    def __init__(self, sink: Sink, place: str):
        self.sink, self.place = sink, place
        self._matrices = [IDENTITY]
        self._runs: list[Run] = []
        self._outlines = 0
        self._unmapped = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        matrix = times(matrix_of(attributes.get("RenderTransform", "")), self._matrices[-1])
        if name == "Glyphs":
            self._glyphs(attributes, matrix)
        elif name == "Path":
            self._outlines += len(_OUTLINE.findall(attributes.get("Data", "")))
        elif name == "PathFigure":
            self._outlines += 1
        self._matrices.append(matrix)
        for key, value in attributes.items():
            if key in _ATTRIBUTES and value:
                self.sink.text(value, self.place)

    def end(self, _name: str) -> None:
        """Process an end tag."""
        if len(self._matrices) > 1:
            self._matrices.pop()

    def data(self, text: str) -> None:
        """Ignore character data, which the format does not use."""
        if not text.isspace():
            self.sink.text(text, self.place)

    def _glyphs(self, attributes: dict[str, str], matrix: Matrix) -> None:
        text = attributes.get("UnicodeString", "").removeprefix("{}")
        indices = attributes.get("Indices", "")
        if not text.strip():
            self._unmapped |= bool(indices)
            return
        x, y = number(attributes.get("OriginX", "")), number(attributes.get("OriginY", ""))
        em = number(attributes.get("FontRenderingEmSize", ""))
        advances = [part.split(",")[1] for part in indices.split(";") if part.count(",") and part.split(",")[1]]
        told = len(advances) >= len(text)
        width = sum(map(number, advances)) / 100 if told else LETTER * len(text)
        scale = abs(matrix[0]) or abs(matrix[1]) or 1.0
        at = (x * matrix[0] + y * matrix[2] + matrix[4], x * matrix[1] + y * matrix[3] + matrix[5])
        self._runs.append(Run(*at, (em or 1.0) * scale, width * (em or 1.0) * scale, not told, text))

    def finish(self) -> None:
        """Pass on the lines from top to bottom, and report what is unread on the page."""
        written = 0
        for line in lines(self._runs):
            self.sink.budget.check_time()
            for text in readings(line):
                self.sink.text(text, self.place)
            written += len(text)
        if self._unmapped:
            self.sink.limited("glyphs without characters")
        if self._outlines >= max(CURVES, CURVES_TO_LETTERS * written):
            self.sink.limited(NOT_READ)
