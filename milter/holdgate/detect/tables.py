"""Tables in a text: the heading of a column is evidence for every cell under it, at any distance.

Rows are lines with the same number of separators (tab, pipe, semicolon, comma); the first line of such a block is the
heading. In a spreadsheet each cell has its own place ("sheet Salaries, B7"), and the heading is the top cell of a
column. In SQL the names in parentheses before VALUES are the headings of the values in parentheses after it.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import islice
from typing import Final

from holdgate.detect.match import Span

_SEPARATORS: Final = "\t|;,"
_CELL: Final = re.compile(r"(.*?)(?:, |!)?([A-Z]{1,3})(\d{1,7})")
_ROW: Final = "row "
_HEADING_ROWS: Final = 3


_INSERT: Final = re.compile(r"\binsert\s+into\s+[^\s(]{1,130}\s*\(([^()]{1,4000})\)\s*values\b", re.IGNORECASE)
_MOST_INSERTS: Final = 5_000
# Maximum length of a row in parentheses.
_LONGEST_ROW: Final = 4_000
_QUOTED: Final = re.compile(r"'(?:[^']|'')*(?:'|\Z)")


class Tables:
    """The tables of one text. Only lines around the requested values are parsed, each of them once."""

    def __init__(self, text: str, places: Sequence[tuple[int, str]] = ()) -> None:
        self._text = text
        if places and places[0][1].startswith(_ROW):  # of a file of CSV, whose fields have no places of their own
            places = ()
        self._tables = any(separator in text for separator in _SEPARATORS) and not places
        self._tops: dict[int, int] = {}
        self._layouts: dict[int, tuple[str, int]] = {}
        self._cells: dict[int, list[Span]] = {}
        self._places = places
        self._inserts: list[tuple[int, int]] | None = None
        self._columns: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
        # One value is looked up several times.
        self._asked: tuple[int, list[Span]] = (-1, [])
        if places:
            self._read_places(len(text))

    def headings(self, position: int) -> list[Span]:
        """Return the spans of the headings of the column that contains the character at `position`; [] if none."""
        if self._asked[0] != position:
            self._asked = position, self._headings(position)
        return self._asked[1]

    def _headings(self, position: int) -> list[Span]:
        if self._places:
            return self._place_headings(position)
        insert = self._insert(position)
        if insert >= 0:
            return self._names(insert, position)
        top, line = self._top(position)
        if top == line:
            return []
        separator, _ = self._layout(line)
        column = self._text.count(separator, line, position)
        cells = self._heading(top, separator)
        return [cells[column]] if column < len(cells) else []

    def in_heading_row(self, position: int, of: int) -> bool:
        """Whether `position` is in the heading row of the table that contains the value at `of`."""
        insert = self._insert(of)
        if insert >= 0:
            return self._insert_spans()[insert][0] <= position <= self._insert_spans()[insert][1]
        top, line = self._top(of)
        return top != line and top <= position <= self._line_end(top)

    def _insert_spans(self) -> list[tuple[int, int]]:
        """Return the spans of the column names in each INSERT statement of the text."""
        if self._inserts is None:
            some = "VALUES" in self._text or "values" in self._text
            found = islice(_INSERT.finditer(self._text), _MOST_INSERTS) if some else ()
            self._inserts = [insert.span(1) for insert in found]
        return self._inserts

    def in_insert(self, position: int) -> bool:
        """Whether a value is in an INSERT statement."""
        return self._insert(position) >= 0

    def _insert(self, position: int) -> int:
        """Return the INSERT statement whose values contain `position`, -1 for none."""
        spans = self._insert_spans()
        index = bisect_right(spans, (position, 0)) - 1
        if index < 0 or position <= spans[index][1]:
            return -1
        start = max(spans[index][1] + 1, position - _LONGEST_ROW)
        return index if ");" not in _QUOTED.sub("", self._text[start:position]) else -1

    def _names(self, insert: int, position: int) -> list[Span]:
        """Return the span of the column name for a value in a row of an INSERT statement."""
        left, right = self._insert_spans()[insert]
        start = max(right + 1, position - _LONGEST_ROW)
        before = _QUOTED.sub(lambda quoted: "_" * len(quoted[0]), self._text[start:position])
        row = before.rfind("(")
        # The opening quote of the value itself has no closing quote before it.
        column = before.count(",", row + 1) if row >= 0 else -1
        for name in re.finditer("[^,]+", self._text[left:right]):
            if column == 0:
                return [(left + name.start(), left + name.end())]
            column -= 1
        return []

    def row(self, position: int) -> str:
        """Return the sheet and row that contain `position`; "" if the text has no cells."""
        if not self._places:
            return ""
        cell = self._cell(position)
        return f"{cell[1]} {cell[3]}" if cell is not None else ""

    def _cell(self, position: int) -> re.Match[str] | None:
        index = bisect_right(self._places, position, key=lambda place: place[0]) - 1
        return _CELL.fullmatch(self._places[index][1]) if index >= 0 else None

    def _top(self, position: int) -> tuple[int, int]:
        """Return the start of the first line of the table that contains `position`, and the start of its own line."""
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
        """Return the separator of the line that begins at `line`, and its number in the line; "" and 0 for none."""
        layout = self._layouts.get(line)
        if layout is None:
            end = self._line_end(line)
            counts = ((separator, self._text.count(separator, line, end)) for separator in _SEPARATORS)
            layout = self._layouts[line] = next((found for found in counts if found[1]), ("", 0))
        return layout

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
        cell = self._cell(position)
        if cell is None:
            return []
        return [(start, end) for row, start, end in self._columns.get((cell[1], cell[2]), []) if row < int(cell[3])]
