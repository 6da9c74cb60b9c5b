"""Undoes obfuscation: returns the pieces of a text that may belong to one, in plain form."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from holdgate.detect import figures
from holdgate.detect.digitwords import DIGIT_WORDS
from holdgate.detect.forms import MOST_CHARACTERS
from holdgate.detect.labels import ends_label

LEAST_DIGITS: Final = 5
LEAST_SPELLED: Final = 3
_WIDEST_GAP: Final = 6
_WIDEST_FIELD: Final = 48
_MOST_TOKENS: Final = 80

_TOKEN: Final = re.compile(r"[^\W_]+")
_LOOKALIKE: Final = str.maketrans("OoQDlIiSsBZzGgqT", "0000111558226997")
_CAREFUL: Final = str.maketrans("OolI", "0011")
WIDE: Final = "wide separators"
REVERSED: Final = "reversed"
LOOKALIKE: Final = "look-alike letters"
GLUED: Final = "glued letters"
ZEROS: Final = "leading zeros"
FIELDS: Final = "split over fields"
_EXPONENT: Final = re.compile(r"(?<![\w.])(\d)\.(\d{4,18})[eE]\+?(\d{1,2})(?![\w.])")
_LONGEST_NUMBER: Final = 19
_LOOKS: Final = re.compile(r"[0-9OoQDlIiSsBZzGgqT]+")
# Words and abbreviations that consist of letters which look like digits.
_WORDS: Final = frozenset(
    ("id", "ids", "is", "so", "do", "to", "go", "os", "il", "lo", "iso", "dos", "log", "sos", "bid", "tid", "sid",
     "lid",      "oid", "too", "got", "dot", "bit", "bits", "its", "sgd", "bis", "ist", "isso")
)  # fmt: skip
_GLUED: Final = re.compile(r"[A-Za-z]{0,12}?(\d+)[A-Za-z]{0,12}")
_GLUED_CODE: Final = re.compile(r"[a-z]{1,12}([A-Z][A-Z0-9]{3,})[a-z]{0,12}|([A-Z][A-Z0-9]{3,})[a-z]{1,12}")
# A value after the name of its field, or an item of a list in YAML.
_FIELD: Final = re.compile(r"""(?:[:=]\s{0,3}|\n[ \t]{0,20}- )["']?([A-Z0-9]{1,8})["']?(?=[\s,;}&/]|$)""")
_NUMBER_SIGN: Final = re.compile(r"n(?:°|[or](?:[.:°]| ?#| \d{5}))", re.IGNORECASE)
# Maximum number of lower-case letters directly before digits that can be the letters of a number.
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
# Chinese digits, those of documents, Suzhou numerals, and the syllables with which Korean reads out a number.
_HAN_DIGITS: Final = "〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖〡〢〣〤〥〦〧〨〩영공일이삼사오육륙칠팔구"
_HAN: Final = str.maketrans(_HAN_DIGITS, "00" + "123456789" * 3 + "00" + "1234566789")
_HAN_DIGIT: Final = f"[{_HAN_DIGITS}]"
HAN_RUN: Final = re.compile(f"{_HAN_DIGIT}(?:[ -]?{_HAN_DIGIT}){{3,}}")


class Token(NamedTuple):
    """A piece of a value in the text, and its letters and digits in plain form."""

    start: int
    end: int
    characters: str


Run = list[Token]


def variants(text: str, base: int, least: int) -> Iterator[tuple[str, Run]]:
    """Yield the runs of tokens that may be a value, each with the name of the obfuscation that it undoes.

    A value has at least `least` letters and digits.
    """
    for number in _EXPONENT.finditer(text):
        zeros = int(number[3]) - len(number[2])
        if 0 <= zeros <= _LONGEST_NUMBER - len(number[2]):
            yield "exponent", [Token(base + number.start(), base + number.end(), number[1] + number[2] + "0" * zeros)]
    text = figures.without(text)
    fields = [
        Token(base + field.start(1), base + field.end(1), field[1])
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
        # Only spelling makes more characters of a run than it has.
        together = "".join([token.characters for token in run])
        if len(together) >= least and sum(map(str.isdigit, together)) >= LEAST_DIGITS:
            if len(run) > 1:
                yield WIDE, run
            for pattern in (_GLUED_CODE, _GLUED):
                glued = [_unglued(token, pattern) for token in run]
                if glued != run:
                    yield GLUED, glued
            bare = _without_zeros(run)
            if bare != run:
                yield ZEROS, bare
            backwards = [Token(token.start, token.end, token.characters[::-1]) for token in reversed(run)]
            yield REVERSED, backwards
            for table, kept in ((_CAREFUL, 2), (_LOOKALIKE, 2), (_LOOKALIKE, 0)):
                looking = _looking(run, table, kept)
                if looking is not None:
                    yield LOOKALIKE, looking
        spelled = _spelled(run)
        if spelled is not None:
            yield "spelled digits", spelled


def _runs(text: str, base: int) -> Iterator[Run]:
    """Yield runs of tokens that may be pieces of one value: no prose, and no wide gap between them."""
    run: Run = []
    if not text.isascii():
        text = HAN_RUN.sub(lambda han: han[0].translate(_HAN), text)
    for token in _TOKEN.finditer(text):
        word = token[0]
        lowered = word.lower()
        if lowered in _FILLERS:
            continue
        number_sign = len(word) <= 2 and _NUMBER_SIGN.match(text, token.start()) is not None
        piece = (not number_sign and len(word) <= MOST_CHARACTERS) and (
            not word.isalpha()
            or len(word) == 1
            or (word.isupper() and len(word) <= 6)
            or lowered in DIGIT_WORDS
            or lowered in _REPEATS
            or not word.strip("OolIQ")
            or (run != [] and len(word) == 4 and word.isalpha() and _COUNTRY.fullmatch(run[-1].characters) is not None)
        )
        if run:
            gap = text[run[-1].end - base : token.start()]
            wide = (len(gap) > _WIDEST_GAP and not _filled(gap)) or figures.BARRIER in gap
            if not piece or wide or len(run) >= _MOST_TOKENS:
                yield run
                run = []
        if piece or (word.islower() and len(word) <= _LONGEST_SERIES and _is_series(text, token.start(), token.end())):
            run.append(Token(base + token.start(), base + token.end(), word))
    if run:
        yield run


def _is_series(text: str, start: int, end: int) -> bool:
    """Whether a word is directly before digits, and is not one of those that often are."""
    return text[end + 1 : end + 3].isdecimal() and not ends_label(text[start : end + 2])


def _filled(gap: str) -> bool:
    return len(gap) < 24 and any(word in _FILLERS for word in gap.lower().split())


def _unglued(token: Token, pattern: re.Pattern[str]) -> Token:
    """Remove letters that are attached to a token: all but its digits, or all but its capitals and digits."""
    glued = pattern.fullmatch(token.characters)
    if glued is None or (pattern is _GLUED and _COUNTRY.match(token.characters)):
        return token
    left, right = glued.span(glued.lastindex or 0)
    return Token(token.start + left, token.start + right, token.characters[left:right])


def _first_number(run: Run) -> int:
    """Return the index of the first token that has a digit."""
    return next((index for index, token in enumerate(run) if has_digits(token)), 0)


def _without_zeros(run: Run) -> Run:
    """Remove the leading zeros of the first number of a run."""
    first = _first_number(run)
    for index, token in enumerate(run[first:], first):
        bare = token.characters.lstrip("0")
        if bare:
            return [*run[:first], Token(token.end - len(bare), token.end, bare), *run[index + 1 :]]
    return run


def _looking(run: Run, table: dict[int, int], kept: int) -> Run | None:
    """Replace letters by the digits they look like; None if there are none, or the run is not mostly digits.

    The first `kept` letters are not replaced where the first number begins, because they may be a country code.
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
        if any(map(str.isdigit, word)) or (_LOOKS.fullmatch(word) and word.lower() not in _WORDS):
            word = word[:left] + word[left:].translate(table)
        changed.append(Token(token.start, token.end, word))
    return changed if changed != run else None


def _spelled(run: Run) -> Run | None:
    """Replace number words by digits; None if too few are spelled."""
    changed: Run = []
    spelled = 0
    times = 1
    for token in run:
        word = token.characters.lower()
        if word in _REPEATS:
            times = _REPEATS[word]
            continue
        digit = DIGIT_WORDS.get(word)
        spelled += digit is not None
        changed.append(Token(token.start, token.end, (digit or token.characters) * times))
        times = 1
    return changed if spelled >= LEAST_SPELLED else None


def has_digits(token: Token) -> bool:
    """Whether a token has a digit."""
    return any(map(str.isdigit, token.characters))
