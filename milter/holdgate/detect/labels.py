"""Determines to which number a keyword belongs, if several numbers and keywords are adjacent."""

import re
from collections.abc import Iterable
from typing import Final

from holdgate.detect.keywords import Hits, Keyword
from holdgate.detect.match import Span

# Words that can be between a label and its number.
_NUMBER_WORDS: Final = frozenset(("number", "num", "no", "nr", "n", "nummer", "numero", "número", "is", "ist"))
# What follows a label directly, with any markup between: a number of six or more digits, with or without letters before
# it, but not a date.
_LABELLED: Final = re.compile(
    rf"[ :#=.*_|\"'`~>\t]{{1,8}}(?:(?i:{'|'.join(sorted(_NUMBER_WORDS, key=len, reverse=True))})\b[ :.°#]{{1,3}})?"
    r"(?!\d{4}-\d\d-|\d\d[-.]\d\d[-.])([A-Z]{0,4} ?\d(?:[\dA-Z]|[ .-]\d){5,40})\b"
)
_BEHIND_LABEL: Final = " \t:#=.°*_|\"'`~()[]<>/"
_SEPARATORS: Final = b" -./"
# Short words of European languages before a number, and signs for the word "number", before digits.
_LABEL_END: Final = re.compile(
    r"(?:(?:N[or]|n[or]?|NO|NR|[Aa][lmnstuz]|[Bb][eyi]|[Cc]e|[Dd][aeiou]|[Ee][lnt]|[Ff]a|[Gg]o|[Hh]e|[Ii][dflmnst]"
    r"|[Ll][aeo]|[Mm][aeiy]|[Nn][ae]|[Oo][fmnpru]|[Pp][aonr]|[Ss][aeinou]|[Tt][ieou]|[Uu][mnps]|[Vv]a|[Ww]e|[Yy]r|[Zz][aeou])"
    r"[ .]|[Nn]\.)[0-9 ./\-]+"
)
# Maximum distance between a label and its number.
_LONGEST_GAP: Final = 16
# What separates a keyword from the label of another number: a number, the end of a line or of a sentence.
_PARTED: Final = re.compile(r"\d{4}|\d[ .\-/]?\d{2}|[\n;|]|[.!?]\s")


class Labels:
    """The labels of one text. The text directly before a number defines it, whatever else is near."""

    def __init__(self, text: str, mask: bytes, hits: Hits, groups: frozenset[int], others: frozenset[int]) -> None:
        self._text = text
        self._mask = mask
        self._hits = hits
        self._groups = groups
        self._others = others
        self._ends: dict[int, int] | None = None
        self._other_ends: dict[int, int] | None = None

    def is_taken(self, keyword: Keyword, start: int, end: int, lists: Iterable[int]) -> bool:
        """Whether the value has its own label directly before it, of which the keyword is not a part.

        A word of `lists`, which can label such a value, does not count as another label.
        """
        label = self._own_label(start)
        if label is None or any(self._hits.inside(number, label) is not None for number in lists):
            return False
        if keyword.start >= end:
            # After the value, a label in the same line may be one of two labels of the value.
            return "\n" in self._text[end : keyword.start]
        return keyword.end <= label[0] and _PARTED.search(self._text, keyword.end, label[0]) is not None

    def names_another(self, start: int) -> bool:
        """Whether the label directly before the value says that it is not personal: a part, an order, a document."""
        if self._other_ends is None:
            self._other_ends = self._ends_of(self._others)
        return self._label_at(self._other_ends, start) is not None

    def _own_label(self, start: int) -> Span | None:
        """Return the span of the label directly before a value, or None."""
        if self._ends is None:
            self._ends = self._ends_of(self._groups | self._others)
        return self._label_at(self._ends, start)

    def _ends_of(self, groups: frozenset[int]) -> dict[int, int]:
        """Return the starts of the keywords of some groups, by their ends; of several with one end, the longest."""
        ends: dict[int, int] = {}
        for group, keywords in self._hits.found.items():
            if group in groups:
                for found in keywords:
                    ends[found.end] = min(found.start, ends.get(found.end, found.start))
        return ends

    def _label_at(self, ends: dict[int, int], start: int, after: int = 0) -> Span | None:
        """Return the label that ends directly before `start` and after `after`; a word for "number" can follow it."""
        after = max(after, start - _LONGEST_GAP)
        label = self._text[after:start].rstrip(_BEHIND_LABEL)
        if label.endswith("\n"):
            # A label above its number ends with a colon.
            label = label.rstrip()
            if not label.endswith(":"):
                return None
            label = label.rstrip(_BEHIND_LABEL)
        end = after + len(label)
        if end in ends:
            return ends[end], end
        words = label.rpartition(" ")
        if words[2].lower() in _NUMBER_WORDS:
            end = after + len(words[0].rstrip(_BEHIND_LABEL))
            if end in ends:
                return ends[end], end
        return None

    def belongs_behind(self, keyword: Keyword, start: int, end: int) -> bool:
        """Whether the keyword, which is after the value, is the label of another number.

        That number looks like the value, or the value has its own label: "passport 987654321, SSN 536-90-4399".
        """
        if b"00000" in self._mask[end : keyword.start]:
            return True
        first, last = self._labelled(keyword)
        if self._mask[first:last] == self._mask[start:end]:
            return True
        return self._is_rival(first, last, start, end) and self._has_label(start, 0)

    def belongs_to_earlier_number(self, keyword: Keyword, start: int, end: int) -> bool:
        """Whether the keyword is the label of a number before the value, which has another label of its own.

        "Passport 987654321, tax number 123456789": the text directly before a number defines it.
        """
        first, last = self._labelled(keyword)
        return last <= start and self._is_rival(first, last, start, end) and self._has_label(start, last)

    def _labelled(self, keyword: Keyword) -> Span:
        """Return the span of the number directly after the keyword; an empty span if there is none."""
        labelled = _LABELLED.match(self._text, keyword.end)
        return (labelled.start(1), labelled.end(1)) if labelled is not None else (0, 0)

    def _is_rival(self, first: int, last: int, start: int, end: int) -> bool:
        """Whether a number may be of the same kind as a value; not in "sort code 20-00-00 account 12345678"."""
        return first < last and _compact(self._mask[first:last]) == _compact(self._mask[start:end])

    def _has_label(self, start: int, after: int) -> bool:
        """Whether a keyword of any kind is directly before the value at `start` and ends after `after`."""
        label = self._own_label(start)
        return label is not None and label[1] >= after


def _compact(stretch: bytes) -> bytes:
    return stretch.translate(None, _SEPARATORS)


def ends_label(value: str) -> bool:
    """Whether the text before the digits of a value ("No 302922", "is 302922") belongs to its label.

    `value` is in its written form, and begins with a letter.
    """
    return _LABEL_END.fullmatch(value) is not None
