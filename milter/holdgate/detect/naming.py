"""Finds which capitalised words are names of persons or organisations: a linear model of the words and their context.

Each stretch of capitalised words gets the most likely sequence of labels (Viterbi), one of LABELS for each word.
`script/train` makes the weights (a structured averaged perceptron, Collins 2002). A feature is a number below SLOTS,
the hash of its content, so it needs no text. `names.weights` has a byte for each slot and each label except OTHER.

It is long because features and the search for labels are one model: `script/train` imports both, so that it learns from
exactly what is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Final, NamedTuple

from holdgate.detect import bodies, statements
from holdgate.detect.lexicon import HEADED, IN_NAMES, SURNAME, WRITTEN_UNIT, Lexicon, digest

if TYPE_CHECKING:
    from mypy_extensions import i64

OTHER: Final = 0
PERSON: Final = 1
ORGANISATION: Final = 2
PLACE: Final = 3
LABELS: Final = 4
BITS: Final = 19
SLOTS: Final = 1 << BITS
LANES: Final = LABELS - 1
TRANSITIONS: Final = LABELS * LABELS
MIDDLE: Final = 128
FILE: Final = "names.weights"
# A stretch of capitalised words, including small words that occur in names; letters beyond Latin-1 are "?" in masks.
# A full stop after more than four letters ends a sentence, and the stretch.
_STRETCH: Final = re.compile(
    rb"(?<![0Aa?])(?:(?:[A?][Aa?'\-]{0,3}(?:\. ?& ?|\. ?)|[A?][Aa?'\-]{0,24}(?: ?& ?| ))"
    rb"(?:'?a{1,3} |a{5} ){0,2}(?:a{1,4}')?){0,7}[A?][Aa?'\-]{0,24}(?![0Aa?])"
)
_WORD: Final = re.compile(
    r"(?:\b(?:[dl]|dell|dall|nell|all|sull|un|qu)['’](?=\w))?([^\W\d_](?:[\w\-]|['’](?!(?:s|m|ll|re|ve|d|t)\b))*)"
)
_DIGITS: Final = re.compile(r"\d+")
_MAILBOX: Final = re.compile(r"([\w.\-]{2,40})@")
_PIECES: Final = re.compile(r"[._\-\d]+")
_DOMAIN: Final = re.compile(r"(?<=[\w\-])@([\w\-]{1,63}(?:\.[\w\-]{1,63}){1,5})")
_SECOND_LEVEL: Final = frozenset(("co", "com", "org", "net", "gov", "ac", "edu", "gob", "gouv"))
_LEAST_DOMAIN: Final = 4
_MOST_DOMAINS: Final = 50
_PARTICLES: Final = frozenset(
    ("van", "von", "der", "den", "de", "del", "della", "di", "da", "do", "dos", "das", "du", "la", "le", "al", "bin",
     "ibn", "ter", "ten", "zu", "af", "san", "des", "el", "los", "las", "d", "l", "dell", "degli", "dalla", "lo", "'t",
     "op", "het", "aan", "zum", "zur", "vom", "auf", "dem", "av", "bint", "abu", "ben", "ould")
)  # fmt: skip
# Between two organisations, except in names such as "Smith and Sons" or "Department of Health and Care".
_AND: Final = frozenset(("and", "und", "et", "y", "e", "en", "i", "ed", "oder", "or"))
# Before these, the heads of names are mostly last: "Department of Health and Care" is one name.
_HEADS_LAST: Final = frozenset(("and", "und", "oder", "or"))
# Small words in the names of organisations.
_INSIDE: Final = frozenset(
    ("of", "for", "the", "in", "de", "du", "des", "la", "le", "les", "d'", "l'", "à", "et", "del",
     "los", "las", "para", "y", "e", "di", "da", "do", "das", "dos", "della", "delle", "dello", "dei", "degli",
     "dell'", "al", "per", "für", "der", "die", "und", "im", "am", "an", "zu", "zur", "zum", "vom", "von", "voor",
     "van", "het", "'t", "en", "op", "w", "na", "i", "z", "ds", "dla", "and", "ed", "or", "oder", "sur", "sous",
     "aux", "au", "o", "os", "as", "a", "el")
)  # fmt: skip
_PARTNERS: Final = frozenset(
    ("sons", "son", "partners", "associates", "company", "söhne", "partner", "sohn", "fils", "associés", "hijos",
     "asociados", "figli", "associati", "zonen", "zoon", "synowie", "wspólnicy", "filhos", "associados", "co", "cie")
)  # fmt: skip
_LONGEST: Final = 20
_MOST_SPACE: Final = 3
_MOST_KNOWN: Final = 20_000
_SHORT_LINE: Final = 30
_LINE_END: Final = 24
_LINE: Final = 40
_AFTER: Final = 16
_MOST_GAP: Final = 12
_LONGEST_ABBREVIATION: Final = 5
_MOST_NAMED: Final = 5_000
_SHORTEST: Final = 2
_ROUND_LINE: Final = " >\t*|-"
_BEHIND_LINE: Final = " ,.\t\r|*"
_LOW: Final = 0xFFFFFFFF
_DOT: Final = 46
_SPACE: Final = 32
_TAB: Final = 9
_IN_WORD: Final = bytes(char in b"0Aa?'" for char in range(256))


class Word(NamedTuple):
    """A capitalised word: its place, its features, and the text between it and the word before, if any."""

    start: int
    end: int
    features: list[int]
    gap: str


class Name(NamedTuple):
    """A name: its place, and the label of its words."""

    start: int
    end: int
    label: int


def mailboxes(text: str) -> frozenset[str]:
    """Return the words in the local parts of the text's mail addresses: most of them are names."""
    if "@" not in text:
        return frozenset()
    found = (piece for box in _MAILBOX.finditer(text) for piece in _PIECES.split(box[1].lower()))
    return frozenset(piece for piece in found if len(piece) > 2)


