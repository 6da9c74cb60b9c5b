"""Tables in a text: the heading of a column is evidence for every cell under it, however far down.

Rows are lines with the same number of separators (tab, pipe, semicolon, comma); the first line of such a block is its
heading. In a spreadsheet each cell is a place of its own ("sheet Salaries, B7"), and the topmost cell of a column is.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from holdgate.detect.match import Span

_SEPARATORS: Final = "\t|;,"
_CELL: Final = re.compile(r"(.*?)(?:, |!)?([A-Z]{1,3})(\d{1,7})")
_HEADING_ROWS: Final = 3


class Tables:
    """The tables of one text. Only lines round the values that ask are looked at, each of them once."""

    def __init__(self, text: str, places: Sequence[tuple[int, str]] = ()) -> None:
        self._text = text
        self._tables = any(separator in text for separator in _SEPARATORS) and not places
        self._tops: dict[int, int] = {}
        self._cells: dict[int, list[Span]] = {}
        self._places = places
        self._columns: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
        if places:
            self._read_places(len(text))

    def headings(self, position: int) -> list[Span]:
        """Return where the headings of the column stand that the character at `position` belongs to; [] if none."""
        if self._places:
            return self._place_headings(position)
        top, line = self._top(position)
        if top == line:
            return []
        separator, _ = self._layout(line)
        column = self._text.count(separator, line, position)
        cells = self._heading(top, separator)
        return [cells[column]] if column < len(cells) else []

    def in_heading_row(self, position: int, of: int) -> bool:
        """Whether `position` stands in the heading row of the table that holds the value at `of`."""
        top, line = self._top(of)
        return top != line and top <= position <= self._line_end(top)

    def _top(self, position: int) -> tuple[int, int]:
        """Return where the first line of the table begins that `position` is in, and where its own line begins."""
        line = self._text.rfind("\n", 0, position) + 1
        if not self._tables:
            return line, line
        above: list[int] = []
        start = line
        layout = self._layout(line)
        while start not in self._tops:
            above.append(start)
            before = self._text.rfind("\n", 0, start - 1) + 1 if start else 0
            if not layout[0] or not start or self._layout(before) != layout:
                self._tops[start] = start
                break
            start = before
        top = self._tops[start]
        for visited in above:
            self._tops[visited] = top
        return top, line

    def _line_end(self, start: int) -> int:
        end = self._text.find("\n", start)
        return len(self._text) if end < 0 else end

    def _layout(self, line: int) -> tuple[str, int]:
        """Return the separator of the line that begins at `line`, and how often it has it; "" and 0 for none."""
        end = self._line_end(line)
        for separator in _SEPARATORS:
            count = self._text.count(separator, line, end)
            if count:
                return separator, count
        return "", 0

    def _heading(self, top: int, separator: str) -> list[Span]:
        cells = self._cells.get(top)
        if cells is None:
            cells = self._cells[top] = []
            stop = self._line_end(top)
            left = top
            while left <= stop:
                right = self._text.find(separator, left, stop)
                right = stop if right < 0 else right
                cells.append((left, right))
                left = right + 1
        return cells

    def _read_places(self, length: int) -> None:
        places = self._places
        for index, (start, name) in enumerate(places):
            cell = _CELL.fullmatch(name)
            if cell is None:
                continue
            rows = self._columns.setdefault((cell[1], cell[2]), [])
            if len(rows) < _HEADING_ROWS:
                end = places[index + 1][0] if index + 1 < len(places) else length
                rows.append((int(cell[3]), start, end))

    def _place_headings(self, position: int) -> list[Span]:
        index = bisect_right(self._places, position, key=lambda place: place[0]) - 1
        cell = _CELL.fullmatch(self._places[index][1]) if index >= 0 else None
        if cell is None:
            return []
        return [(start, end) for row, start, end in self._columns.get((cell[1], cell[2]), []) if row < int(cell[3])]
