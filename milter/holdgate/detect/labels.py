"""Whose label a keyword is, where several numbers and several keywords stand side by side."""

import re
from typing import Final

from holdgate.detect.keywords import Hits, Keyword
from holdgate.detect.match import Span

# What may stand between a label and its number.
_NUMBER_WORDS: Final = frozenset(("number", "num", "no", "nr", "n", "nummer", "numero", "número", "is", "ist"))
# What stands right behind a label: a number of six digits and more, with or without letters before it, and no date.
_LABELLED: Final = re.compile(
    rf"[ :#=.]{{1,3}}(?:(?i:{'|'.join(sorted(_NUMBER_WORDS, key=len, reverse=True))})\b[ :.°#]{{1,3}})?"
    r"(?!\d{4}-\d\d-|\d\d[-.]\d\d[-.])([A-Z]{0,4} ?\d(?:[\dA-Z]|[ .-]\d){5,40})\b"
)
_BEHIND_LABEL: Final = " \t:#=.°"
_SEPARATORS: Final = b" -./"
# Short words of European languages that stand before a number, and signs for the word "number", in front of digits.
_LABEL_END: Final = re.compile(
    r"(?:(?:N[or]|n[or]?|NO|NR|[Aa][lmnstuz]|[Bb][eyi]|[Cc]e|[Dd][aeiou]|[Ee][lnt]|[Ff]a|[Gg]o|[Hh]e|[Ii][dflmnst]"
    r"|[Ll][aeo]|[Mm][aeiy]|[Nn][ae]|[Oo][fmnpru]|[Pp][aonr]|[Ss][aeinou]|[Tt][ieou]|[Uu][mnps]|[Vv]a|[Ww]e|[Yy]r|[Zz][aeou])"
    r"[ .]|[Nn]\.)[0-9 ./\-]+"
)
# Between a label and its number stands no more than this.
_LONGEST_GAP: Final = 16


class Labels:
    """The labels of one text. What stands right before a number says what it is, whatever else is near."""

    def __init__(self, text: str, mask: bytes, hits: Hits, groups: frozenset[int]) -> None:
        self._text = text
        self._mask = mask
        self._hits = hits
        self._groups = groups
        self._ends: set[int] | None = None

    def belongs_behind(self, keyword: Keyword, start: int, end: int) -> bool:
        """Whether the keyword, which stands behind the value, is the label of another number.

        That looks like the value, or the value has a label of its own: "passport 987654321, SSN 536-90-4399".
        """
        if b"00000" in self._mask[end : keyword.start]:
            return True
        first, last = self._labelled(keyword)
        if self._mask[first:last] == self._mask[start:end]:
            return True
        return self._is_rival(first, last, start, end) and self._has_label(start, 0)

    def is_spent(self, keyword: Keyword, start: int, end: int) -> bool:
        """Whether the keyword is the label of a number before the value, which has another label of its own.

        "Passport 987654321, tax number 123456789": what stands right before a number says what it is.
        """
        first, last = self._labelled(keyword)
        return last <= start and self._is_rival(first, last, start, end) and self._has_label(start, last)

    def _labelled(self, keyword: Keyword) -> Span:
        """Return where the number stands that the keyword is right before; nowhere, if there is none."""
        labelled = _LABELLED.match(self._text, keyword.end)
        return (labelled.start(1), labelled.end(1)) if labelled is not None else (0, 0)

    def _is_rival(self, first: int, last: int, start: int, end: int) -> bool:
        """Whether a number may be of the same kind as a value: "sort code 20-00-00 account 12345678" are not."""
        return first < last and _compact(self._mask[first:last]) == _compact(self._mask[start:end])

    def _has_label(self, start: int, after: int) -> bool:
        """Whether a keyword, of whatever kind, stands right before the value at `start` and ends behind `after`."""
        if self._ends is None:
            self._ends = {
                found.end for group, keywords in self._hits.found.items() if group in self._groups for found in keywords
            }
        after = max(after, start - _LONGEST_GAP)
        label = self._text[after:start].rstrip(_BEHIND_LABEL)
        if after + len(label) in self._ends:
            return True
        words = label.rpartition(" ")
        return words[2].lower() in _NUMBER_WORDS and after + len(words[0].rstrip(_BEHIND_LABEL)) in self._ends


def _compact(stretch: bytes) -> bytes:
    return stretch.translate(None, _SEPARATORS)


def ends_label(value: str) -> bool:
    """Whether what stands before the digits of a value ("No 302922", "is 302922") belongs to its label.

    `value` is as written, and begins with a letter.
    """
    return _LABEL_END.fullmatch(value) is not None
