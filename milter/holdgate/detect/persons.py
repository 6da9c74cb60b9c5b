"""Which capitalised words of a text are names of persons: a linear model over what the words are and stand beside.

`script/train` makes the weights (averaged perceptron, Collins 2002), from text that `training/` generates; they are
whole numbers from -127 to 127 by the name of a feature, in `person-name.weights`.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import Final, NamedTuple

# A stretch of capitalised words, with small words that stand in names between; letters beyond Latin-1 are "?" in masks.
_STRETCH: Final = re.compile(
    rb"(?<![0Aa?])[A?][Aa?'\-]{0,24}(?:(?:\. ?| )(?:a{1,3} ){0,2}[A?][Aa?'\-]{0,24}){0,5}(?![0Aa?])"
)
_WORD: Final = re.compile(r"[^\W\d_](?:[\w\-]|['’](?!(?:s|m|ll|re|ve|d|t)\b))*")
_DIGITS: Final = re.compile(r"\d+")
_PARTICLES: Final = frozenset(
    ("van", "von", "der", "den", "de", "del", "della", "di", "da", "do", "dos", "das", "du", "la", "le", "al", "bin",
     "ibn", "ter", "ten", "zu", "af", "y", "e", "san")
)  # fmt: skip
_BEHIND: Final = re.compile(r"\s{0,3}([\w'’]{1,20}|[^\w\s])?")
_BEFORE: Final = re.compile(r"([\w'’.]{1,20}|[^\w\s])[ \t]{0,3}\Z")
_REACH: Final = 24
_FILE: Final = "person-name.weights"
_NONE: Final = frozenset[str]()


class Word(NamedTuple):
    """A capitalised word: where it stands, and its features."""

    start: int
    end: int
    features: list[str]


class Names(NamedTuple):
    """The dictionaries of names, in lower case."""

    first: frozenset[str]
    surnames: frozenset[str]
    neither: frozenset[str]


def stretches(text: str, mask: bytes, names: Names) -> Iterator[list[Word]]:
    """Yield the capitalised words of a text, stretch by stretch."""
    for found in _STRETCH.finditer(mask):
        words = [
            (word.start(), word.end(), word[0])
            for word in _WORD.finditer(text, *found.span())
            if word[0][0].isupper() and word.end() <= found.end()
        ]
        if words:
            yield _described(text, words, names)


def _described(text: str, words: list[tuple[int, int, str]], names: Names) -> list[Word]:
    first, last = words[0][0], words[-1][1]
    kinds = [_kind(word, names) for _, _, word in words]
    before = _BEFORE.search(text, max(0, first - _REACH), first)
    behind = _BEHIND.match(text, last)
    alone = (first == 0 or text[first - 1] in "\n>") and text[last : last + 1] in ("", "\n", ",", "\r")
    left = _DIGITS.sub("0", before[1].lower()) if before is not None else "^"
    right = _DIGITS.sub("0", (behind[1] or "$").lower()) if behind is not None else "$"
    # What stands beyond the line or the word beside it tells addresses from people.
    line = text.rfind("\n", max(0, first - _LINE), first) + 1 or max(0, first - _LINE)
    rest = text[last : last + _AFTER].partition("\n")[0]
    numbers = f"d{any(map(str.isdigit, text[line:first])):d}{any(map(str.isdigit, rest)):d}"
    shape = f"{len(words)}{'l' if alone else ''}"
    described = []
    for index, (start, end, word) in enumerate(words):
        kind = kinds[index]
        previous = kinds[index - 1] if index else f"<{left}" if len(left) < _LONG else "<w"
        following = kinds[index + 1] if index + 1 < len(words) else f">{right}" if len(right) < _LONG else ">w"
        small = word.lower()
        features = [
            "b", kind, numbers, f"{kind}{numbers}", f"s{shape}", f"{kind}s{shape}", f"p{previous}", f"n{following}",
            f"{kind}p{previous}", f"{kind}n{following}", f"e{small[-3:]}", f"e{small[-2:]}{kind}",
            f"i{index}{len(words)}{kind}", f"l{left}", f"r{right}", f"a{kinds[0]}{kinds[-1]}{len(words)}",
        ]  # fmt: skip
        if kind[0] not in "fsb":
            features.append(f"w{small}")
        described.append(Word(start, end, features))
    return described


_LONG: Final = 14
# What the dictionary of other words has is of no name.
_NEITHER: Final = "o"
_NEVER: Final = -10_000
# A word beside one that is of a name is of it too, if no more than this speaks against it.
_BESIDE: Final = -60
_LINE: Final = 40
_AFTER: Final = 16


@lru_cache(maxsize=20_000)
def _kind(word: str, names: Names) -> str:
    """Return what a word may be: in which dictionaries it is, and how it is written."""
    small = word.lower()
    pieces = small.split("-") if "-" in small else (small,)
    if small in names.neither:
        known = "o"
    elif all(piece in names.first for piece in pieces):
        known = "b" if all(piece in names.surnames for piece in pieces) else "f"
    else:
        known = "s" if all(piece in names.surnames for piece in pieces) else "u"
    written = "i" if len(word) == 1 else "C" if word.isupper() else "c"
    return known + written


class Model:
    """The weights, by feature."""

    def __init__(self, weights: Mapping[str, int]) -> None:
        self._weights = weights

    def score(self, features: list[str]) -> int:
        """Return how much speaks for a name of a person: more than nothing, if above 0."""
        weights = self._weights
        return sum(weights.get(feature, 0) for feature in features)


def persons(text: str, mask: bytes, names: Names, model: Model) -> Iterator[tuple[int, int]]:
    """Yield where names of persons stand: words that are judged to be of one, with those that belong to them beside."""
    for words in stretches(text, mask, names):
        scores = [model.score(word.features) if word.features[1][0] != _NEITHER else _NEVER for word in words]
        if max(scores) <= 0:
            continue
        named = [score > 0 for score in scores]
        for order in (range(1, len(words)), range(len(words) - 2, -1, -1)):
            for index in order:
                beside = index - 1 if order.step > 0 else index + 1
                first, second = sorted((index, beside))
                if named[beside] and scores[index] > _BESIDE and _joins(text[words[first].end : words[second].start]):
                    named[index] = True
        start = end = -1
        for word, person in zip(words, named, strict=True):
            if person and end >= 0 and _joins(text[end : word.start]):
                end = word.end
                continue
            if end >= 0:
                yield start, end
                end = -1
            if person:
                start, end = word.start, word.end
        if end >= 0:
            yield start, end


def _joins(gap: str) -> bool:
    return len(gap) <= 12 and all(piece in _PARTICLES for piece in gap.replace(".", " ").split()) and "," not in gap


@lru_cache(maxsize=1)
def shipped() -> Model:
    """Return the model that is part of the package."""
    lines = resources.files("holdgate.detect").joinpath(_FILE).read_text(encoding="utf-8").splitlines()
    return Model(
        {feature: int(weight) for feature, _, weight in (line.rpartition(" ") for line in lines if line[:1] != "#")}
    )
