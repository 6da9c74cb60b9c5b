"""Collects the text of an SVG drawing, also by position, because editors write an element for each word or letter.

Follows SVG 2, 11.2 (text), 11.4 (positions of letters) and 8.5 (transforms, of which those of scale and place count).
"""

import re
from dataclasses import dataclass, field

from holdgate.extract.readers.texts.glyph_runs import IDENTITY, LETTER, Matrix, Run, lines, number, readings, times
from holdgate.extract.readers.texts.xml_lines import Lines

_TRANSFORM = re.compile(r"(matrix|translate|scale)\s*\(([^()]{1,200})\)")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_PLACED = frozenset({"text", "tspan"})
_SIZE = re.compile(r"(?:^|;)\s*font-size\s*:\s*([\d.]+)")
_USUAL_SIZE = 16.0
_MOST_RUNS = 100_000


@dataclass(slots=True)
class SvgLines(Lines):
    """Processes the elements of a drawing."""

    matrices: list[Matrix] = field(default_factory=lambda: [IDENTITY])
    sizes: list[float] = field(default_factory=lambda: [_USUAL_SIZE])
    place: tuple[float, float] = (0.0, 0.0)
    run: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        Lines.start(self, name, attributes)
        size = attributes.get("font-size", "") or "".join(_SIZE.findall(attributes.get("style", ""))[:1])
        self.sizes.append(_first(size) or self.sizes[-1])
        self.matrices.append(times(_matrix(attributes.get("transform", "")), self.matrices[-1]))
        if name in _PLACED:
            self._finish_run()
            if "x" in attributes or "y" in attributes or name == "text":
                x = _first(attributes.get("x", "0" if name == "text" else ""))
                y = _first(attributes.get("y", "0" if name == "text" else ""))
                self.place = self.place[0] if x is None else x, self.place[1] if y is None else y

    def end(self, name: str) -> None:
        """Process an end tag."""
        if name in _PLACED:
            self._finish_run()
        if len(self.matrices) > 1:
            self.matrices.pop()
            self.sizes.pop()
        Lines.end(self, name)

    def data(self, text: str) -> None:
        """Process character data."""
        Lines.data(self, text)
        if not self.unseen:
            self.run.append(text)

    def _add_piece(self, name: str, piece: str, key: str = "") -> None:
        """Ignore it: the runs of a drawing are joined by their places."""

    def _finish_run(self) -> None:
        text = "".join(self.run).strip()
        self.run.clear()
        if not text or len(self.runs) >= _MOST_RUNS:
            return
        (x, y), (a, b, c, d, e, f) = self.place, self.matrices[-1]
        scale = abs(a) or abs(b) or 1.0
        em = (self.sizes[-1] or _USUAL_SIZE) * scale
        self.runs.append(Run(x * a + y * c + e, x * b + y * d + f, em, LETTER * len(text) * em, True, text))
        self.place = x + LETTER * len(text) * self.sizes[-1], y

    def drawn_lines(self) -> list[str]:
        """Return the lines whose pieces are in several elements."""
        return [text for line in lines(self.runs) if len(line) > 1 for text in readings(line)]


def _first(value: str) -> float | None:
    """Return the first number of a list, None if there is none."""
    found = _NUMBER.search(value)
    return number(found[0]) if found else None


def _matrix(value: str) -> Matrix:
    """Return the effect of a list of transforms; the first is applied last."""
    matrix = IDENTITY
    for kind, arguments in _TRANSFORM.findall(value):
        numbers = [number(found) for found in _NUMBER.findall(arguments)]
        if kind == "matrix" and len(numbers) == 6:
            step: Matrix = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])
        elif kind == "translate" and numbers:
            step = (1.0, 0.0, 0.0, 1.0, numbers[0], numbers[1] if len(numbers) > 1 else 0.0)
        elif kind == "scale" and numbers:
            step = (numbers[0], 0.0, 0.0, numbers[-1], 0.0, 0.0)
        else:
            continue
        matrix = times(step, matrix)
    return matrix
