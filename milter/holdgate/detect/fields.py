"""Determines whether a value is all that a field contains, and which label or column heading names the field.

"Religion: Catholic", `"religion": "Catholic"` and a cell under the heading "Religion" are fields. "Religion: Catholic
Church history" is none, because the value continues, nor "Subject: Religion: Catholic", because the label is a value.
`spacing.py` recognises fields without a separator.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Final

from holdgate.detect.keywords import Hits, Keyword
from holdgate.detect.match import Span
from holdgate.detect.spacing import Spacing
from holdgate.detect.statements import PEOPLE
from holdgate.detect.tables import Tables

# A label is at the beginning of a line, a cell, a sentence or a pair, after any markup. A noun for a person can be
# before it: "patient's religion", "employee_religion".
_LONGEST_BEFORE: Final = 60
_OF_PERSON: Final = r"(?P<of>(?:[^\W_]{1,30}(?:['’]s)?[ _.]){0,2})"
_BEFORE: Final = re.compile(rf"(?:\A|[\n\r\t|;,{{(]|[.)] |  )[\"'`*_>#\-+\[ ]{{0,8}}{_OF_PERSON}\Z")
_BEFORE_IN_CELL: Final = re.compile(rf"[\"'`*_\[( ]{{0,8}}{_OF_PERSON}")
# What is between a label and its value.
_NOTE: Final = r"[\"'`*_\])]{0,4}(?: ?\([^()\n]{1,30}\))?\*{0,2}"
_GAP: Final = re.compile(
    rf"{_NOTE}(?:[ ._]{{0,40}}:[\"'`*_]{{0,3}}[ \t]{{0,20}}(?:\r?\n[ \t]{{0,20}})?"
    r"|(?P<equals> {0,20}=)>?[ \t]{0,20}|[ ]?(?P<cell>[\t|])[ \t]{0,20})(?P<quote>[\"'`*_(\[]{0,4})"
    r"(?:(?<=\[)\r?\n[ \t]{0,20})?"
)
_AFTER_IN_CELL: Final = re.compile(rf"{_NOTE}[\"'`*_\]):?\s]{{0,8}}")
_LINE_START: Final = re.compile(r"(?:\A|\n)[|>*_ ]{0,6}\Z")
# A value ends with its line, cell or pair, before two spaces, with its sentence, or as the attribute of an element.
_END: Final = re.compile(
    r"\.?[\"'`*_)\]]{0,4}(?:  | ?(?P<sign>\Z|[\n\r\t|;,}])|(?<=\.) (?=[^\W\d_a-z])"
    r"|(?<=[\"']) ?(?:/?>|[\w:-]{1,40}=))"
)
# A cell this far from the beginning of its line has no heading: counting the cells before it would take quadratic time.
_WIDEST_LINE: Final = 10_000
_BEFORE_VALUE: Final = frozenset(" \"'`*_([")
_LINE_ENDS: Final = frozenset(("", "\n", "\r"))
_CELL_BORDERS: Final = frozenset("\n\r\t|;,")


class Fields:
    """The fields of one text. `tables` returns its tables, which are parsed on first use.

    `record_labels` is the list of labels of records of persons (see holdgate.detect.spacing), -1 if there is none.
    """

    def __init__(self, text: str, hits: Hits, tables: Callable[[], Tables], record_labels: int = -1) -> None:
        self._text = text
        self._hits = hits
        self._tables = tables
        self._spacing = Spacing(text, hits, record_labels)
        self._values: dict[int, dict[int, Keyword]] = {}
        self._spaced: dict[int, dict[int, Keyword]] = {}
        self._starts: dict[int, frozenset[int]] = {}
        self._headings: dict[tuple[int, Span], Keyword | None] = {}

    def label(self, lists: Iterable[int], start: int, end: int, values: int = -1) -> Keyword | None:
        """Return the label, a word of `lists`, of the field whose whole value is from `start` to `end`; None if none.

        If a word of the list `values` follows, separated by a comma, the text is an enumeration, not a value.
        """
        ends = _END.match(self._text, end)
        if ends is None:
            return None
        is_cell = self._begins_cell(start)
        ends_line = ends["sign"] in _LINE_ENDS
        for number in lists:
            label = self._labelled(number).get(start)
            if label is None and ends_line:
                label = self._spaced[number].get(start)
            if label is not None:
                return None if values >= 0 and self._is_enumeration(values, ends) else label
            if is_cell:
                for span in self._tables().headings(start):
                    heading = self._heading(number, span)
                    if heading is not None:
                        return heading
            span_of_heading = self._spacing.heading(start) if self._hits.of(number) else None
            if span_of_heading is not None and (heading := self._heading(number, span_of_heading)) is not None:
                return heading
        return None

    def _begins_cell(self, start: int) -> bool:
        """Return whether a cell begins at a place, apart from quotes and markup."""
        while start and self._text[start - 1] in _BEFORE_VALUE:
            start -= 1
        if start > _WIDEST_LINE and self._text.rfind("\n", start - _WIDEST_LINE, start) < 0:
            return False
        return start == 0 or self._text[start - 1] in _CELL_BORDERS

    def _is_enumeration(self, values: int, ends: re.Match[str]) -> bool:
        if ends["sign"] not in (",", ";"):
            return False
        starts = self._starts.get(values)
        if starts is None:
            starts = frozenset(word.start for words in self._hits.of(values) for word in words)
            self._starts[values] = starts
        return ends.end() in starts or ends.end() + 1 in starts

    def _labelled(self, number: int) -> dict[int, Keyword]:
        """Return the labels of a list by the places where their values begin."""
        found = self._values.get(number)
        if found is None:
            found = self._values[number] = {}
            spaced = self._spaced[number] = {}
            for words in self._hits.of(number):
                for word in words:
                    gap = _GAP.match(self._text, word.end)
                    if gap is not None and self._is_label(word, gap):
                        found[gap.end()] = word
                    elif gap is None and (before := self._before(word)) is not None:
                        start = self._spacing.value(word, before.start("of"))
                        if start >= 0:
                            spaced[start] = word
        return found

    def _is_label(self, word: Keyword, gap: re.Match[str]) -> bool:
        """Return whether a field begins with a word."""
        start = word.start
        if gap["cell"] == "|":
            return _LINE_START.search(self._text, max(0, start - _LONGEST_BEFORE), start) is not None
        # An attribute of an element of XML.
        if gap["equals"] == "=" and gap["quote"][:1] in ('"', "'") and self._text[start - 1 : start] == " ":
            return True
        return self._before(word) is not None

    def _before(self, word: Keyword) -> re.Match[str] | None:
        """Return what is before a word that begins a field; its group `of` has the nouns for a person."""
        before = _BEFORE.search(self._text, max(0, word.start - _LONGEST_BEFORE), word.start)
        return before if before is not None and _is_of_person(before["of"]) else None

    def _heading(self, number: int, span: Span) -> Keyword | None:
        """Return the word of a list that is a whole heading; None if there is none."""
        if (number, span) not in self._headings:
            self._headings[number, span] = self._read_heading(number, span)
        return self._headings[number, span]

    def _read_heading(self, number: int, span: Span) -> Keyword | None:
        for words in self._hits.of(number):
            for index in range(bisect_left(words, (span[0],)), len(words)):
                word = words[index]
                if word.end > span[1]:
                    break
                before = _BEFORE_IN_CELL.fullmatch(self._text, span[0], word.start)
                after = _AFTER_IN_CELL.fullmatch(self._text, word.end, span[1])
                if word.start >= span[0] and before is not None and after is not None and _is_of_person(before["of"]):
                    return word
        return None


def _is_of_person(words: str) -> bool:
    """Return whether all words before a label are nouns for persons."""
    lowered = words.lower().replace("’", "'")
    return all(word.removesuffix("'s") in PEOPLE for word in re.split("[ _.]", lowered) if word)
