"""Evidence in the text: one Aho-Corasick automaton finds the keywords of all rules in one pass.

Text and keywords are compared without case, diacritics and punctuation. Letters of other scripts that look like Latin
ones count as these, so "Kаrte" with a Cyrillic letter is found as "Karte".
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

import ahocorasick

from holdgate.detect import camelcase
from holdgate.detect.match import Span
from holdgate.detect.normal import LOOKALIKES, normalise

# Scripts without spaces between words: a keyword can be inside a run of letters.
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ASCII: Final = bytes(ord(chr(code).lower()) if chr(code).isalnum() else 32 for code in range(128)) + bytes(
    range(128, 256)
)
_BEYOND: Final = re.compile("[^\x00-\x7f]")
_WHOLE: Final = re.compile("[\uac00-\ud7a3]")
_LAST_DIACRITIC: Final = "\u036f"


class _Folded(dict[str, str]):
    """Maps each character to one character: lower case without diacritics; all but letters and digits become a space.

    Hangul syllables are not split, and the vowel signs of Indic scripts are kept, because they belong to their
    consonant.
    """

    def __missing__(self, character: str) -> str:
        if _WHOLE.match(character) or (unicodedata.category(character)[0] == "M" and character > _LAST_DIACRITIC):
            folded = character
        else:
            base = unicodedata.normalize("NFD", character.lower())[:1].translate(LOOKALIKES)
            folded = base.lower() if base.isalnum() else " "
        if len(self) < 200_000:
            self[character] = folded
        return folded


_FOLDED: Final = _Folded()


def fold(text: str) -> str:
    """Return `text` in the form for comparison, with the same length: lower case, no diacritics, no punctuation."""
    if not text.isascii():
        text = _BEYOND.sub(lambda match: _FOLDED[match[0]], text)
        return text.lower().translate(_SPACES) if not text.isascii() else text.encode().translate(_ASCII).decode()
    return text.encode().translate(_ASCII).decode()


_SPACES: Final = {code: 32 for code in range(128) if not chr(code).isalnum()}


# Field names are often one word: "cardnumber". Shorter ones are words of their own.
_LEAST_JOINED: Final = 6
_NUMBER: Final = b"0000"
_CHUNK = 1 << 18
# Further keywords are ignored, and the text counts as partly read.
FREE_KEYWORDS = 100_000
CHARACTERS_A_KEYWORD = 60
# The automaton's data for a word: how many characters its end is after the end of the keyword, and how many after the
# start; the keyword; its group (-1: none), and the prefixes of which it can be the folded form.
_Entry = tuple[int, int, str, int, tuple[str, ...]]


# A character that no folded text contains.
_NOWHERE: Final = "\0"


def _order(found: tuple[int, _Entry]) -> tuple[int, int]:
    last, (behind, length, *_) = found
    return last, -behind - length


def _joined(plain: str) -> str:
    """Return a keyword of several words joined as in field names; "" if that would be too short."""
    words = plain.split()
    joined = "".join(words)
    return joined if len(words) > 1 and len(joined) >= _LEAST_JOINED and joined.isascii() else ""


class Keyword(NamedTuple):
    """A keyword in the text; keywords are sorted by the order of its fields."""

    end: int
    start: int
    word: str


class Hits:
    """The keywords and prefixes found in one text.

    Many lists share words, so keywords are kept by group: the words that are in exactly the same lists.
    """

    __slots__ = ("_groups", "_lists", "found", "limited", "prefixes")

    def __init__(
        self, found: dict[int, list[Keyword]], prefixes: list[tuple[int, str]], groups: Sequence[frozenset[int]]
    ) -> None:
        self.found = found
        self.prefixes = prefixes
        self.limited = False
        self._groups = groups
        self._lists: dict[int, list[list[Keyword]]] = {}

    def of(self, number: int) -> list[list[Keyword]]:
        """Return the keywords of a list, by group, each in order of their end."""
        lists = self._lists.get(number)
        if lists is None:
            groups = self._groups[number]
            lists = self._lists[number] = [found for group, found in self.found.items() if group in groups]
        return lists

    def nearest(
        self, number: int, start: int, end: int, before: int, after: int, but: Collection[Keyword] = ()
    ) -> tuple[int, Keyword] | None:
        """Return (distance, keyword) for the keyword of a list that is nearest to [start, end), or None.

        The distance is in characters, negative for a keyword before the value; `before` and `after` limit it. Keywords
        in `but` are skipped.
        """
        best: tuple[int, Keyword] | None = None
        for found in self.of(number):
            for index in range(bisect_left(found, (start - before,)), len(found)):
                keyword = found[index]
                if but and keyword in but:
                    continue
                right, left, _ = keyword
                if right <= start:
                    if best is None or start - right < abs(best[0]):
                        best = right - start, keyword
                elif left >= end:
                    if left <= end + after and (best is None or left - end < abs(best[0])):
                        best = left - end, keyword
                    break
        return best

    def count(self, number: int, start: int, end: int) -> int:
        """Return how many keywords of a list end after `start`, up to `end`."""
        return sum(bisect_left(found, (end + 1,)) - bisect_left(found, (start + 1,)) for found in self.of(number))

    def covers(self, number: int, keyword: Keyword) -> bool:
        """Whether a longer keyword of a list contains this one: "birthday party" contains "birthday"."""
        for found in self.of(number):
            for index in range(bisect_left(found, (keyword.end,)), len(found)):
                other = found[index]
                if other.start <= keyword.start and len(other.word) > len(keyword.word):
                    return True
                if other.start > keyword.start:
                    break
        return False

    def inside(self, number: int, span: Span) -> Keyword | None:
        """Return a keyword of a list within `span`."""
        for found in self.of(number):
            for index in range(bisect_left(found, (span[0],)), len(found)):
                keyword = found[index]
                if keyword.end > span[1]:
                    break
                if keyword.start >= span[0]:
                    return keyword
        return None


class Keywords:
    """All keyword lists of the rules, by number, and the prefixes that identify values."""

    def __init__(self, lists: Iterable[Iterable[str]], prefixes: Iterable[str] = ()) -> None:
        words: dict[str, tuple[list[int], list[str]]] = {}
        count = 0
        for number, keywords in enumerate(lists):
            count += 1
            for keyword in keywords:
                # In the written form too: "St.-Nr." has two spaces for its punctuation.
                plain = fold(normalise(keyword).text)
                for folded in {" ".join(plain.split()), plain.strip(), _joined(plain)} - {""}:
                    numbers = words.setdefault(folded if _UNSPACED.search(folded) else f" {folded} ", ([], []))[0]
                    if number not in numbers:
                        numbers.append(number)
        for prefix in prefixes:
            # A prefix that begins with a letter must be at the beginning of a word.
            words.setdefault(f" {fold(prefix)}" if prefix[0].isalnum() else fold(prefix), ([], []))[1].append(prefix)
        self.groups: list[frozenset[int]] = []
        grouped: dict[tuple[int, ...], int] = {}
        # Each step of an automaton tries the possible next letters, so words in ASCII have their own with few of them.
        # Other text is searched with both, which takes as long as with one for all, and half the memory.
        self._ascii, self._others = ahocorasick.Automaton(), ahocorasick.Automaton()
        for key, (numbers, literal) in words.items():
            group = grouped.setdefault(tuple(numbers), len(grouped)) if numbers else -1
            padding = int(key[0] == " ")
            # The folded text has one more space at its beginning than the given one.
            entry: _Entry = padding, len(key) - padding, key.strip(), group, tuple(literal)
            (self._ascii if key.isascii() else self._others).add_word(key, entry)
        # An automaton without words cannot be searched.
        for automaton in (self._ascii, self._others):
            automaton.add_word(_NOWHERE, (0, 1, "", -1, ()))
            automaton.make_automaton()
        for number in range(count):
            self.groups.append(frozenset(group for numbers, group in grouped.items() if number in numbers))
        self._longest = max(map(len, words), default=0)

    def find(self, text: str, mask: bytes = b"") -> Hits:
        """Return the rules' words in `text`; with its mask (see `candidates`), also those in camelCase."""
        folded = f" {fold(text)} "
        is_ascii = folded.isascii()
        hits = Hits({}, [], self.groups)
        if len(folded) <= _CHUNK:
            self._take(text, self._ascii.iter(folded) if is_ascii else self._of_both(folded), 0, 0, hits)
            self._names(text, mask, hits)
            return hits
        left = FREE_KEYWORDS + len(text) // CHARACTERS_A_KEYWORD
        for offset in range(0, len(folded), _CHUNK):
            # A keyword across the border of two pieces ends in the second; one that ends earlier was already found.
            start = max(0, offset - self._longest)
            piece = folded[start : offset + _CHUNK]
            found = list(self._ascii.iter(piece)) if is_ascii else self._of_both(piece)
            self._take(text, found, start, offset, hits)
            left -= len(found)
            if left < 0:
                hits.limited = True
                break
        self._names(text, mask, hits)
        return hits

    def _of_both(self, folded: str) -> list[tuple[int, _Entry]]:
        """Return the results of both automata in the order of one: by their end, a longer one first."""
        others = list(self._others.iter(folded))
        found = list(self._ascii.iter(folded))
        return sorted([*found, *others], key=_order) if others else found

    def _names(self, text: str, mask: bytes, hits: Hits) -> None:
        """Add the keywords in camelCase names, if there is any number that they could label."""
        if _NUMBER not in mask:
            return
        changed: set[int] = set()
        for start, spaced, places in camelcase.split(text, mask):
            for last, (_, length, word, group, _) in self._ascii.iter(spaced):
                if group < 0:
                    continue
                left, right = places[last - length + 1], places[last]
                keyword = Keyword(start + right, start + left, word)
                known = hits.found.setdefault(group, [])
                if keyword not in known[-1:]:
                    known.append(keyword)
                    changed.add(group)
        for group in changed:
            hits.found[group].sort()

    @staticmethod
    def _take(text: str, matches: Iterable[tuple[int, _Entry]], base: int, border: int, hits: Hits) -> None:
        """Add the automaton's results for the folded text at `base`, if they end after `border`."""
        found = hits.found
        for last, (behind, length, word, group, literal) in matches:
            if last + base < border:
                continue
            right = base + last - behind
            if group >= 0:
                keyword = Keyword(right, base + last - length, word)
                if group in found:
                    found[group].append(keyword)
                else:
                    found[group] = [keyword]
            for prefix in literal:
                if text.startswith(prefix, base + last - len(prefix)):
                    hits.prefixes.append((base + last - len(prefix), prefix))
