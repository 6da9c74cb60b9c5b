"""Finds numbers and codes in a text: one pass over its mask, then all rules' forms are tried on each result.

The mask has one byte per character: ``0`` for a digit, ``A`` for an upper-case letter, ``a`` for any other letter, 1
for a control character, and the character itself otherwise. Every value contains a digit, so the pass searches only for
digits, and extends each result to the words that may belong to it. The forms that fit a span of mask are cached, so the
same layout costs nothing the second time.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from holdgate.detect.finders.finder import EVERY_SIGN, SIGN_SEPARATORS, SIGNS
from holdgate.detect.forms import LONGEST_WORD, MOST_CHARACTERS, MOST_WORDS, TOKEN, Forms, Item

CONTROL: Final = 1
_SPACES: Final = b"\t\n\r"


def _masked(code: int) -> int:
    character = chr(code)
    if character.isascii() and character.isdigit():
        return 48
    if character.isalpha():
        return 65 if character.isupper() else 97
    return CONTROL if character.isascii() and not character.isprintable() and code not in _SPACES else code


MASK: Final = bytes(map(_masked, range(256)))
_LETTERS: Final = b"Aa"
_WORDS_BEFORE: Final = re.compile(
    rb"(?:(?<![0Aa])(?:A{1,%d}|[Aa]{1,2})[^0Aa\n\r\t]){1,%d}\Z" % (LONGEST_WORD, MOST_WORDS)
)
_SIGNS: Final = [(sign, re.compile(pattern)) for sign, pattern in SIGNS.items()]
_MOST_LAYOUTS: Final = 50_000
_MOST_LAYOUT: Final = 96
_HALF: Final = 40
_OVERLAP: Final = 2 * MOST_CHARACTERS
_LONGEST_PIECE: Final = _HALF + MOST_CHARACTERS + 1
_SEPARATOR: Final = re.compile(rb"[^0Aa]")

# Start and end within a span of mask, and the number of the kind of fit: see `Candidates.kinds`.
Fit = tuple[int, int, int]
# The fits of a span of mask, whether more may fit with a word before it, and its signs.
Layout = tuple[tuple[Fit, ...], bool, int]
# For a span longer than _MOST_LAYOUT, which is searched in pieces.
_LONG: Final[Layout] = (), True, EVERY_SIGN


def mask(text: str) -> bytes:
    """Return the mask of `text`, one byte per character; letters beyond Latin-1 become ``?``."""
    return text.encode("latin-1", "replace").translate(MASK)


class Candidates(dict[bytes, Layout]):
    """Finds where any of the forms fits. The number of a form is that of its shape.

    As a dictionary, it caches the layout of each span of mask, at most _MOST_LAYOUTS of them.
    """

    def __init__(self, numbered: Iterable[tuple[int, tuple[Item, ...]]]) -> None:
        super().__init__()
        numbered = list(numbered)
        inside = set().union(*(classes for _, items in numbered for classes, _, _ in items)) - set("0Aa\n\r\t")
        inside |= set(SIGN_SEPARATORS)
        separator = f"[{re.escape(''.join(sorted(inside)))}]"
        # A single digit without adjacent words or digits is skipped, unless a form accepts one digit alone.
        alone = any(sum(least for _, least, _ in items) <= 1 for _, items in numbered)
        company = "" if alone else f"(?:(?=[0Aa]|{separator}[0Aa])|(?<=[Aa]0)|(?<=[Aa]{separator}0))"
        self._cluster = re.compile(
            rf"0{company}[0Aa]*+(?:{separator}(?:[Aa]{{0,2}}0[0Aa]*+|A{{1,6}}0[0Aa]*+|A{{1,6}}(?![Aa])))*+".encode(
                "latin-1"
            )
        )
        self._separators = frozenset(map(ord, inside))
        self._forms = Forms(numbered)
        # By number of a kind: the shapes that fit, and whether it is a piece of something longer, that is, of groups of
        # digits that continue before or after with the same separator. Grows with new kinds.
        self.kinds: list[tuple[tuple[int, ...], bool]] = []
        self._kinds: dict[tuple[tuple[int, ...], bool], int] = {}

    def find(self, text_mask: bytes) -> tuple[list[tuple[int, tuple[Fit, ...], int]], int, int]:
        """Return (start, fits, reach) for each span of mask that forms fit, the mask's signs, and the number of spans.

        Only those fits of a span count that begin before its `reach`. The number of spans includes those without fits.
        """
        found = []
        every = count = 0
        for cluster in self._cluster.finditer(text_mask):
            start, end = cluster.span()
            if text_mask[end - 1] in _LETTERS and text_mask[end : end + 1].isalpha():
                # Before 3.11.5, Python includes the beginning of a word (gh-106052).
                while text_mask[end - 1] in _LETTERS:
                    end -= 1
            fits, joins, signs = self[text_mask[start:end]] if end - start <= _MOST_LAYOUT else _LONG
            every |= signs
            count += 1
            if start and (joins or text_mask[start - 1] in _LETTERS):
                first = self._begin(text_mask, start)
                if first < 0:
                    continue
                if first < start:
                    start = first
                    fits, _, _ = self[text_mask[start:end]] if end - start <= _MOST_LAYOUT else _LONG
            if end - start <= _MOST_LAYOUT:
                if fits:
                    found.append((start, fits, _MOST_LAYOUT))
            else:
                for left, right, reach in self._pieces(text_mask, start, end):
                    fits, _, _ = self[text_mask[left:right]]
                    if fits:
                        found.append((left, fits, reach))
        return found, every, count

    def __missing__(self, layout: bytes) -> Layout:
        signs = sum(sign for sign, pattern in _SIGNS if pattern.search(layout) is not None)
        found = tuple(self._fits(layout)), self._forms.joins(layout.decode("latin-1")), signs
        if len(self) < _MOST_LAYOUTS:
            self[layout] = found
        return found

    def _begin(self, text_mask: bytes, start: int) -> int:
        """Return where the words begin that may belong to the digit at `start`; -1 if it is part of a long word."""
        if text_mask[start - 1] in _LETTERS:
            return self._word_start(text_mask, start)
        if (
            start > 1
            and text_mask[start - 2] in _LETTERS
            and text_mask[start - 1] in self._separators
            # A word of capitals, or one of a letter or two.
            and (text_mask[start - 2] == 65 or start < 4 or not text_mask[start - 4 : start - 2].isalpha())
        ):
            before = _WORDS_BEFORE.search(text_mask, max(0, start - 14), start)
            if before is not None:
                return before.start()
        return start

    @staticmethod
    def _pieces(text_mask: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Split a long cluster: yield start and end of each piece, and the limit for the beginnings of its fits.

        Pieces overlap by the longest value. They begin after a separator, so that equal rows give equal pieces.
        """
        while end - start > _MOST_LAYOUT:
            separator = _SEPARATOR.search(text_mask, start + _HALF, end - 1)
            cut = separator.end() if separator is not None else end
            # A token that is too long for a value is still too long if it is cut.
            right = cut + _OVERLAP if cut - start <= _LONGEST_PIECE else start + _LONGEST_PIECE
            yield start, min(end, right), cut - start
            start = cut
        if start < end:
            yield start, end, end - start

    def _kind(self, shapes: tuple[int, ...], piece: bool) -> int:
        kind = self._kinds.get((shapes, piece))
        if kind is None:
            self.kinds.append((shapes, piece))
            kind = self._kinds[shapes, piece] = len(self.kinds) - 1
        return kind

    @staticmethod
    def _word_start(text_mask: bytes, start: int) -> int:
        """Return the start of the word whose first digit is at `start`; -1 if it is too long for a value."""
        least = max(0, start - MOST_CHARACTERS)
        while start > least and text_mask[start - 1] in _LETTERS:
            start -= 1
        return start if start > least or start == 0 else -1

    def _fits(self, layout: bytes) -> Iterator[Fit]:
        step, accepts, first = self._forms.step, self._forms.accepts, self._forms.start
        tokens = [(token.start(), token.end(), token[0]) for token in TOKEN.finditer(layout.decode("latin-1"))]
        for index, (left, _, token) in enumerate(tokens):
            if token[0] not in "0Aa":
                left, token = left + 1, token[1:]
            if len(token) > MOST_CHARACTERS:
                continue
            state = step(first, token)
            following = index
            while state >= 0:
                shapes = accepts(state)
                if shapes:
                    yield left, tokens[following][1], self._kind(shapes, _is_piece(tokens, index, following))
                following += 1
                if following == len(tokens) or len(tokens[following][2]) > MOST_CHARACTERS:
                    break
                state = step(state, tokens[following][2])


def _is_piece(tokens: list[tuple[int, int, str]], first: int, last: int) -> bool:
    if first == last:
        return False
    inner = {tokens[index][2][0] for index in range(first + 1, last + 1)}
    before = tokens[first][2][0] if first else ""
    after = tokens[last + 1][2] if last + 1 < len(tokens) else " "
    return (before in inner and "0" in tokens[first - 1][2]) or (after[0] in inner and "0" in after)
