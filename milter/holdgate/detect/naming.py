"""Which capitalised words are of names of persons or organisations: a linear model of what and where they are.

Each stretch of capitalised words gets the most likely row of labels (Viterbi), one of LABELS for each word.
`script/train` makes the weights (structured averaged perceptron, Collins 2002) from text that `training/` generates. In
`names.weights` three of them, against OTHER, are packed into one number for each feature, in lanes of 20 bits, so that
one addition adds three.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Final, NamedTuple

from holdgate.detect.lexicon import Lexicon

OTHER: Final = 0
PERSON: Final = 1
ORGANISATION: Final = 2
PLACE: Final = 3
LABELS: Final = 4
LANE: Final = 20
_HALF: Final = 1 << (LANE - 1)
_LANE_MASK: Final = (1 << LANE) - 1
FILE: Final = "names.weights"
# A stretch of capitalised words, with small words that stand in names between; letters beyond Latin-1 are "?" in masks.
_STRETCH: Final = re.compile(
    rb"(?<![0Aa?])[A?][Aa?'\-]{0,24}(?:(?:\.? ?& ?|\. ?| )(?:a{1,3} ){0,2}[A?][Aa?'\-]{0,24}){0,7}(?![0Aa?])"
)
_WORD: Final = re.compile(r"[^\W\d_](?:[\w\-]|['’](?!(?:s|m|ll|re|ve|d|t)\b))*")
_BEHIND: Final = re.compile(r"\s{0,3}([\w'’]{1,20}|[^\w\s])?(?:[ \t]{1,2}([\w'’]{1,20}|[^\w\s]))?")
_BEFORE: Final = re.compile(r"(?:([\w'’.]{1,20}|[^\w\s])[ \t]{1,3})?([\w'’.]{1,20}|[^\w\s])[ \t]{0,3}\Z")
_DIGITS: Final = re.compile(r"\d+")
_MAILBOX: Final = re.compile(r"([\w.\-]{2,40})@")
_PIECES: Final = re.compile(r"[._\-\d]+")
_PARTICLES: Final = frozenset(
    ("van", "von", "der", "den", "de", "del", "della", "di", "da", "do", "dos", "das", "du", "la", "le", "al", "bin",
     "ibn", "ter", "ten", "zu", "af", "y", "e", "san", "des", "el")
)  # fmt: skip
_REACH: Final = 44
_LONG: Final = 14
_SHORT_LINE: Final = 30
_LINE_END: Final = 24
_LINE: Final = 40
_AFTER: Final = 16
_MOST_GAP: Final = 12
_ROUND_LINE: Final = " >\t*|-"
_BEHIND_LINE: Final = " ,.\t\r|*"


class Word(NamedTuple):
    """A capitalised word: where it stands, its features, and what stands between it and the word before, if any."""

    start: int
    end: int
    features: list[str]
    gap: str


class Name(NamedTuple):
    """A name: where it stands, and which label its words have."""

    start: int
    end: int
    label: int


def mailboxes(text: str) -> frozenset[str]:
    """Return the words in the local parts of the mail addresses of a text: names, most of them."""
    if "@" not in text:
        return frozenset()
    found = (piece for box in _MAILBOX.finditer(text) for piece in _PIECES.split(box[1].lower()))
    return frozenset(piece for piece in found if len(piece) > 2)


def stretches(text: str, mask: bytes, lexicon: Lexicon) -> Iterator[list[Word]]:
    """Yield the capitalised words of a text, stretch by stretch."""
    boxes = mailboxes(text)
    for found in _STRETCH.finditer(mask):
        words = [
            (word.start(), word.end(), word[0])
            for word in _WORD.finditer(text, *found.span())
            if word[0][0].isupper() and word.end() <= found.end()
        ]
        if words:
            yield _described(text, words, lexicon, boxes)


def _described(text: str, words: list[tuple[int, int, str]], lexicon: Lexicon, boxes: frozenset[str]) -> list[Word]:
    first, last = words[0][0], words[-1][1]
    before = _BEFORE.search(text, max(0, first - _REACH), first)
    behind = _BEHIND.match(text, last)
    left, farther_left = ("^", "^") if before is None else (_token(before[2], "^"), _token(before[1], "^"))
    right, farther_right = ("$", "$") if behind is None else (_token(behind[1], "$"), _token(behind[2], "$"))
    line = text.rfind("\n", max(0, first - 200), first) + 1 or max(0, first - 200)
    end = text.find("\n", last, last + 200)
    end = min(len(text), last + 200) if end < 0 else end
    begins = not text[line:first].strip(_ROUND_LINE)
    ends = not text[last:end].strip(_BEHIND_LINE)
    above = _above(text, line) if begins and line else ""
    place = f"{begins:d}{ends:d}"
    numbers = (
        f"{any(map(str.isdigit, text[max(line, first - _LINE) : first])):d}"
        f"{any(map(str.isdigit, text[last : min(end, last + _AFTER)])):d}"
    )
    kinds = [lexicon.kind(word) for _, _, word in words]
    count = len(words)
    some = min(count, 4)
    head, tail = words[0][2].lower(), words[-1][2].lower()
    ends_with = f"L{tail}" if kinds[-1][0] == "u" else "L"
    begins_with = f"F{head}" if kinds[0][0] == "u" else "F"
    described = []
    for index in range(count):
        start, stop, word = words[index]
        kind = kinds[index]
        letter = kind[0]
        gap = text[words[index - 1][1] : start].strip() if index else ""
        before_it = f"{kinds[index - 1]}{gap if gap != '.' else ''}" if index else f"<{left}"
        after_it = f">{right}"
        if index + 1 < count:
            between = text[stop : words[index + 1][0]].strip()
            after_it = f"{kinds[index + 1]}{between if between != '.' else ''}"
        small = word.lower()
        features = [
            "b", kind, f"n{numbers}{letter}", f"s{some}{place}", f"{kind}s{some}{place}", f"p{before_it}",
            f"q{after_it}", f"{kind}p{before_it}", f"{kind}q{after_it}", f"p{before_it}q{after_it}", f"e{small[-3:]}",
            f"e{small[-2:]}{letter}", f"E{small[-4:]}", f"i{min(index, 3)}{some}{kind}", f"l{left}",
            f"l{left}{letter}i{min(index, 2)}",
            f"m{farther_left} {left}", f"r{right}", f"r{right}{letter}", f"R{right} {farther_right}",
            f"a{kinds[0]}{kinds[-1]}{some}", ends_with, begins_with, f"A{above}", f"A{above}{letter}{ends:d}",
        ]  # fmt: skip
        if index and small != head:
            features.append(f"G{head}{letter}")
        if small in boxes:
            features.append("@")
            features.append(f"@{letter}")
        if letter == "u" or kind[1] > "1":
            features.append(f"w{small}")
        described.append(Word(start, stop, features, gap))
    return described


def _token(token: str | None, none: str) -> str:
    if not token:
        return none
    return _DIGITS.sub("0", token.lower()) if len(token) < _LONG else "w"


def _above(text: str, line: int) -> str:
    """Return the last words of the line before the one that begins at `line`, of two if that is empty."""
    end = line - 1
    for _ in range(2):
        begin = text.rfind("\n", max(0, end - 200), end) + 1
        above = text[begin:end].strip(" >\t\r,.!:")
        if above:
            return _DIGITS.sub("0", above.lower())[-_LINE_END:] if len(above) < _SHORT_LINE else "long"
        if begin < 2:
            break
        end = begin - 1
    return ""


class Model:
    """The packed weights, by feature; those of a label that follows another by "T", its number and the gap."""

    def __init__(self, weights: Mapping[str, int]) -> None:
        self._weights = weights
        self._following: dict[str, list[list[int]]] = {}

    def labels(self, words: Sequence[Word]) -> list[int]:
        """Return the most likely labels of the words of a stretch."""
        best: list[int] = []
        back: list[list[int]] = []
        for word in words:
            scores = self._scores(word.features)
            if not best:
                best = scores
                continue
            following = self._following.get(word.gap)
            if following is None:
                following = [self._scores([f"T{label}", f"T{label}{word.gap}"]) for label in range(LABELS)]
                if len(self._following) < 1_000:
                    self._following[word.gap] = following
            reached: list[int] = []
            came: list[int] = []
            for label in range(LABELS):
                most, origin = -(1 << 40), 0
                for earlier in range(LABELS):
                    score = best[earlier] + following[earlier][label]
                    if score > most:
                        most, origin = score, earlier
                reached.append(most + scores[label])
                came.append(origin)
            best = reached
            back.append(came)
        label = best.index(max(best))
        found = [label]
        for came in reversed(back):
            label = came[label]
            found.append(label)
        found.reverse()
        return found

    def _scores(self, features: list[str]) -> list[int]:
        total = 0
        weights = self._weights
        for feature in features:
            weight = weights.get(feature)
            if weight is not None:
                total += weight
        scores = [0]
        for _ in range(LABELS - 1):
            lane = ((total + _HALF) & _LANE_MASK) - _HALF
            scores.append(lane)
            total = (total - lane) >> LANE
        return scores


def packed(weights: Sequence[int]) -> int:
    """Return the weights of the labels but OTHER as one number."""
    return sum(weight << (LANE * lane) for lane, weight in enumerate(weights))


def named(text: str, mask: bytes, lexicon: Lexicon, model: Model) -> Iterator[Name]:
    """Yield the names of a text, in order of their place."""
    for words in stretches(text, mask, lexicon):
        labels = model.labels(words)
        start = end = -1
        current = OTHER
        for word, label in zip(words, labels, strict=True):
            if label == current and end >= 0 and _joins(text[end : word.start], label):
                end = word.end
                continue
            if current != OTHER:
                yield Name(start, end, current)
            start, end, current = word.start, word.end, label
        if current != OTHER:
            yield Name(start, end, current)


def _joins(gap: str, label: int) -> bool:
    if len(gap) > _MOST_GAP or "," in gap:
        return False
    return label != PERSON or all(piece in _PARTICLES for piece in gap.replace(".", " ").split())


@lru_cache(maxsize=1)
def shipped() -> Model:
    """Return the model that is part of the package."""
    known: dict[str, int] = {}

    def once(digits: str) -> int:
        """Return a number, equal ones as the same object: of 75,000 there are 17,000 different ones."""
        return known.setdefault(digits, int(digits))

    text = resources.files("holdgate.detect").joinpath(FILE).read_text(encoding="utf-8")
    return Model(json.loads(text, parse_int=once)["weights"])
