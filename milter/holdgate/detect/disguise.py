"""Numbers that were written so as not to be found: odd separators, look-alike letters, spelled digits, reversed.

None of this is looked for everywhere, since columns of figures would join into numbers: only near a keyword, and only
for identifiers whose check digit then proves the find. An identifier without a check digit must stand right behind
one of its own keywords and be grouped as its issuer groups it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from holdgate.detect.candidates import mask
from holdgate.detect.compiled import Ready, Rules
from holdgate.detect.forms import MOST_CHARACTERS
from holdgate.detect.judge import Judge
from holdgate.detect.match import Confidence, Match, Span

_BEFORE, _AFTER = 60, 110
_LEAST_DIGITS = 5
_WIDEST_GAP = 6
_MOST_TOKENS = 80
_CLOSE = 45
MOST_TRIALS = 3_000

_TOKEN = re.compile(r"[^\W_]+")
_LOOKALIKE = str.maketrans("OoQDlIiSsBZzGgqT", "0000111558226997")
_CAREFUL = str.maketrans("OolI", "0011")
_LOOKS = re.compile(r"[0-9OoQDlIiSsBZzGgqT]+")
_GLUED = re.compile(r"([A-Za-z]{0,12}?)(\d{3,})([A-Za-z]{0,12})")
_FIELD = re.compile(r"""[:=]\s{0,3}["']?([A-Z0-9]{2,8})["']?\s{0,3}(?=[,;}\n&]|$)""")
_FILLERS = frozenset(
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
_REPEATS = {"double": 2, "triple": 3, "doppel": 2, "doble": 2}
DIGIT_WORDS = {
    word: str(digit)
    for words in (
        "zero one two three four five six seven eight nine",
        "null eins zwei drei vier fünf sechs sieben acht neun",
        "zéro un deux trois quatre cinq six sept huit neuf",
        "cero uno dos tres cuatro cinco seis siete ocho nueve",
        "zero uno due tre quattro cinque sei sette otto nove",
        "zero um dois três quatro cinco seis sete oito nove",
        "nul een twee drie vier vijf zes zeven acht negen",
        "zero jeden dwa trzy cztery pięć sześć siedem osiem dziewięć",
        "noll ett två tre fyra fem sex sju åtta nio",
        "ноль один два три четыре пять шесть семь восемь девять",
        "oh ein zwo trois cuatro funf meia sett åtte ni",
    )
    for digit, word in enumerate(words.split())
} | {"nought": "0", "o": "0", "sex": "6", "meia": "6", "ni": "9"}
_HAN = str.maketrans("〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖", "00123456789123456789")
_HAN_RUN = re.compile("[〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖]{4,}")


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of a value as it stands in the text, and the letters and digits that it is taken for."""

    start: int
    end: int
    characters: str


_Run = list[_Token]


class Disguises:
    """Looks again near keywords, for values that were not found as they should be written."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._lists = frozenset(
            number
            for ready in rules.shapes
            if ready.shape.form and ready.with_keyword is not None
            for number in (ready.lists if ready.identifier.checksum else (ready.own,))
        )

    def find(self, judge: Judge, found: list[Match]) -> Iterator[Match]:
        """Yield what hides near the keywords of the text; `found` is what stands there undisguised."""
        trials = MOST_TRIALS
        for start, end in self._windows(judge, found):
            for trick, run in _variants(judge.text[start:end], start):
                for ready, first, last in self._fits(judge, run):
                    if trials <= 0:
                        return
                    trials -= 1
                    match = self._try(judge, ready, run, first, last, trick)
                    if match is not None:
                        yield match

    def _windows(self, judge: Judge, found: list[Match]) -> Iterator[Span]:
        """Yield the stretches round keywords, without what is already known for sure."""
        lists = judge.hits.lists
        wanted = [keyword for number in self._lists & lists.keys() for keyword in lists[number]]
        if not wanted:
            return
        sure = sorted((match.start, match.end) for match in found if match.confidence is Confidence.HIGH)
        reach = -1
        merged: list[list[int]] = []
        for keyword in sorted(wanted):
            left, right = max(0, keyword.start - _BEFORE), keyword.end + _AFTER
            if left <= reach:
                merged[-1][1] = reach = max(reach, right)
            else:
                merged.append([left, right])
                reach = right
        index = 0
        for left, right in merged:
            while index < len(sure) and sure[index][1] <= left:
                index += 1
            following = index
            while following < len(sure) and sure[following][0] < right:
                yield left, sure[following][0]
                left = sure[following][1]
                following += 1
            yield left, min(right, len(judge.text))

    def _fits(self, judge: Judge, run: _Run) -> Iterator[tuple[Ready, int, int]]:
        """Yield the shapes that a stretch of tokens fits when separators are left out, with its first and last token."""
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
                for ready in judge.possible(forms.accepts(state)):
                    if ready.with_keyword is not None:
                        yield ready, first, last

    def _try(self, judge: Judge, ready: Ready, run: _Run, first: int, last: int, trick: str) -> Match | None:
        """Judge the tokens `first` to `last`, if they are spread as one hides a value and not as figures stand."""
        tokens = run[first : last + 1]
        start, end = min(token.start for token in tokens), max(token.end for token in tokens)
        near = judge.keyword(ready, start, end)
        if near is None:
            return None
        if len(tokens) > 1 and _goes_on(judge.text, run, first, last):
            return None
        sizes = [len(token.characters) for token in tokens]
        single = all(size == 1 for size in sizes) and len(sizes) > 1
        if ready.identifier.checksum:
            gaps = {_gap(judge.text, one, two) for one, two in pairwise(tokens)}
            even = len(set(sizes[1:-1] or sizes[:1])) == 1 and sizes[0] >= sizes[-1] - 3
            if not (single or len(gaps) <= 1 or even):
                return None
        elif near[2] != ready.own or not -_CLOSE <= near[0] < 0 or not (single or _grouped(ready, sizes)):
            return None
        return judge.judge(ready, start, end, "".join(token.characters for token in tokens), trick)


def _gap(text: str, one: _Token, two: _Token) -> str:
    left, right = (one, two) if one.start < two.start else (two, one)
    return text[left.end : right.start].strip()


def _goes_on(text: str, run: _Run, first: int, last: int) -> bool:
    """Whether the run goes on, before or after some of its tokens, with the separators that stand between these."""
    inner = {_gap(text, run[index], run[index + 1]) for index in range(first, last)}
    before = first > 0 and _gap(text, run[first - 1], run[first]) in inner
    return before or (last + 1 < len(run) and _gap(text, run[last], run[last + 1]) in inner)


def _grouped(ready: Ready, sizes: list[int]) -> bool:
    """Whether the sizes of the groups are those that one of the shape's forms prints, or there is one group only."""
    if len(sizes) == 1:
        return True
    return any(_sizes(form) == sizes for form in ready.shape.form)


def _sizes(form: str) -> list[int]:
    groups = re.split(r"[^DLX{}\d,]+", form)
    expanded = [re.sub(r"([DLX])\{(\d+)\}", lambda match: match[1] * int(match[2]), group) for group in groups]
    return [len(group) for group in expanded if group]


def _variants(text: str, base: int) -> Iterator[tuple[str, _Run]]:
    """Yield the runs of tokens that a value may be made of, each with the name of the trick that it undoes."""
    fields = [
        _Token(base + field.start(1), base + field.end(1), field[1])
        for field in _FIELD.finditer(text)
        if any(map(str.isdigit, field[1]))
    ]
    if len(fields) > 1:
        yield "split over fields", fields
    for run in _runs(text, base):
        digits = sum(character.isdigit() for token in run for character in token.characters)
        if digits >= _LEAST_DIGITS:
            yield "wide separators", run
            glued = [_unglued(token) for token in run]
            if glued != run:
                yield "glued letters", glued
            bare = "".join(token.characters for token in run).lstrip("0")
            if run[0].characters.startswith("0") and len(bare) > _LEAST_DIGITS:
                yield "leading zeros", _without_zeros(run)
            backwards = [_Token(token.start, token.end, token.characters[::-1]) for token in reversed(run)]
            yield "reversed", backwards
        for trick, changed in (("look-alike letters", _looking(run)), ("spelled digits", _spelled(run))):
            if changed is not None:
                yield trick, changed


def _runs(text: str, base: int) -> Iterator[_Run]:
    """Yield stretches of tokens that may be pieces of one value: no prose, and no wide gap between them."""
    run: _Run = []
    for token in _TOKEN.finditer(_HAN_RUN.sub(lambda han: han[0].translate(_HAN), text)):
        word = token[0]
        if word.lower() in _FILLERS:
            continue
        start, end = base + token.start(), base + token.end()
        piece = (
            len(word) <= MOST_CHARACTERS
            and (not word.isalpha() or len(word) == 1 or (word.isupper() and len(word) <= 6))
        ) or word.lower() in DIGIT_WORDS or word.lower() in _REPEATS or _LOOKS.fullmatch(word)  # fmt: skip
        gap = text[run[-1].end - base : token.start()] if run else ""
        wide = len(gap) > _WIDEST_GAP and not _filled(gap)
        if run and (not piece or wide or len(run) >= _MOST_TOKENS):
            yield run
            run = []
        if piece:
            run.append(_Token(start, end, word))
    if run:
        yield run


def _filled(gap: str) -> bool:
    return len(gap) < 24 and any(word in _FILLERS for word in gap.lower().split())


def _unglued(token: _Token) -> _Token:
    """Take letters off both ends of a token of digits."""
    glued = _GLUED.fullmatch(token.characters)
    if glued is None or not (glued[1] or glued[3]):
        return token
    return _Token(token.start + len(glued[1]), token.end - len(glued[3]), glued[2])


def _without_zeros(run: _Run) -> _Run:
    """Leave out the zeros that a run begins with."""
    for index, token in enumerate(run):
        bare = token.characters.lstrip("0")
        if bare:
            return [_Token(token.end - len(bare), token.end, bare), *run[index + 1 :]]
    return run


def _looking(run: _Run) -> _Run | None:
    """Take letters for the digits they look like; None where there are none, or the run is not mostly digits."""
    together = "".join(token.characters for token in run)
    digits = sum(map(str.isdigit, together))
    if digits == len(together) or digits * 5 < len(together) * 2:
        return None
    changed = []
    for index, token in enumerate(run):
        word = token.characters
        if _LOOKS.fullmatch(word) and (len(word) > 2 or index):
            word = word.translate(_LOOKALIKE)
        elif any(map(str.isdigit, word)):
            word = word[:2] + word[2:].translate(_CAREFUL) if word[:2].isalpha() else word.translate(_CAREFUL)
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
    return changed if spelled > 2 else None
