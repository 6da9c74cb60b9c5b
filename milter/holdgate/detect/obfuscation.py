"""Obfuscated numbers: odd separators, look-alike letters, spelled digits, reversed digits.

These are not searched for everywhere, because columns of figures would join into numbers. They are searched for only
near a keyword, and only for identifiers whose check digit then proves the match. An identifier without a check digit
must be directly after one of its own keywords, in its issuer's groups or in groups of equal size.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple

from holdgate.detect import deobfuscate, forms
from holdgate.detect.candidates import mask
from holdgate.detect.compiled import Ready, Rules
from holdgate.detect.deobfuscate import Run, Token
from holdgate.detect.forms import MOST_CHARACTERS
from holdgate.detect.match import Confidence, Match
from holdgate.detect.scoring import Scorer

_BEFORE: Final = 60
_AFTER: Final = 180
_CLOSE: Final = 45
_CLOSEST: Final = 25
_LONG: Final = 12
_NEAR: Final = 70
_NEAR_BEFORE: Final = 40
_FEW: Final = 4
_GROUP: Final = 4
_ORDINARY: Final = frozenset(" -./")
# The end of a sentence, an empty line and the sign of an amount separate numbers.
_NO_GAP: Final = re.compile(r"\A[.!?]\s|\n[ \t>]*\n|[$€£%]")
# The numbers that count the fields of one value: ssn1, ssn2.
_COUNT: Final = re.compile(r"\d")
_FIELD_NAME: Final = re.compile(r"[A-Za-z]*[a-z]\d{1,2}")
_CELLS: Final = frozenset("\t\n")
# Further trials are not made, and the text counts as partly read.
FREE_TRIALS = 3_000
CHARACTERS_A_TRIAL = 100
_MOST_COMPLETE: Final = 20_000


class _Window(NamedTuple):
    """A span of text around keywords, and the groups of these keywords."""

    start: int
    end: int
    groups: frozenset[int]


class Obfuscations:
    """Searches again near keywords, for values that were not found in their usual form."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        groups = rules.keywords.groups
        # By shape: the keyword groups that must be near. Shapes that are not searched for in obfuscated form have none.
        self._needs = [
            frozenset[int]().union(
                *(groups[number] for number in (ready.lists if ready.identifier.checksum else (ready.own,)))
            )
            if ready.shape.form and ready.with_evidence is not None
            else frozenset[int]()
            for ready in rules.shapes
        ]
        self._groups = frozenset[int]().union(*self._needs)
        # By keyword group: the number of letters and digits of the shortest value that is searched for near it.
        self._least: dict[int, int] = {}
        for ready, needs in zip(rules.shapes, self._needs, strict=True):
            if needs:
                shortest = min(forms.shortest(forms.parse(form, ready.shape.separators)) for form in ready.shape.form)
                for group in needs:
                    self._least[group] = min(shortest, self._least.get(group, shortest))
        self._complete: dict[tuple[int, frozenset[int]], tuple[Ready, ...]] = {}

    def find(self, scorer: Scorer, found: list[Match], limits: list[str]) -> Iterator[Match]:
        """Yield the obfuscated values near the text's keywords; `found` are the matches in usual form.

        Adds to `limits` if there are too many trials.
        """
        trials = FREE_TRIALS + len(scorer.text) // CHARACTERS_A_TRIAL
        for window in self._windows(scorer, found):
            least = min([self._least[group] for group in window.groups])
            for obfuscation, run in deobfuscate.variants(scorer.text[window.start : window.end], window.start, least):
                for ready, first, last in self._fits(window, run):
                    if not ready.identifier.checksum and obfuscation == deobfuscate.REVERSED:
                        continue
                    if trials <= 0:
                        limits.append("too many obfuscated candidates")
                        return
                    trials -= 1
                    match = self._try(scorer, ready, run, first, last, obfuscation)
                    if match is not None:
                        yield match

    def _windows(self, scorer: Scorer, found: list[Match]) -> Iterator[_Window]:
        """Yield the spans around keywords, without certain matches."""
        hits = scorer.hits.found
        if not self._has_digits(scorer, 0, len(scorer.text)):
            return
        wanted = [
            (keyword.start, keyword.end, group)
            for group, keywords in hits.items()
            if group in self._groups
            for keyword in keywords
            if self._has_digits(scorer, max(0, keyword.start - _NEAR_BEFORE), keyword.start)
            or self._has_digits(scorer, keyword.end, keyword.end + _NEAR)
        ]
        if not wanted:
            return
        sure = sorted((match.start, match.end) for match in found if match.confidence is Confidence.HIGH)
        merged: list[tuple[int, int, set[int]]] = []
        for start, end, group in sorted(wanted):
            left, right = max(0, start - _BEFORE), min(end + _AFTER, len(scorer.text))
            if merged and left <= merged[-1][1]:
                first, reach, groups = merged[-1]
                groups.add(group)
                merged[-1] = first, max(reach, right), groups
            else:
                merged.append((left, right, {group}))
        index = 0
        for left, right, groups in merged:
            while index < len(sure) and sure[index][1] <= left:
                index += 1
            following = index
            while following < len(sure) and sure[following][0] < right:
                if self._has_digits(scorer, left, sure[following][0]):
                    yield _Window(left, sure[following][0], frozenset(groups))
                left = sure[following][1]
                following += 1
            if self._has_digits(scorer, left, right):
                yield _Window(left, right, frozenset(groups))

    def _has_digits(self, scorer: Scorer, start: int, end: int) -> bool:
        """Whether a span has enough digits for a value, or words for digits."""
        return (
            scorer.mask.count(b"0", start, end) >= _FEW
            or scorer.hits.count(self._rules.digit_words, start, end) >= deobfuscate.LEAST_SPELLED
            or (not scorer.text.isascii() and deobfuscate.HAN_RUN.search(scorer.text, start, end) is not None)
        )

    def _fits(self, window: _Window, run: Run) -> Iterator[tuple[Ready, int, int]]:
        """Yield the shapes that a run of tokens fits without separators, with its first and last token."""
        compact = self._rules.compact
        masks = [mask(token.characters).decode("latin-1") for token in run]
        for first in range(len(run)):
            state = compact.start
            length = 0
            for last in range(first, len(run)):
                length += len(masks[last])
                if length > MOST_CHARACTERS:
                    break
                state = compact.step(state, masks[last])
                if state < 0:
                    break
                for ready in self._wanted(state, window.groups):
                    yield ready, first, last

    def _wanted(self, state: int, groups: frozenset[int]) -> tuple[Ready, ...]:
        """Return the shapes that are complete in a state and have one of their keywords in `groups`."""
        wanted = self._complete.get((state, groups))
        if wanted is None:
            numbers = self._rules.compact.accepts(state)
            wanted = tuple(self._rules.shapes[n] for n in numbers if not self._needs[n].isdisjoint(groups))
            if len(self._complete) < _MOST_COMPLETE:
                self._complete[state, groups] = wanted
        return wanted

    def _try(self, scorer: Scorer, ready: Ready, run: Run, first: int, last: int, obfuscation: str) -> Match | None:
        """Evaluate the tokens `first` to `last`, if they are separated like an obfuscated value, unlike figures."""
        tokens = run[first : last + 1]
        start, end = min(token.start for token in tokens), max(token.end for token in tokens)
        near = scorer.keyword(ready, start, end)
        if near is None or (near[2] != ready.own and ready.identifier.region != "global"):
            return None
        if (obfuscation == deobfuscate.WIDE and len(tokens) == 1) or _goes_on(scorer, run, first, last):
            return None
        if obfuscation == deobfuscate.ZEROS and scorer.text[start - 2 : start] != "00":
            return None
        value = "".join(token.characters for token in tokens)
        sizes = [len(token.characters) for token in tokens]
        single = all(size == 1 for size in sizes) and len(sizes) > 1
        grouped = _grouped(ready, sizes)
        gaps = [_gap(scorer.text, one, two) for one, two in pairwise(tokens)]
        usual = bool(gaps) and _ORDINARY.issuperset(gaps) and not single and not grouped
        alike = len({_COUNT.sub("", gap).strip(" ") for gap in gaps}) <= 1
        if any(_NO_GAP.search(gap) for gap in gaps):
            return None
        # Cells of a table count as figures unless their sizes show otherwise.
        cells = bool(gaps) and _CELLS.issuperset(gaps)
        usual |= cells and not single and not grouped
        if ready.identifier.checksum:
            if sum(sizes) < _LONG and (usual or obfuscation in (deobfuscate.REVERSED, deobfuscate.FIELDS)):
                return None
            even = _even(sizes) or _even(sizes[::-1])
            fours = even and obfuscation in (deobfuscate.WIDE, deobfuscate.FIELDS) and _in_fours(sizes)
            if not (single or grouped or fours or (alike and not cells and (even or not usual))):
                return None
        else:
            if obfuscation == deobfuscate.REVERSED or usual or near[2] != ready.own or not -_CLOSE <= near[0] < 0:
                return None
            if obfuscation in (deobfuscate.LOOKALIKE, deobfuscate.GLUED) and not (
                scorer.text[start].isdigit() and value.isdigit()
            ):
                return None
            if not (single or grouped or (alike and _even(sizes) and near[0] >= -_CLOSEST)):
                return None
            if "\n\n" in scorer.text[near[1].end : start]:
                return None
        return scorer.score(ready, start, end, value, obfuscation)


