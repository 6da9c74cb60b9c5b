"""The forms of identifiers ("DDD-DD-DDDD") and the automaton that finds all forms of all rules in one pass.

A form is written with classes of characters: ``D`` is a digit, ``L`` a letter, ``X`` either. ``{n}`` or ``{n,m}``
repeats the class before it. A space is one separator, ``~`` an optional one, and any other character that is neither
letter nor digit is itself. Forms are matched with a text's mask, in which each digit is ``0``, each upper-case letter
``A``, each other letter ``a``.

All forms together are one non-deterministic automaton. It reads one token at a time ("0000", "-00"), and each step is
cached, so ordinary text costs one dictionary lookup per token for any number of forms.
"""

import re
from array import array
from collections.abc import Iterable
from typing import Final

CLASSES: Final = {"D": frozenset("0"), "L": frozenset("Aa"), "X": frozenset("0Aa")}
DEFAULT_SEPARATORS: Final = " -."
# A group of digits and letters, with the separator before it.
TOKEN: Final = re.compile(r"[^0Aa]?[0Aa]+")
_ITEM: Final = re.compile(r"([DLX~ ]|[^\w{}])(?:\{(\d+)(?:,(\d+))?\})?")
MOST_STEPS: Final = 200_000
MOST_CHARACTERS: Final = 64
# Maximum number of words before the first digit that can belong to a value.
MOST_WORDS: Final = 2
LONGEST_WORD: Final = 6

Item = tuple[frozenset[str], int, int]
Place = tuple[int, int, int]
State = int


class FormError(ValueError):
    """A form has a syntax error; the argument states where."""


def parse(form: str, separators: str = DEFAULT_SEPARATORS) -> tuple[Item, ...]:
    """Return the items of a form: the mask characters of each, its minimum and maximum number."""
    items: list[Item] = []
    position = 0
    while position < len(form):
        found = _ITEM.match(form, position)
        if found is None:
            raise FormError(f'form "{form}": column {position + 1} is none of D, L, X, ~, {{n}}, space, punctuation')
        symbol, least, most = found.groups()
        position = found.end()
        low = int(least) if least else 1
        high = int(most) if most else low
        if symbol in "~ " and least:
            raise FormError(f'form "{form}": a separator cannot be repeated')
        if not low <= high <= MOST_CHARACTERS or high == 0:
            raise FormError(f'form "{form}": {{{low},{high}}} is not between 0 and {MOST_CHARACTERS}')
        if symbol == "~":
            items.append((frozenset(separators), 0, 1))
        elif symbol == " ":
            items.append((frozenset(separators), 1, 1))
        else:
            items.append((CLASSES.get(symbol, frozenset(symbol)), low, high))
    if not any(classes & CLASSES["X"] for classes, _, _ in items):
        raise FormError(f'form "{form}": takes neither letters nor digits')
    return tuple(items)


def shortest(items: Iterable[Item]) -> int:
    """Return the number of letters and digits of the shortest text that fits a form.

    >>> shortest(parse("L{0,2} DDD~DD"))
    5
    """
    return sum(least for classes, least, _ in items if classes & CLASSES["X"])


class Forms:
    """All forms, each with a number chosen by the caller. Built once; the cache of steps grows up to a limit."""

    def __init__(self, forms: Iterable[tuple[int, tuple[Item, ...]]]) -> None:
        self._forms = list(forms)
        # A state is the sorted numbers of its places, which need a fifteenth of the memory of the places themselves.
        self._states: dict[bytes, State] = {}
        self._places: list[bytes] = []
        self._accepts: list[tuple[int, ...]] = []
        self._steps: list[dict[str, State]] = []
        start = self._closure((index, 0, 0) for index in range(len(self._forms)))
        self.start = self._state(start)
        self._step_count = 0
        self._behind_words = self._state(self._after_words(start))

    def step(self, state: State, token: str) -> State:
        """Return the state after `token` (a few mask characters); -1 if no form can accept it."""
        if state < 0:
            return state
        steps = self._steps[state]
        found = steps.get(token)
        if found is None:
            found = self._walk(state, token)
            if self._step_count < MOST_STEPS:
                self._step_count += 1
                steps[token] = found
        return found

    def accepts(self, state: State) -> tuple[int, ...]:
        """Return the numbers of the forms that are complete in `state`."""
        return self._accepts[state]

    def joins(self, layout: str) -> bool:
        """Whether a form can end with a group of a layout that follows words (see `_after_words`)."""
        state = self._behind_words
        for token in TOKEN.findall(layout):
            state = self.step(state, token)
            if state < 0:
                return False
            if self._accepts[state]:
                return True
        return False

    def _after_words(self, places: frozenset[Place]) -> frozenset[Place]:
        """Return the possible states of the forms after the words that `candidates` accepts as parts of a value."""
        separators = {symbol for _, items in self._forms for symbols, _, _ in items for symbol in symbols} - set("0Aa")
        behind = frozenset[Place]()
        for _ in range(MOST_WORDS):
            words = frozenset[Place]()
            for _ in range(LONGEST_WORD):
                places = frozenset[Place]().union(*(self._closure(self._take(places, letter)) for letter in "Aa"))
                words |= places
            places = frozenset[Place]().union(*(self._closure(self._take(words, symbol)) for symbol in separators))
            behind |= places
        return behind

    def _walk(self, state: State, token: str) -> State:
        """Take a step character by character; these steps are cached too, because all tokens consist of them."""
        if len(token) > 1:
            for character in token:
                state = self.step(state, character)
            return state
        return self._state(self._closure(self._take(_places(self._places[state]), token)))

    def _take(self, places: Iterable[Place], character: str) -> Iterable[Place]:
        for form, item, taken in places:
            items = self._forms[form][1]
            if item < len(items) and character in items[item][0] and taken < items[item][2]:
                yield form, item, taken + 1

    def _closure(self, places: Iterable[Place]) -> frozenset[Place]:
        found: set[Place] = set()
        stack = list(places)
        while stack:
            place = stack.pop()
            if place in found:
                continue
            found.add(place)
            form, item, taken = place
            items = self._forms[form][1]
            if item < len(items) and taken >= items[item][1]:
                stack.append((form, item + 1, 0))
        return frozenset(found)

    def _state(self, places: frozenset[Place]) -> State:
        if not places:
            return -1
        numbers = _numbers(places)
        state = self._states.get(numbers)
        if state is None:
            state = self._states[numbers] = len(self._places)
            self._places.append(numbers)
            done = {self._forms[form][0] for form, item, _ in places if item == len(self._forms[form][1])}
            self._accepts.append(tuple(sorted(done)))
            self._steps.append({})
        return state


def _numbers(places: Iterable[Place]) -> bytes:
    """Return one number for each place, sorted, in 8 bytes each."""
    return array("Q", sorted(form << 32 | item << 16 | taken for form, item, taken in places)).tobytes()


def _places(numbers: bytes) -> list[Place]:
    """Return the places of `_numbers`."""
    return [(number >> 32, number >> 16 & 0xFFFF, number & 0xFFFF) for number in array("Q", numbers)]