def domains(text: str) -> list[str]:
    """Return the names of the domains of the text's mail addresses, without their ends, in lower case."""
    found: dict[str, None] = {}
    for address in _DOMAIN.finditer(text) if "@" in text else ():
        if len(found) < _MOST_DOMAINS:
            labels = address[1].lower().rstrip(".").split(".")[:-1]
            while len(labels) > 1 and labels[-1] in _SECOND_LEVEL:
                labels.pop()
            found.update(dict.fromkeys(labels[-1:]))
    return list(found)


def _parts_of_domains(text: str) -> frozenset[str]:
    """Return with what words the names of the text's domains begin or end: some are of an organisation's name."""
    return frozenset(
        part
        for name in domains(text)
        for size in range(_LEAST_DOMAIN, len(name) + 1)
        for part in (name[:size], name[-size:])
    )


class NamedBefore:
    """The words of full names that occurred earlier in a text, in lower case: of persons, and of organisations."""

    def __init__(self) -> None:
        self.persons: set[str] = set()
        self.organisations: set[str] = set()

    def remember(self, name: str, label: int) -> None:
        """Add the words of a name: of a person's, if it is a full name."""
        words = name.lower().split()
        if label == PERSON and len(words) > 1 and len(self.persons) < _MOST_NAMED:
            self.persons.update(word for word in words if len(word) > _SHORTEST)
        elif label == ORGANISATION and len(self.organisations) < _MOST_NAMED:
            self.organisations.update(word for word in words if len(word) >= _SHORTEST)