def _gap(text: str, one: Token, two: Token) -> str:
    left, right = (one, two) if one.start < two.start else (two, one)
    return text[left.end : right.start]


def _even(sizes: list[int]) -> bool:
    """Whether all groups have the same size, except the last, which can be shorter."""
    return len(set(sizes[:-1])) <= 1 and sizes[-1] <= sizes[0]


def _in_fours(sizes: list[int]) -> bool:
    """Whether a value is in groups of four, as cards and accounts are printed, with any separators."""
    return max(sizes) == sizes[0] == _GROUP


def _goes_on(scorer: Scorer, run: Run, first: int, last: int) -> bool:
    """Whether the run continues, before or after some of its tokens, with the same separators.

    The row of a sheet ends a run: the next row has another value.
    """
    if first == last:
        return False
    text = scorer.text
    inner = {_gap(text, run[index], run[index + 1]).strip() for index in range(first, last)}
    before = (
        first > 0
        and deobfuscate.has_digits(run[first - 1])
        and not _FIELD_NAME.fullmatch(run[first - 1].characters)
        and text[run[first - 1].start - 1 : run[first - 1].start] != "_"
        and _gap(text, run[first - 1], run[first]).strip() in inner
        and scorer.tables.row(run[first - 1].start) == scorer.tables.row(run[first].start)
    )
    after = (
        last + 1 < len(run)
        and deobfuscate.has_digits(run[last + 1])
        and _gap(text, run[last], run[last + 1]).strip() in inner
        and scorer.tables.row(run[last + 1].start) == scorer.tables.row(run[last].start)
    )
    return before or after


def _grouped(ready: Ready, sizes: list[int]) -> bool:
    """Whether the group sizes are those of one of the shape's printed forms, or there is only one group."""
    if len(sizes) == 1:
        return True
    return any(_sizes(form) == sizes for form in ready.shape.form)


@cache
def _sizes(form: str) -> list[int]:
    groups = re.split(r"[^DLX{}\d,]+", form)
    expanded = [re.sub(r"([DLX])\{(\d+)\}", lambda match: match[1] * int(match[2]), group) for group in groups]
    return [len(group) for group in expanded if group]
