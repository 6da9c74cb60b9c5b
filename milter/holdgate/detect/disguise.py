"""Numbers that were written so as not to be found: odd separators, look-alike letters, spelled digits, reversed.

None of this is looked for everywhere, since columns of figures would join into numbers: only near a keyword, and only
for identifiers whose check digit then proves the find. An identifier without a check digit must stand right behind
one of its own keywords and be grouped as its issuer groups it.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple

from holdgate.detect.candidates import mask
from holdgate.detect.compiled import Ready, Rules
from holdgate.detect.digitwords import DIGIT_WORDS
from holdgate.detect.forms import MOST_CHARACTERS
from holdgate.detect.judge import Judge
from holdgate.detect.keywords import Keyword
from holdgate.detect.match import Confidence, Match
from holdgate.detect.validators.series import ends_label

_BEFORE: Final = 60
_AFTER: Final = 180
_LEAST_DIGITS: Final = 5
_LEAST_SPELLED: Final = 3
_WIDEST_GAP: Final = 6
_WIDEST_FIELD: Final = 24
_MOST_TOKENS: Final = 80
_CLOSE: Final = 45
_CLOSEST: Final = 25
_LONG: Final = 12
_NEAR: Final = 70
_FEW: Final = 4
_ORDINARY: Final = frozenset(" -./")
MOST_TRIALS = 3_000
_MOST_COMPLETE: Final = 20_000

_TOKEN: Final = re.compile(r"[^\W_]+")
_LOOKALIKE: Final = str.maketrans("OoQDlIiSsBZzGgqT", "0000111558226997")
_CAREFUL: Final = str.maketrans("OolI", "0011")
WIDE: Final = "wide separators"
REVERSED: Final = "reversed"
LOOKALIKE: Final = "look-alike letters"
GLUED: Final = "glued letters"
FIELDS: Final = "split over fields"
_LOOKS: Final = re.compile(r"[0-9OoQDlIiSsBZzGgqT]+")
_GLUED: Final = re.compile(r"[A-Za-z]{0,12}?(\d+)[A-Za-z]{0,12}")
_GLUED_CODE: Final = re.compile(r"[a-z]{1,12}([A-Z][A-Z0-9]{3,})[a-z]{0,12}|([A-Z][A-Z0-9]{3,})[a-z]{1,12}")
_FIELD: Final = re.compile(r"""[:=]\s{0,3}["']?([A-Z0-9]{2,8})["']?(?=[\s,;}&]|$)""")
_NUMBER_WORDS: Final = frozenset(("n", "no", "nr"))
_NUMBER_SIGN: Final = re.compile(r"n(?:°|[or](?:[.:°]| ?#| \d{5}))", re.IGNORECASE)
# Letters of a number that somebody did not care to write as capitals are no more, right before digits.
_LONGEST_SERIES: Final = 5
_COUNTRY: Final = re.compile(r"[A-Za-z]{2}\d\d")
_FILLERS: Final = frozenset(  # words that stand for a separator
    [
        "dash",
        "hyphen",
        "minus",
        "space",
        "dot",
        "point",
        "slash",
        "then",
        "and",
        "bindestrich",
        "strich",
        "punkt",
        "tiret",
        "espace",
        "guion",
        "espacio",
    ]
)
_REPEATS: Final = {"double": 2, "triple": 3, "doppel": 2, "doble": 2}
_HAN: Final = str.maketrans("〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖", "00123456789123456789")
_HAN_DIGIT: Final = "[〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖]"
_HAN_RUN: Final = re.compile(f"{_HAN_DIGIT}(?:[ -]?{_HAN_DIGIT}){{3,}}")


class _Token(NamedTuple):
    """A piece of a value as it stands in the text, and the letters and digits that it is taken for."""

    start: int
    end: int
    characters: str


_Run = list[_Token]


class _Window(NamedTuple):
    """A stretch of text round keywords, and the groups of keywords that are in it."""

    start: int
    end: int
    groups: frozenset[int]


class Disguises:
    """Looks again near keywords, for values that were not found as they should be written."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        groups = rules.keywords.groups
        # By shape: the groups of keywords that have to be near. Shapes that are not looked for in disguise have none.
        self._needs = [
            frozenset[int]().union(
                *(groups[number] for number in (ready.lists if ready.identifier.checksum else (ready.own,)))
            )
            if ready.shape.form and ready.with_keyword is not None
            else frozenset[int]()
            for ready in rules.shapes
        ]
        self._groups = frozenset[int]().union(*self._needs)
        self._complete: dict[tuple[int, frozenset[int]], tuple[Ready, ...]] = {}

    def find(self, judge: Judge, found: list[Match]) -> Iterator[Match]:
        """Yield what hides near the keywords of the text; `found` is what stands there undisguised."""
        trials = MOST_TRIALS
        for window in self._windows(judge, found):
            for trick, run in _variants(judge.text[window.start : window.end], window.start):
                for ready, first, last in self._fits(window, run):
                    if not ready.identifier.checksum and trick == REVERSED:
                        continue
                    if trials <= 0:
                        return
                    trials -= 1
                    match = self._try(judge, ready, run, first, last, trick)
                    if match is not None:
                        yield match

    def _windows(self, judge: Judge, found: list[Match]) -> Iterator[_Window]:
        """Yield the stretches round keywords, without what is already known for sure."""
        hits = judge.hits.found
        wanted = [
            (keyword.start, keyword.end, group)
            for group, keywords in hits.items()
            if group in self._groups
            for keyword in keywords
            if self._worthwhile(judge, keyword)
        ]
        if not wanted:
            return
        sure = sorted((match.start, match.end) for match in found if match.confidence is Confidence.HIGH)
        merged: list[tuple[int, int, set[int]]] = []
        for start, end, group in sorted(wanted):
            left, right = max(0, start - _BEFORE), min(end + _AFTER, len(judge.text))
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
                if self._can_hold(judge, left, sure[following][0]):
                    yield _Window(left, sure[following][0], frozenset(groups))
                left = sure[following][1]
                following += 1
            if self._can_hold(judge, left, right):
                yield _Window(left, right, frozenset(groups))

    def _can_hold(self, judge: Judge, start: int, end: int) -> bool:
        """Whether a stretch has digits enough for a value, or words for them."""
        return (
            judge.mask.count(b"0", start, end) >= _LEAST_DIGITS
            or not judge.text.isascii()
            or judge.hits.count(self._rules.digit_words, start, end) >= _LEAST_SPELLED
        )

    def _worthwhile(self, judge: Judge, keyword: Keyword) -> bool:
        """Whether a value can begin near the keyword: there are some digits, or words for them."""
        end, start, _ = keyword
        if (
            judge.mask.count(b"0", end, end + _NEAR) >= _FEW
            or judge.mask.count(b"0", max(0, start - 40), start) >= _FEW
        ):
            return True
        if judge.hits.count(self._rules.digit_words, end, end + 2 * _NEAR) >= _FEW:
            return True
        return not judge.text.isascii() and _HAN_RUN.search(judge.text, start, end + _NEAR) is not None

    def _fits(self, window: _Window, run: _Run) -> Iterator[tuple[Ready, int, int]]:
        """Yield the shapes that a stretch of tokens fits without separators, with its first and last token."""
        forms = self._rules.compact
        masks = [mask(token.characters).decode("latin-1") for token in run]
        for first in range(len(run)):
            state = forms.start
            length = 0
            for last in range(first, len(run)):
                length += len(masks[last])
                if length > MOST_CHARACTERS:
                    break
                state = forms.step(state, masks[last])
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

    def _try(self, judge: Judge, ready: Ready, run: _Run, first: int, last: int, trick: str) -> Match | None:
        """Judge the tokens `first` to `last`, if they are spread as one hides a value and not as figures stand."""
        tokens = run[first : last + 1]
        start, end = min(token.start for token in tokens), max(token.end for token in tokens)
        near = judge.keyword(ready, start, end)
        if near is None or (near[2] != ready.own and ready.identifier.region != "global"):
            return None
        if (trick == WIDE and len(tokens) == 1) or _goes_on(judge.text, run, first, last):
            return None
        value = "".join(token.characters for token in tokens)
        sizes = [len(token.characters) for token in tokens]
        single = all(size == 1 for size in sizes) and len(sizes) > 1
        grouped = _grouped(ready, sizes)
        gaps = [_gap(judge.text, one, two) for one, two in pairwise(tokens)]
        usual = bool(gaps) and _ORDINARY.issuperset(gaps) and not single and not grouped
        alike = len({gap.strip() for gap in gaps}) <= 1
        if ready.identifier.checksum:
            if sum(sizes) < _LONG and (usual or trick in (REVERSED, FIELDS)):
                return None
            even = len(set(sizes[1:-1] or sizes[:1])) == 1 and sizes[0] >= sizes[-1] - 3
            if not (single or even or (alike and not usual)):
                return None
        else:
            if trick == REVERSED or usual or near[2] != ready.own or not -_CLOSE <= near[0] < 0:
                return None
            if trick in (LOOKALIKE, GLUED) and not (judge.text[start].isdigit() and value.isdigit()):
                return None
            if not (single or grouped or (alike and near[0] >= -_CLOSEST)):
                return None
        return judge.judge(ready, start, end, value, trick)


def _gap(text: str, one: _Token, two: _Token) -> str:
    left, right = (one, two) if one.start < two.start else (two, one)
    return text[left.end : right.start]


def _goes_on(text: str, run: _Run, first: int, last: int) -> bool:
    """Whether the run goes on, before or after some of its tokens, with the separators that stand between these."""
    if first == last:
        return False
    inner = {_gap(text, run[index], run[index + 1]).strip() for index in range(first, last)}
    before = first > 0 and _counts(run[first - 1]) and _gap(text, run[first - 1], run[first]).strip() in inner
    after = last + 1 < len(run) and _counts(run[last + 1]) and _gap(text, run[last], run[last + 1]).strip() in inner
    return before or after


def _counts(token: _Token) -> bool:
    return any(map(str.isdigit, token.characters))


def _grouped(ready: Ready, sizes: list[int]) -> bool:
    """Whether the sizes of the groups are those that one of the shape's forms prints, or there is one group only."""
    if len(sizes) == 1:
        return True
    return any(_sizes(form) == sizes for form in ready.shape.form)


@cache
def _sizes(form: str) -> list[int]:
    groups = re.split(r"[^DLX{}\d,]+", form)
    expanded = [re.sub(r"([DLX])\{(\d+)\}", lambda match: match[1] * int(match[2]), group) for group in groups]
    return [len(group) for group in expanded if group]


def _variants(text: str, base: int) -> Iterator[tuple[str, _Run]]:
    """Yield the runs of tokens that a value may be made of, each with the name of the trick that it undoes."""
    fields = [
        _Token(base + field.start(1), base + field.end(1), field[1])
        for field in _FIELD.finditer(text)
        if field[1].isupper() or any(map(str.isdigit, field[1]))
    ]
    for first, field in enumerate(fields):
        if first == 0 or field.start - fields[first - 1].end > _WIDEST_FIELD:
            close = [field]
            for following in fields[first + 1 :]:
                if following.start - close[-1].end > _WIDEST_FIELD:
                    break
                close.append(following)
            if len(close) > 1:
                yield FIELDS, close
    for run in _runs(text, base):
        digits = sum(character.isdigit() for token in run for character in token.characters)
        if digits >= _LEAST_DIGITS:
            if len(run) > 1:
                yield WIDE, run
            for pattern in (_GLUED_CODE, _GLUED):
                glued = [_unglued(token, pattern) for token in run]
                if glued != run:
                    yield GLUED, glued
            bare = _without_zeros(run)
            if bare != run:
                yield "leading zeros", bare
            backwards = [_Token(token.start, token.end, token.characters[::-1]) for token in reversed(run)]
            yield REVERSED, backwards
            for table, kept in ((_CAREFUL, 2), (_LOOKALIKE, 2), (_LOOKALIKE, 0)):
                looking = _looking(run, table, kept)
                if looking is not None:
                    yield LOOKALIKE, looking
        spelled = _spelled(run)
        if spelled is not None:
            yield "spelled digits", spelled


def _runs(text: str, base: int) -> Iterator[_Run]:
    """Yield stretches of tokens that may be pieces of one value: no prose, and no wide gap between them."""
    run: _Run = []
    if not text.isascii():
        text = _HAN_RUN.sub(lambda han: han[0].translate(_HAN), text)
    for token in _TOKEN.finditer(text):
        word = token[0]
        lowered = word.lower()
        if lowered in _FILLERS:
            continue
        if lowered in _NUMBER_WORDS and _NUMBER_SIGN.match(text, token.start()):
            if run:
                yield run
                run = []
            continue
        piece = len(word) <= MOST_CHARACTERS and (
            not word.isalpha()
            or len(word) == 1
            or (word.isupper() and len(word) <= 6)
            or (len(word) <= _LONGEST_SERIES and word.islower() and _is_series(text, token.start(), token.end()))
            or lowered in DIGIT_WORDS
            or lowered in _REPEATS
            or not word.strip("OolIQ")
            or (run != [] and len(word) == 4 and word.isalpha() and _COUNTRY.fullmatch(run[-1].characters) is not None)
        )
        if run:
            gap = text[run[-1].end - base : token.start()]
            wide = len(gap) > _WIDEST_GAP and not _filled(gap)
            if not piece or wide or len(run) >= _MOST_TOKENS:
                yield run
                run = []
        if piece:
            run.append(_Token(base + token.start(), base + token.end(), word))
    if run:
        yield run


def _is_series(text: str, start: int, end: int) -> bool:
    """Whether a word stands right before digits, and is none of those that often do."""
    return text[end + 1 : end + 3].isdecimal() and not ends_label(text[start : end + 2])


def _filled(gap: str) -> bool:
    return len(gap) < 24 and any(word in _FILLERS for word in gap.lower().split())


def _unglued(token: _Token, pattern: re.Pattern[str]) -> _Token:
    """Take off letters that are glued to a token: all but its digits, or all but its capitals and digits."""
    glued = pattern.fullmatch(token.characters)
    if glued is None or (pattern is _GLUED and _COUNTRY.match(token.characters)):
        return token
    left, right = glued.span(glued.lastindex or 0)
    return _Token(token.start + left, token.start + right, token.characters[left:right])


def _first_number(run: _Run) -> int:
    """Return which token is the first that has a digit."""
    return next((index for index, token in enumerate(run) if _counts(token)), 0)


def _without_zeros(run: _Run) -> _Run:
    """Leave out the zeros that the first number of a run begins with."""
    first = _first_number(run)
    for index, token in enumerate(run[first:], first):
        bare = token.characters.lstrip("0")
        if bare:
            return [*run[:first], _Token(token.end - len(bare), token.end, bare), *run[index + 1 :]]
    return run


def _looking(run: _Run, table: dict[int, int], kept: int) -> _Run | None:
    """Take letters for the digits they look like; None where there are none, or the run is not mostly digits.

    As many letters as `kept` are left alone where the first number begins, since a country code may stand there.
    """
    together = "".join(token.characters for token in run)
    digits = sum(map(str.isdigit, together))
    if digits == len(together) or digits * 5 < len(together) * 2:
        return None
    first = _first_number(run)
    changed = []
    for index, token in enumerate(run):
        word = token.characters
        left = kept if index == first and word[:kept].isalpha() else 0
        if any(map(str.isdigit, word)) or _LOOKS.fullmatch(word):
            word = word[:left] + word[left:].translate(table)
        changed.append(_Token(token.start, token.end, word))
    return changed if changed != run else None


def _spelled(run: _Run) -> _Run | None:
    """Take number words for digits; None where too few are spelled."""
    changed: _Run = []
    spelled = 0
    times = 1
    for token in run:
        word = token.characters.lower()
        if word in _REPEATS:
            times = _REPEATS[word]
            continue
        digit = DIGIT_WORDS.get(word)
        spelled += digit is not None
        changed.append(_Token(token.start, token.end, (digit or token.characters) * times))
        times = 1
    return changed if spelled >= _LEAST_SPELLED else None