class _Tokens:
    """Hashes of the tokens around stretches, each computed once."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, token: str) -> int:
        found = self._known.get(token)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[token] = digest(_DIGITS.sub("0", token.lower()))
        return found


_TOKENS: Final = _Tokens()
_NO_WORD: Final = digest("")
_STOP: Final = digest(".")
_TITLE: Final = 2
_BODY: Final = 3
_OF_BODY: Final = 4
# Hashes of words before a name: those for people, such as "colleague", titles, which count as more, and public bodies.
_BEFORE_NAMES: Final = (
    dict.fromkeys(map(digest, bodies.WORDS), _BODY)
    | dict.fromkeys(map(digest, statements.PEOPLE), 1)
    | dict.fromkeys(map(digest, statements.TITLES), _TITLE)
)
_BODIES: Final = frozenset(map(digest, (*bodies.WORDS, *bodies.ADJECTIVES)))
_BREAK: Final = digest("\n")


def stretches(text: str, mask: bytes, lexicon: Lexicon, named_before: NamedBefore) -> Iterator[list[Word]]:
    """Yield the capitalised words of a text, stretch by stretch.

    The caller adds the names to `named_before`.
    """
    boxes = mailboxes(text)
    parts = _parts_of_domains(text)
    for found in _STRETCH.finditer(mask):
        start, end = found.span()
        words = [
            (word.start(1), word.end(), word[1]) for word in _WORD.finditer(text, start, end) if word[1][0].isupper()
        ]
        if words:
            yield _described(text, mask, words, lexicon, boxes, parts, named_before)


def mixed(template: i64, one: i64, two: i64) -> i64:
    """Return the slot of a feature: the hash of the number of its template and of two hashes."""
    low: i64 = _LOW
    mix: i64 = (one * 0x1E3779B1 + template * 0x27D4EB2F) & low
    mix ^= mix >> 15
    mix = (mix * 0x05EBCA77 + two) & low
    mix ^= mix >> 13
    mix = (mix * 0x2B2AE3D5) & low
    return mix >> (32 - BITS)


def _is_word(char: i64) -> bool:
    return _IN_WORD[char] != 0


def _left(text: str, mask: bytes, at: i64) -> tuple[int, int]:
    """Return the hash of the token that ends before `at` in its line, and the token's start."""
    least: i64 = at - _MOST_SPACE
    while at > 0 and at > least and (mask[at - 1] == _SPACE or mask[at - 1] == _TAB):
        at -= 1
    if at <= 0 or mask[at - 1] <= _SPACE:
        return _BREAK, at
    begin: i64 = at - 1
    if _is_word(mask[begin]):
        least = at - _LONGEST
        while begin > 0 and begin > least and (_is_word(mask[begin - 1]) or mask[begin - 1] == _DOT):
            begin -= 1
    return _TOKENS.of(text[begin:at]), begin


def _right(text: str, mask: bytes, at: i64) -> tuple[int, int]:
    """Return the hash of the token that begins at or after `at` in its line, and the token's end."""
    size: i64 = len(mask)
    most: i64 = at + _MOST_SPACE
    while at < size and at < most and (mask[at] == _SPACE or mask[at] == _TAB):
        at += 1
    if at >= size or mask[at] <= _SPACE:
        return _BREAK, at
    end: i64 = at + 1
    if _is_word(mask[at]):
        most = at + _LONGEST
        while end < size and end < most and _is_word(mask[end]):
            end += 1
    return _TOKENS.of(text[at:end]), end


