"""Evidence in the text: one Aho-Corasick automaton finds the keywords of all rules in one pass."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable

import ahocorasick

# Scripts that are written without spaces between words: a keyword may stand inside a run of letters.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ASCII = {code: (chr(code).lower() if chr(code).isalnum() else " ") for code in range(128)}
_BEYOND = re.compile("[^\x00-\x7f]")


class _Folded(dict[str, str]):
    """One character for one character: lower case without diacritics; anything but letters and digits is a space."""

    def __missing__(self, character: str) -> str:
        base = unicodedata.normalize("NFD", character.lower())[:1]
        folded = base if base.isalnum() else " "
        self[character] = folded
        return folded


_FOLDED = _Folded()


def fold(text: str) -> str:
    """Return `text` as keywords are compared, of the same length: lower case, no diacritics, spaces for punctuation."""
    if not text.isascii():
        text = _BEYOND.sub(lambda match: _FOLDED[match[0]], text)
    return text.translate(_ASCII)


class Hits:
    """The keywords found in one text, by keyword list, in order of their end."""

    def __init__(self, found: dict[int, list[tuple[int, int, str]]]) -> None:
        self._found = found

    def nearest(
        self, lists: Iterable[int], start: int, end: int, before: int, after: int
    ) -> tuple[int, str, int] | None:
        """Return (distance, keyword, list) of the keyword nearest to [start, end), or None.

        The distance is negative before the value. `before` and `after` bound it, in characters.
        """
        best: tuple[int, str, int] | None = None
        for number in lists:
            found = self._found.get(number)
            if not found:
                continue
            index = bisect_left(found, (start - before, -1, ""), key=lambda hit: (hit[1], -1, ""))
            while index < len(found) and found[index][0] <= end + after:
                left, right, word = found[index]
                index += 1
                gap = right - start if right <= start else max(left - end, 0)
                if gap <= after and (best is None or abs(gap) < abs(best[0])):
                    best = gap, word, number
        return best


class Keywords:
    """All keyword lists of the rules. A list is known by its number."""

    def __init__(self, lists: Iterable[Iterable[str]]) -> None:
        words: dict[str, list[int]] = {}
        for number, keywords in enumerate(lists):
            for keyword in keywords:
                folded = " ".join(fold(keyword).split())
                key = folded if _UNSPACED.search(folded) else f" {folded} "
                numbers = words.setdefault(key, [])
                if number not in numbers:
                    numbers.append(number)
        self._automaton = ahocorasick.Automaton()
        for key, numbers in words.items():
            word = key.strip()
            self._automaton.add_word(key, (len(word), 1 if key == word else 2, word, tuple(numbers)))
        self._empty = not words
        if words:
            self._automaton.make_automaton()

    def find(self, text: str) -> Hits:
        """Return the keywords in `text`."""
        found: dict[int, list[tuple[int, int, str]]] = {}
        if not self._empty:
            for last, (length, padding, word, numbers) in self._automaton.iter(f" {fold(text)} "):
                end = last + 1 - padding
                for number in numbers:
                    found.setdefault(number, []).append((end - length, end, word))
        return Hits(found)
