"""Joins runs of letters into lines by their positions: XPS and SVG can have one for each word or letter."""

import re
from dataclasses import dataclass
from itertools import pairwise

_NUMBERS = re.compile(r"[-+.\deE]+")
# Widths are in ems. If the producer gives no width, a letter is about half an em wide.
LETTER = 0.5
_SPACE = 0.2
_SPACE_WHERE_GUESSED = 0.45
_SAME_LINE = 0.3

Matrix = tuple[float, float, float, float, float, float]
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Run:
    """Some letters, their start, and their width; `guessed` if the producer gives no width."""

    x: float
    y: float
    em: float
    width: float
    guessed: bool
    text: str


def lines(runs: list[Run]) -> list[list[Run]]:
    """Group runs with almost the same baseline, in the order of baselines and then of x."""
    found: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: run.y):
        if found and abs(run.y - found[-1][0].y) <= _SAME_LINE * max(run.em, found[-1][0].em):
            found[-1].append(run)
        else:
            found.append([run])
    return [sorted(line, key=lambda run: run.x) for line in found]


def readings(line: list[Run]) -> list[str]:
    """Return the text of a line; two texts if it is unknown whether adjacent runs are words or letters."""
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


def matrix_of(value: str) -> Matrix:
    """Read "a,b,c,d,e,f" (14.4.1); the identity for anything else."""
    numbers = [number(found) for found in _NUMBERS.findall(value)]
    if len(numbers) != 6:
        return IDENTITY
    return (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])


def times(inner: Matrix, outer: Matrix) -> Matrix:
    """Return the transform that applies `inner` first."""
    a, b, c, d, e, f = inner
    g, h, i, j, k, m = outer
    return (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m)


def number(text: str) -> float:
    """Return a text as a number, 0 if it is not one."""
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if abs(found) < 1e9 else 0.0
