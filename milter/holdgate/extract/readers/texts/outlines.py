"""Estimates whether the outlines of a drawing are letters: adjacent shapes of one height on one line.

Programs that "convert text to paths" draw each letter as a filled outline. Bars and boxes of diagrams are rectangles,
and clip art has shapes of many heights, so neither looks like a line of letters.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

NOT_READ = "drawing not read"
FEWEST = 9
"""This many letters in a row may be a number that is searched for."""
_SAME = 0.15
"""Heights and baselines count as equal up to this difference, in heights: round letters overshoot."""
_NARROWEST, _WIDEST = 0.05, 1.5
_GAP = 2.0
"""The widest gap between two letters of a line, in heights."""
_MOST = 100_000


class Box(NamedTuple):
    """The bounds of an outline, y downward."""

    left: float
    top: float
    right: float
    bottom: float


def bounds(points: Iterable[tuple[float, float]]) -> Box | None:
    """Return the bounds of a closed outline; None for a rectangle or a line.

    >>> bounds([(0, 0), (4, 9), (8, 0)])
    Box(left=0, top=0, right=8, bottom=9)
    >>> bounds([(0, 0), (4, 0), (4, 9), (0, 9)]) is None
    True
    """
    corners = list(points)
    if not corners:
        return None
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    box = Box(min(xs), min(ys), max(xs), max(ys))
    height, width = box.bottom - box.top, box.right - box.left
    upright = all(x in (box.left, box.right) and y in (box.top, box.bottom) for x, y in corners)
    if upright or height <= 0 or not _NARROWEST * height <= width <= _WIDEST * height:
        return None
    return box


def are_letters(boxes: list[Box]) -> bool:
    """Return whether so many outlines are adjacent that they may be a line of letters."""
    lines: list[list[Box]] = []
    for box in sorted(boxes[:_MOST], key=lambda box: box.bottom):
        height = box.bottom - box.top
        for line in lines[-FEWEST:]:
            first = line[0]
            tall = first.bottom - first.top
            if abs(first.bottom - box.bottom) <= _SAME * tall and abs(tall - height) <= _SAME * tall:
                line.append(box)
                break
        else:
            lines.append([box])
    return any(_longest(line) >= FEWEST for line in lines)


def _longest(line: list[Box]) -> int:
    """Return the maximum number of consecutive boxes of a line without a wide gap."""
    longest = run = 1
    for before, box in pairwise(sorted(line)):
        near = -_SAME * (box.bottom - box.top) <= box.left - before.right <= _GAP * (box.bottom - box.top)
        run = run + 1 if near else 1
        longest = max(longest, run)
    return longest
