"""Joins words that OCR recognised into lines, and finds the lines that a further reading adds to the first.

Tesseract's page layout treats a monospaced list as columns, and returns all names, then the first groups of all
numbers, and so on. Here the boxes of the words decide: words at the same height are one line, from left to right.
"""

import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_SAME_LINE = 0.5
"""Words are in one line if their boxes overlap by this share of the lower one's height."""
_NUMBER_DIGITS = 8
"""Letters are treated as digits in runs with this many digits: the shortest identifiers with a check digit."""

# Letters that OCR returns instead of digits. Sans-serif fonts draw some of them alike.
_DIGITS = {"O": "0", "o": "0", "Q": "0", "D": "0", "I": "1", "l": "1", "i": "1", "|": "1", "]": "1", "Z": "2", "z": "2",
           "S": "5", "s": "5", "G": "6", "B": "8", "g": "9", "q": "9"}  # fmt: skip
_LIKE = "".join(map(re.escape, _DIGITS))
_TABLE = str.maketrans(_DIGITS)
# Groups of digits and letters like digits, each with a digit; the first can begin with a country code (ISO 13616).
_GROUP = rf"(?=[{_LIKE}]*\d)[\d{_LIKE}]+"
_NUMBER = re.compile(
    rf"(?<![^\W_])(?:([A-Z]{{2}})([\d{_LIKE}]{{2}})(?![^\W_])[ .-]?)?"
    rf"({_GROUP}(?:[ .-]{{1,2}}{_GROUP}){{0,15}})(?![^\W_])"
)


@dataclass(frozen=True, slots=True)
class Word:
    """A recognised word with its box in pixels, measured from the upper left corner of the image."""

    text: str
    left: int
    top: int
    right: int
    bottom: int

    @property
    def height(self) -> int:
        """The height of the box, at least 1."""
        return max(1, self.bottom - self.top)


def lines_of(words: Iterable[Word]) -> list[str]:
    """Return the lines of words: those at one height, from left to right; lines from top to bottom.

    >>> lines_of([Word("Ann", 0, 0, 30, 10), Word("Bob", 0, 20, 30, 30), Word("12", 50, 1, 70, 11)])
    ['Ann 12', 'Bob']
    """
    return [" ".join(word.text for word in line) for line in rows_of(words)]


def rows_of(words: Iterable[Word]) -> list[list[Word]]:
    """Return the words of each line, in the order of `lines_of`.

    A word joins the line whose last word overlaps it most, so that the lines of a page can be slightly sloped.
    """
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda one: (one.left, one.top)):
        best, most = None, 0.0
        for line in lines:
            last = line[-1]
            shared = (min(last.bottom, word.bottom) - max(last.top, word.top)) / min(last.height, word.height)
            if shared > most and shared >= _SAME_LINE:
                best, most = line, shared
        if best is None:
            lines.append([word])
        else:
            best.append(word)
    return sorted(lines, key=lambda line: line[0].top)


def height_of(words: Sequence[Word]) -> float:
    """Return the median height of the words in pixels, 0 if there is none."""
    return statistics.median(word.height for word in words) if words else 0.0


def with_digits(line: str) -> str:
    """Return a line in which letters that look like digits are digits, in numbers of at least eight digits.

    >>> with_digits("IBAN DEO3 82ll 8899 7262 3439 57, Sales O1")
    'IBAN DE03 8211 8899 7262 3439 57, Sales O1'
    """
    return _NUMBER.sub(_corrected, line)


def _corrected(found: re.Match[str]) -> str:
    if sum(letter.isdigit() for letter in found[0].translate(_TABLE)) < _NUMBER_DIGITS:
        return found[0]
    if found[1] is None:
        return found[0].translate(_TABLE)
    head = found.end(1) - found.start()
    return found[0][:head] + found[0][head:].translate(_TABLE)


def merged(first: str, *others: Iterable[str]) -> str:
    """Return the text of the first reading, then the lines of the others that it lacks, each once.

    Lines are compared without spaces. Letters that look like digits are corrected in the added lines.
    """
    seen = {_key(line) for line in first.splitlines()}
    added: list[str] = []
    for lines in (first.splitlines(), *others):
        for line in map(with_digits, lines):
            if (key := _key(line)) and key not in seen:
                seen.add(key)
                added.append(line.strip())
    return "\n".join([first.strip(), "", *added]) if added else first.strip()


def _key(line: str) -> str:
    return "".join(line.split())
