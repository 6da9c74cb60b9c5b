"""Reads the pages of XPS documents: glyph runs put together to lines by where they are drawn.

Follows ECMA-388 (Open XML Paper Specification) 12.1: a producer may write a run for each line, word or letter, so the
text of a line is only known from the positions.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from holdgate.extract.readers.texts.xml_plan import EVERYTHING
from holdgate.extract.reading import Sink

CURVES = 60
"""So many drawn paths on a page with next to no text may be letters turned into curves."""
SPARSE_TEXT = 16
NOT_READ = "drawing not read"

_ATTRIBUTES = frozenset(
    {"FixedPage.NavigateUri", "AutomationProperties.Name", "AutomationProperties.HelpText", "Name", "BookmarkName"}
)
_NUMBERS = re.compile(r"[-+.\deE]+")
# Widths are in ems. A letter is about half an em wide where the producer does not say it.
_LETTER = 0.5
_SPACE = 0.2
_SPACE_WHERE_GUESSED = 0.45
_SAME_LINE = 0.3

Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Run:
    x: float
    y: float
    em: float
    width: float
    guessed: bool
    text: str


class FixedPage:
    """Takes the elements of one page as `expat.feed` finds them; `finish` hands over its lines."""

    wanted = EVERYTHING

    def __init__(self, sink: Sink, place: str):
        self.sink, self.place = sink, place
        self._matrices = [_IDENTITY]
        self._runs: list[_Run] = []
        self._paths = 0
        self._unmapped = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take a start tag."""
        matrix = _times(_matrix(attributes.get("RenderTransform", "")), self._matrices[-1])
        if name == "Glyphs":
            self._glyphs(attributes, matrix)
        elif name == "Path":
            self._paths += 1
        self._matrices.append(matrix)
        for key, value in attributes.items():
            if key in _ATTRIBUTES and value:
                self.sink.text(value, self.place)

    def end(self, _name: str) -> None:
        """Take an end tag."""
        if len(self._matrices) > 1:
            self._matrices.pop()

    def data(self, text: str) -> None:
        """Take character data, which the format does not have."""
        if not text.isspace():
            self.sink.text(text, self.place)

    def _glyphs(self, attributes: dict[str, str], matrix: Matrix) -> None:
        text = attributes.get("UnicodeString", "").removeprefix("{}")
        indices = attributes.get("Indices", "")
        if not text.strip():
            self._unmapped |= bool(indices)
            return
        x, y = _number(attributes.get("OriginX", "")), _number(attributes.get("OriginY", ""))
        em = _number(attributes.get("FontRenderingEmSize", ""))
        advances = [part.split(",")[1] for part in indices.split(";") if part.count(",") and part.split(",")[1]]
        told = len(advances) >= len(text)
        width = sum(map(_number, advances)) / 100 if told else _LETTER * len(text)
        scale = abs(matrix[0]) or abs(matrix[1]) or 1.0
        at = (x * matrix[0] + y * matrix[2] + matrix[4], x * matrix[1] + y * matrix[3] + matrix[5])
        self._runs.append(_Run(*at, (em or 1.0) * scale, width * (em or 1.0) * scale, not told, text))

    def finish(self) -> None:
        """Hand over the lines from top to bottom, and say what of the page stays unread."""
        written = 0
        for line in _lines(self._runs):
            self.sink.budget.check_time()
            for text in _readings(line):
                self.sink.text(text, self.place)
            written += len(text)
        if self._unmapped:
            self.sink.limited("glyphs without characters")
        if self._paths >= CURVES and written < SPARSE_TEXT:
            self.sink.limited(NOT_READ)


def _lines(runs: list[_Run]) -> list[list[_Run]]:
    """Group runs whose baselines are as good as one, in the order of baselines and then of x."""
    lines: list[list[_Run]] = []
    for run in sorted(runs, key=lambda run: run.y):
        if lines and abs(run.y - lines[-1][0].y) <= _SAME_LINE * max(run.em, lines[-1][0].em):
            lines[-1].append(run)
        else:
            lines.append([run])
    return [sorted(line, key=lambda run: run.x) for line in lines]


def _readings(line: list[_Run]) -> list[str]:
    """Return the text of a line; two texts where the producer does not say whether words or letters are next to."""
    apart, together = [line[0].text], [line[0].text]
    for before, run in pairwise(line):
        gap = (run.x - before.x - before.width) / max(before.em, 0.01)
        if before.guessed:
            letter = len(before.text) == 1
            together.append(" " if letter and gap > _SPACE_WHERE_GUESSED else "")
            apart.append(together[-1] if letter else " ")
        else:
            together.append(" " if gap > _SPACE else "")
            apart.append(together[-1])
        apart.append(run.text)
        together.append(run.text)
    return list(dict.fromkeys(("".join(apart), "".join(together))))


def _matrix(value: str) -> Matrix:
    """Read "a,b,c,d,e,f" (14.4.1), the identity for anything else."""
    numbers = [_number(number) for number in _NUMBERS.findall(value)]
    if len(numbers) != 6:
        return _IDENTITY
    return (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])


def _times(inner: Matrix, outer: Matrix) -> Matrix:
    """Return the transform that applies `inner` first."""
    a, b, c, d, e, f = inner
    g, h, i, j, k, m = outer
    return (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if abs(number) < 1e9 else 0.0
