"""Reads the path notation that SVG, OpenDocument and VML share into figures: lists of points with the control points.

Follows SVG 2, 9.3 (path data), OpenDocument 1.3 part 3, 19.145 (draw:enhanced-path), and [MS-OI29500] 2.1.1775 (VML
paths). Arcs are represented by their ends: the size of a letter does not depend on them.
"""

import re
from collections.abc import Iterator

Figure = list[tuple[float, float]]

LONGEST = 4_000_000
_TOKEN = re.compile(r"([A-Za-z])|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
# How many numbers each command takes (lower case); the last two are the point that it reaches.
_TAKES = {"m": 2, "l": 2, "t": 2, "c": 6, "s": 4, "q": 4, "a": 7, "h": 1, "v": 1}
_VML_TOKEN = re.compile(r"([a-z]+)|(-?\d+)|,")
_VML_RELATIVE = {"t": "m", "r": "l", "v": "c"}


def figures(data: str) -> Iterator[Figure]:
    """Yield the figures of SVG path data; unknown commands are skipped with their numbers.

    >>> list(figures("M1 2l3,0 0 4zm9 0h1"))
    [[(1.0, 2.0), (4.0, 2.0), (4.0, 6.0)], [(10.0, 2.0), (11.0, 2.0)]]
    """
    figure: Figure = []
    command, numbers = "", list[float]()
    x = y = 0.0
    for letter, number in _TOKEN.findall(data[:LONGEST]):
        if letter:
            command, numbers = letter, []
            if letter in "zZ" and figure:
                x, y = figure[0]
            continue
        numbers.append(float(number))
        kind = command.lower()
        if len(numbers) < _TAKES.get(kind, len(numbers) + 1):
            continue
        base_x, base_y = (x, y) if command.islower() else (0.0, 0.0)
        if kind == "h":
            points = [(base_x + numbers[0], y)]
        elif kind == "v":
            points = [(x, base_y + numbers[0])]
        else:
            pairs = numbers[-2:] if kind == "a" else numbers
            points = [(base_x + a, base_y + b) for a, b in zip(pairs[::2], pairs[1::2], strict=True)]
        x, y = points[-1]
        numbers = []
        if kind == "m":
            if figure:
                yield figure
            figure = []
            command = "l" if command == "m" else "L"
        figure += points
    if figure:
        yield figure


def vml_figures(data: str) -> Iterator[Figure]:
    """Yield the figures of a VML path, in which an omitted number is 0.

    >>> list(vml_figures("m10,l20,r5,5xe"))
    [[(10.0, 0.0), (20.0, 0.0), (25.0, 5.0)]]
    """
    figure: Figure = []
    x = y = 0.0
    for command, arguments in _vml_commands(data[:LONGEST]):
        kind = _VML_RELATIVE.get(command, command)
        if kind not in ("m", "l", "c"):
            continue
        if kind == "m":
            if figure:
                yield figure
            figure = []
        step = 6 if kind == "c" else 2
        for at in range(0, len(arguments) - len(arguments) % step, step):
            base_x, base_y = (x, y) if command != kind else (0.0, 0.0)
            pairs = arguments[at : at + step]
            points = [(base_x + a, base_y + b) for a, b in zip(pairs[::2], pairs[1::2], strict=True)]
            x, y = points[-1]
            figure += points
    if figure:
        yield figure


def _vml_commands(data: str) -> Iterator[tuple[str, list[float]]]:
    """Yield each command with its numbers; a comma without a number before it stands for 0."""
    command, numbers, empty = "", list[float](), True
    for match in _VML_TOKEN.finditer(data):
        if match[1]:
            if command and empty and numbers:
                numbers.append(0.0)
            yield from ((command, numbers),) if command else ()
            # "xe" and "nfm" are two commands: the last letter has the numbers.
            command, numbers, empty = match[1][-1], [], True
        elif match[2]:
            numbers.append(float(match[2]))
            empty = False
        else:
            if empty:
                numbers.append(0.0)
            empty = True
    if command:
        if empty and numbers:
            numbers.append(0.0)
        yield command, numbers