def _described(
    text: str,
    mask: bytes,
    words: list[tuple[int, int, str]],
    lexicon: Lexicon,
    boxes: frozenset[str],
    parts: frozenset[str],
    named_before: NamedBefore,
) -> list[Word]:
    first, last = words[0][0], words[-1][1]
    left, at = _left(text, mask, first)
    farther_left, at = _left(text, mask, at)
    right, behind = _right(text, mask, last)
    farther_right, behind = _right(text, mask, behind)
    line = text.rfind("\n", max(0, first - 200), first) + 1 or max(0, first - 200)
    end = text.find("\n", last, last + 200)
    end = min(len(text), last + 200) if end < 0 else end
    begins = not text[line:first].strip(_ROUND_LINE)
    ends = not text[last:end].strip(_BEHIND_LINE)
    above: i64 = _above(text, line) if begins and line else _NO_WORD
    place: i64 = 2 * begins + ends
    number_before = mask.find(b"0", max(line, first - _LINE), first) >= 0
    number_after = mask.find(b"0", last, min(end, last + _AFTER)) >= 0
    numbers: i64 = 2 * number_before + number_after
    known = [lexicon.known(word) for _, _, word in words]
    count: i64 = len(words)
    some: i64 = min(count, 4)
    head, tail = known[0], known[-1]
    shape: i64 = ((head.kind << 11) ^ tail.kind) * 8 + some
    begins_with: i64 = head.small if not head.kind & IN_NAMES else _NO_WORD
    ends_with: i64 = tail.small if not tail.kind & IN_NAMES else _NO_WORD
    phrases = _phrases(text, words, lexicon)
    heads = [place for place, it in enumerate(known) if it.kind & HEADED]
    before: i64 = _BEFORE_NAMES.get(farther_left if left == _STOP else left, 0)
    if before == 0 and farther_left in _BODIES:
        before = _OF_BODY
    left_: i64 = left
    right_: i64 = right
    described = []
    index: i64 = 0
    gap = ""
    before_it: i64 = left_
    previous: i64 = _NO_WORD
    while index < count:
        start, stop, word = words[index]
        it = known[index]
        kind: i64 = it.kind
        small: i64 = it.small
        among: i64 = kind & IN_NAMES
        rough: i64 = kind & (IN_NAMES | 7 * WRITTEN_UNIT)
        after: i64 = mixed(63, right_, 1)
        following: i64 = _NO_WORD
        next_gap = ""
        if index + 1 < count:
            next_gap = text[stop : words[index + 1][0]].strip()
            after = (known[index + 1].kind << 16) ^ (_TOKENS.of(next_gap) if next_gap != "." else 0) & 0xFFFF
            following = known[index + 1].small
        position: i64 = min(index, 3) * 8 + some
        features = [
            mixed(0, 0, 0),
            mixed(1, kind, 0),
            mixed(2, numbers, among),
            mixed(3, some, place),
            mixed(4, kind, some * 4 + place),
            mixed(5, before_it, 0),
            mixed(6, after, 0),
            mixed(7, before_it, kind),
            mixed(8, after, kind),
            mixed(9, before_it, after),
            mixed(10, it.ends_with_three, 0),
            mixed(11, it.ends, among),
            mixed(12, it.ends_with_four, 0),
            mixed(13, position, kind),
            mixed(14, left_, 0),
            mixed(15, left_, among * 4 + min(index, 2)),
            mixed(16, left_, farther_left),
            mixed(17, right_, 0),
            mixed(18, right_, among),
            mixed(19, right_, farther_right),
            mixed(20, shape, 0),
            mixed(21, ends_with, 0),
            mixed(22, begins_with, 0),
            mixed(23, above, 0),
            mixed(24, above, among * 2 + ends),
            mixed(25, small, 0),
            mixed(26, it.begins, among),
            mixed(27, previous, 0),
            mixed(28, following, 0),
            mixed(29, small, left_),
            mixed(30, small, right_),
            mixed(31, left_, right_),
            mixed(32, rough, left_),
            mixed(33, rough, right_),
            mixed(34, rough * 32 + position, place),
            mixed(39, phrases[index], rough),
            mixed(40, kind, phrases[index]),
            mixed(41, kind, left_),
            mixed(42, kind, right_),
            mixed(45, before, among),
            mixed(46, before, kind),
            mixed(47, before, after),
        ]  # fmt: skip
        headed: i64 = 0
        if heads:
            for at_head in heads:
                headed |= 1 if at_head < index else 2 if at_head == index else 4
            features.append(mixed(48, headed, among))
            features.append(mixed(49, headed, left_))
            features.append(mixed(50, headed, rough))
        if index and small != head.small:
            features.append(mixed(35, head.small, among))
        if index:
            features.append(mixed(36, _TOKENS.of(gap), 0))
        lower = word.lower()
        if lower in boxes:
            features.append(mixed(37, 0, 0))
            features.append(mixed(38, among, 0))
        if lower in named_before.persons:
            features.append(mixed(43, 0, 0))
            features.append(mixed(44, among, some))
        if lower in parts:
            features.append(mixed(51, 0, 0))
            features.append(mixed(52, among, count == 1))
        if lower in named_before.organisations:
            features.append(mixed(53, headed, 0))
            features.append(mixed(54, among, some))
        described.append(Word(start, stop, features, gap))
        before_it = (kind << 16) ^ (_TOKENS.of(next_gap) if next_gap != "." else 0) & 0xFFFF
        previous = small
        before = _BEFORE_NAMES.get(previous, 0)
        gap = next_gap
        index += 1
    return described


def _phrases(text: str, words: list[tuple[int, int, str]], lexicon: Lexicon) -> list[int]:
    """Return for each word whether it is in the name of a place or organisation, with the words around it."""
    count = len(words)
    found = [0] * count
    for size in (3, 2):
        for index in range(count - size + 1):
            code = lexicon.phrase(text[words[index][0] : words[index + size - 1][1]].lower())
            if code:
                for place in range(size):
                    found[index + place] |= code * (2 if place else 1)
    return found


def _above(text: str, line: int) -> int:
    """Return the hash of the last words of the line before the one at `line`, of two lines before if that is empty."""
    end = line - 1
    for _ in range(2):
        begin = text.rfind("\n", max(0, end - 200), end) + 1
        above = text[begin:end].strip(" >\t\r,.!:")
        if above:
            return _TOKENS.of(above[-_LINE_END:]) if len(above) < _SHORT_LINE else _BREAK
        if begin < 2:
            break
        end = begin - 1
    return _NO_WORD


