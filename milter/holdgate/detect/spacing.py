"""Fields that only spaces or line ends separate from their values: lines of a form, and columns aligned with spaces.

"Religion   Catholic" is a field, because of the wide gap. "Religion Catholic" and "Religion", with "Catholic" in the
next line, are fields only in a record: a few lines before or after them begin with other labels in the same layout.
"""

import re
from bisect import bisect_left, bisect_right
from typing import Final, NamedTuple

from holdgate.detect.keywords import Hits, Keyword
from holdgate.detect.match import Span

_GAP: Final = re.compile(r"(?P<wide> {2,60})(?=\S)|(?P<one> )(?=\S)|(?P<below>[ \t]{0,20}\r?\n[ \t]{0,20})(?=\S)")
_LINE_START: Final = re.compile(r"(?:\A|\n)[ \t>*_\-]{0,8}\Z")
_LONGEST_INDENT: Final = 9
_LINE: Final = re.compile(r"[^\n]*[^\s][^\n]*")
# Other labels of the record are within this many characters before and after the label.
_NEAR: Final = 300
_FEWEST_LABELS: Final = 2
# A cell this far from the beginning of its line has no heading, and a heading is not longer.
_WIDEST_LINE: Final = 10_000
_LONGEST_HEADING: Final = 200
_RULE: Final = frozenset(" -=+_")


class Value(NamedTuple):
    """A place where a value begins if the layout is that of a record; `layout` is "wide", "one" or "below"."""

    start: int
    layout: str


class Spacing:
    """The layout of one text. `record_labels` is the list of labels of records of persons, -1 if there is none."""

    def __init__(self, text: str, hits: Hits, record_labels: int) -> None:
        self._text = text
        self._hits = hits
        self._record_labels = record_labels
        self._labels: dict[str, list[int]] | None = None
        self._tops: dict[int, int] = {}

    def value(self, word: Keyword, begins: int) -> int:
        """Return where the value of a label begins, -1 if it has none; the line of the label begins at `begins`."""
        found = self._after(word, begins)
        if found is None or (found.layout != "wide" and not self._is_in_record(word, found)):
            return -1
        return found.start

    def heading(self, start: int) -> Span | None:
        """Return the heading of the column, aligned with spaces, in which a cell begins; None if there is none."""
        text = self._text
        if start and text[start - 1] != "\n" and text[start - 2 : start] != "  ":
            return None
        least = max(0, start - _WIDEST_LINE)
        line = text.rfind("\n", least, start) + 1
        if not line and least:
            return None
        top = self._top(line)
        left = top + start - line
        most = min(left + _LONGEST_HEADING, len(text))
        end = text.find("\n", top, most)
        end = most if end < 0 else end
        if top == line or left >= end or text[left] == " " or (left > top and text[left - 2 : left] != "  "):
            return None
        right = text.find("  ", left, end)
        return left, end if right < 0 else right

    def _after(self, word: Keyword, begins: int) -> Value | None:
        """Return where the value after a label at the beginning of a line is."""
        if _LINE_START.search(self._text, max(0, begins - _LONGEST_INDENT), begins) is None:
            return None
        gap = _GAP.match(self._text, word.end)
        return None if gap is None else Value(gap.end(), gap.lastgroup or "")

    def _is_in_record(self, word: Keyword, found: Value) -> bool:
        """Return whether other labels in the same layout are near a label, one of them in the next or previous pair."""
        text, places = self._text, self._places()[found.layout]
        left, right = max(0, word.start - _NEAR), word.end + _NEAR
        near = [
            place for place in places[bisect_left(places, left) : bisect_right(places, right)] if place != word.start
        ]
        if len(near) < _FEWEST_LABELS:
            return False
        lines = [line.span() for line in _LINE.finditer(text, left, right)]
        own = next(index for index, line in enumerate(lines) if line[1] >= word.end)
        labelled = {
            index
            for index, line in enumerate(lines[max(own - 2, 0) : own + 3], max(own - 2, 0))
            if bisect_left(near, line[0]) < bisect_left(near, line[1])
        }
        if found.layout == "one":
            return not labelled.isdisjoint((own - 1, own + 1))
        # Labels one below the other, without values, are the fields of an empty form, or a menu.
        return labelled.isdisjoint((own - 1, own + 1)) and not labelled.isdisjoint((own - 2, own + 2))

    def _places(self) -> dict[str, list[int]]:
        """Return where lines begin with a label of a record, by layout."""
        if self._labels is None:
            found: dict[str, set[int]] = {"wide": set(), "one": set(), "below": set()}
            for words in self._hits.of(self._record_labels) if self._record_labels >= 0 else ():
                for word in words:
                    value = self._after(word, word.start)
                    if value is not None:
                        found[value.layout].add(word.start)
            self._labels = {layout: sorted(starts) for layout, starts in found.items()}
        return self._labels

    def _top(self, line: int) -> int:
        """Return the start of the first of the lines with columns, up to this one."""
        above: list[int] = []
        start = line
        while start not in self._tops:
            above.append(start)
            before = self._text.rfind("\n", 0, start - 1) + 1 if start else 0
            if not start or not self._has_columns(before):
                self._tops[start] = start
                break
            start = before
        top = self._tops[start]
        for visited in above:
            self._tops[visited] = top
        return top

    def _has_columns(self, line: int) -> bool:
        """Return whether a line has cells with wide gaps, or is a rule below a heading."""
        written = self._text[line : self._line_end(line)].strip()
        return "  " in written or (bool(written) and _RULE.issuperset(written))

    def _line_end(self, start: int) -> int:
        end = self._text.find("\n", start)
        return len(self._text) if end < 0 else end
