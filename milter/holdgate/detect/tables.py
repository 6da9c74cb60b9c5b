"""Tables in a text: the heading of a column is evidence for every cell under it, however far down.

Rows are lines with the same number of separators (tab, pipe, semicolon, comma); the first line of such a block is its
heading. In a spreadsheet each cell is a place of its own ("sheet Salaries, B7"), and the topmost cell of a column is.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence

from holdgate.detect.match import Span

_SEPARATORS = "\t|;,"
_CELL = re.compile(r"(.*?)(?:, |!)?([A-Z]{1,3})(\d{1,7})")
_HEADING_ROWS = 3
_LEAST_ROWS = 2


class Tables:
    """The tables of one text. Built when the first value without a keyword asks; costs one pass over the lines."""

    def __init__(self, text: str, places: Sequence[tuple[int, str]] = ()) -> None:
        self._text = text
        self._blocks: list[tuple[int, int, str, list[Span]]] = []
        self._starts: list[int] = []
        self._places = places
        self._columns: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
        if places:
            self._read_places(len(text))
        elif any(separator in text for separator in _SEPARATORS):
            self._read_lines()

    def headings(self, position: int) -> list[Span]:
        """Return where the headings of the column stand that the character at `position` belongs to; [] if none."""
        if self._places:
            return self._place_headings(position)
        index = bisect_right(self._starts, position) - 1
        if index < 0:
            return []
        start, end, separator, cells = self._blocks[index]
        if not start <= position < end:
            return []
        line = self._text.rfind("\n", 0, position) + 1
        if line <= start:
            return []
        column = self._text.count(separator, line, position)
        return [cells[column]] if column < len(cells) else []

    def in_heading_row(self, position: int, of: int) -> bool:
        """Whether `position` stands in the heading row of the table that holds the value at `of`."""
        index = bisect_right(self._starts, of) - 1
        if index < 0:
            return False
        start, end, _, cells = self._blocks[index]
        return start <= of < end and start <= position <= cells[-1][1]

    def _read_lines(self) -> None:
        text = self._text
        offset = 0
        block: tuple[int, int, int, str, int] | None = None
        for line in text.splitlines(keepends=True):
            separator = next((mark for mark in _SEPARATORS if mark in line), "")
            count = line.count(separator) if separator else 0
            if block is not None and block[3] == separator and block[4] == count:
                block = (block[0], offset + len(line), block[2] + 1, separator, count)
            else:
                self._close(block)
                block = (offset, offset + len(line), 1, separator, count) if count else None
            offset += len(line)
        self._close(block)

    def _close(self, block: tuple[int, int, int, str, int] | None) -> None:
        if block is None or block[2] < _LEAST_ROWS:
            return
        start, end, _, separator, _ = block
        cells: list[Span] = []
        stop = self._text.find("\n", start, end)
        left = start
        while left <= stop:
            right = self._text.find(separator, left, stop)
            right = stop if right < 0 else right
            cells.append((left, right))
            left = right + 1
        self._starts.append(start)
        self._blocks.append((start, end, separator, cells))

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