class Model:
    """The weights: of transitions (TRANSITIONS signed bytes), then a byte for each slot and each label except OTHER."""

    def __init__(self, content: bytes) -> None:
        if len(content) != TRANSITIONS + SLOTS * LANES:
            raise ValueError(f"{FILE}: {len(content)} bytes, not {TRANSITIONS + SLOTS * LANES}")
        self._weights = content
        self._following = [
            [content[earlier * LABELS + label] - MIDDLE for label in range(LABELS)] for earlier in range(LABELS)
        ]

    def labels(self, words: Sequence[Word]) -> list[int]:
        """Return the most likely labels of the words of a stretch."""
        best: list[int] = []
        back: list[list[int]] = []
        for word in words:
            scores = self._scores(word.features)
            if not best:
                best = scores
                continue
            reached: list[int] = []
            came: list[int] = []
            for label in range(LABELS):
                most, origin = -(1 << 40), 0
                for earlier in range(LABELS):
                    score = best[earlier] + self._following[earlier][label]
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

    def _scores(self, features: list[int]) -> list[int]:
        weights = self._weights
        person: i64 = 0
        organisation: i64 = 0
        place: i64 = 0
        for feature in features:
            at: i64 = feature * LANES + TRANSITIONS
            person += weights[at]
            organisation += weights[at + 1]
            place += weights[at + 2]
        middle: i64 = MIDDLE * len(features)
        return [0, person - middle, organisation - middle, place - middle]


def named(text: str, mask: bytes, lexicon: Lexicon, model: Model) -> Iterator[Name]:
    """Yield the names of a text, in order."""
    named_before = NamedBefore()
    for words in stretches(text, mask, lexicon, named_before):
        start = end = -1
        current = OTHER
        for word, label in zip(words, model.labels(words), strict=True):
            if label == current and end >= 0 and _joins(text, start, end, word, label, lexicon):
                end = word.end
                continue
            if current != OTHER:
                yield Name(start, end, current)
                named_before.remember(text[start:end], current)
            start, end, current = word.start, word.end, label
        if current != OTHER:
            yield Name(start, end, current)
            named_before.remember(text[start:end], current)


def _joins(text: str, start: int, end: int, word: Word, label: int, lexicon: Lexicon) -> bool:
    """Whether a word belongs to the name before it, which has the same label."""
    gap = text[end : word.start]
    if len(gap) > _MOST_GAP or "," in gap:
        return False
    small = gap.strip().lower()
    pieces = small.replace("’", "'").replace(".", " ").replace("&", " ").split()
    if label == ORGANISATION and pieces == ["'s"]:
        return bool(lexicon.known(text[word.start : word.end]).kind & HEADED)
    if label == ORGANISATION and pieces and pieces[0] in _AND:
        name = text[start:end].split()
        following = text[word.start : word.end]
        heads = lexicon.known(following).kind & lexicon.known(name[0]).kind & HEADED
        begins = heads and len(name) > 1 and pieces[0] not in _HEADS_LAST
        if begins or _is_abbreviation(following, text[start:end], lexicon):
            return False
        return len(pieces) == 1 and (
            text[word.start : word.end].lower() in _PARTNERS
            or any(part[0].islower() for part in name)
            or (len(name) == 1 and bool(lexicon.known(name[0]).kind & SURNAME))
        )
    within = _PARTICLES if label == PERSON else _INSIDE
    if label == PERSON and pieces and _is_abbreviation(text[word.start : word.end], text[start:end], lexicon):
        return False
    return label == PLACE or all(piece in within or piece.removesuffix("'") in within for piece in pieces)


def _is_abbreviation(word: str, before: str, lexicon: Lexicon) -> bool:
    """Whether a word is an abbreviation, such as an organisation's, and the word before it is none."""
    is_short = 1 < len(word) <= _LONGEST_ABBREVIATION and word.isupper()
    return is_short and not before[-1].isupper() and not lexicon.known(word).kind & IN_NAMES


@lru_cache(maxsize=1)
def shipped() -> Model:
    """Return the model in the package."""
    return Model(resources.files("holdgate.detect").joinpath(FILE).read_bytes())
