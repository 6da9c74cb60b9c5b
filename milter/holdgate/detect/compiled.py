"""The compiled rules: shapes with their validators, patterns and the numbers of their keyword lists."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, TypeVar

import re2

from holdgate.detect import forms, validators
from holdgate.detect.candidates import Candidates
from holdgate.detect.digitwords import DIGIT_WORDS
from holdgate.detect.finders import FINDERS
from holdgate.detect.finders.finder import Finder
from holdgate.detect.identifiers import QUIET, Identifier, Shape
from holdgate.detect.identifiers import Keywords as KeywordsByLanguage
from holdgate.detect.keywords import Keywords
from holdgate.detect.loader import Loaded
from holdgate.detect.match import Confidence, Evidence

# Maximum length of a value that begins with a prefix.
MOST_VALUE = 8_000
_NONE = frozenset[str]()
# The list of keywords that name numbers which are not personal data.
OTHER_NUMBERS = "other-number"
# The list of labels that show that lines without separators are the record of a person.
RECORD_LABELS = "record-label"
Value = TypeVar("Value")
FullMatch = Callable[[str], object]
FindAll = Callable[[str], Iterable[re.Match[str]]]


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A compiled shape of an identifier.

    `lists` are the numbers of its keyword lists, the identifier's own first, or of those that name its fields. `labels`
    are the keyword lists and others whose words can be directly before a value. `against` is that of its not_keywords,
    -1 if there are none.
    `without_evidence` is None for a shape that needs evidence. `evidence` finds positive evidence near a value; with
    `only_evidence`, only keywords count in addition. `bare` describes a match without evidence. `weights` are those of
    words that count more than once. `first` are the ASCII characters with which a value can begin.
    """

    number: int
    id: str
    identifier: Identifier
    shape: Shape
    fits: FullMatch | None
    begins: Callable[[str, int], str] | None
    search: Callable[[str], Iterator[re.Match[str]]] | None
    valid: validators.Validator | None
    finder: Finder | None
    own: int
    lists: tuple[int, ...]
    labels: tuple[int, ...]
    against: int
    without_evidence: Confidence | None
    with_evidence: Confidence | None
    evidence: tuple[FindAll, ...]
    only_evidence: bool
    needs_keyword: bool
    upper: bool
    bare: Evidence
    weights: Mapping[str, int]
    first: frozenset[str]


class Choice(NamedTuple):
    """The possible shapes of a kind of fit: those for any text, and those for texts with certain keywords or evidence.

    `groups` are the keyword groups that shapes need, and `doubtful` are the shapes with `only_evidence`.
    """

    always: tuple[Ready, ...]
    groups: frozenset[int]
    perhaps: tuple[Ready, ...]
    doubtful: tuple[Ready, ...]


class Choices(dict[tuple[int, str], Choice]):
    """The choice for each kind of fit and first character of a value. Grows with new ones."""

    def __init__(self, rules: "Rules") -> None:
        super().__init__()
        self._rules = rules

    def __missing__(self, start: tuple[int, str]) -> Choice:
        kind, first = start
        numbers, piece = self._rules.candidates.kinds[kind]
        shapes = [self._rules.shapes[number] for number in numbers]
        # A piece of a longer number is a value only if a check digit proves it and no keyword is needed.
        shapes = [
            shape for shape in shapes if not piece or (shape.without_evidence is not None and shape.identifier.checksum)
        ]
        shapes = [shape for shape in shapes if first in shape.first or not first.isascii()]
        always = tuple(shape for shape in shapes if not shape.needs_keyword and not shape.only_evidence)
        perhaps = tuple(shape for shape in shapes if shape.needs_keyword)
        groups = _once(frozenset[int]().union(*(self._rules.groups[shape.number] for shape in perhaps)))
        doubtful = tuple(shape for shape in shapes if shape.only_evidence)
        found = Choice(always, groups, perhaps, doubtful)
        if first.isascii():
            self[start] = found
        return found


class Rules:
    """All shapes of a set of rules, the automata of their forms, and one automaton of all their keywords."""

    def __init__(self, loaded: Loaded) -> None:
        lists: list[list[str]] = []
        shared: dict[str, int] = {}
        for keyword_list in loaded.keyword_lists.values():
            shared[keyword_list.id] = len(lists)
            lists.append(_words(keyword_list.keywords))
        self.shapes: list[Ready] = []
        self.choices = Choices(self)
        self._evidence = re2.Set.SearchSet(QUIET)
        self._evidence_ids: list[str] = []
        self.searches: list[Ready] = []
        self.dictionaries: list[tuple[Ready, int]] = []
        # The shapes whose values are those of fields, each with the list of its words (-1 if it has a pattern).
        self.fields: list[tuple[Ready, int]] = []
        self.prefixes: dict[str, list[Ready]] = {}
        written: list[tuple[int, tuple[forms.Item, ...]]] = []
        compact: list[tuple[int, tuple[forms.Item, ...]]] = []
        labels: set[int] = set()
        for identifier in loaded.identifiers.values():
            weights = loaded.weights.get(identifier.id, {})
            for pattern in identifier.evidence_patterns:
                self._evidence.Add(pattern)
                self._evidence_ids.append(identifier.id)
            trusted = not loaded.is_local("identifiers", identifier.id)
            own = len(lists)
            lists.append(_words(identifier.keywords))
            against = -1
            if identifier.not_keywords:
                against = len(lists)
                lists.append(_words(identifier.not_keywords))
            numbers = (own, *(shared[name] for name in identifier.keyword_lists))
            labelling = (*numbers, *(shared[name] for name in identifier.label_lists))
            if any(shape.form for shape in identifier.shapes):
                labels.update(numbers, [against] if against >= 0 else [])
            for shape in identifier.shapes:
                words = tuple(shared[name] for name in shape.field_lists) or numbers
                ready = _ready(len(self.shapes), identifier, shape, words, labelling, against, trusted, weights)
                self.shapes.append(ready)
                if ready.search is not None and not shape.field_lists:
                    self.searches.append(ready)
                if shape.field_lists:
                    self.fields.append((ready, len(lists) if shape.dictionary is not None else -1))
                elif shape.dictionary is not None:
                    self.dictionaries.append((ready, len(lists)))
                if shape.dictionary is not None:
                    lists.append(sorted(loaded.dictionaries[shape.dictionary]))
                for prefix in shape.prefix:
                    self.prefixes.setdefault(prefix, []).append(ready)
                for form in shape.form:
                    items = forms.parse(form, shape.separators)
                    written.append((ready.number, items))
                    compact.append((ready.number, tuple(item for item in items if item[0] & forms.CLASSES["X"])))
        self.digit_words = len(lists)
        lists.append(list(DIGIT_WORDS))
        if self._evidence_ids:
            self._evidence.Compile()
        self.candidates = Candidates(written)
        self.compact = forms.Forms(compact)
        self.keywords = Keywords(lists, self.prefixes)
        # The list of words that mark a number as not personal (-1 if there is none), and its groups.
        self.other_numbers = shared.get(OTHER_NUMBERS, -1)
        self.others = self.keywords.groups[self.other_numbers] if self.other_numbers >= 0 else frozenset[int]()
        self.record_labels = shared.get(RECORD_LABELS, -1)
        # The keyword groups that can label numbers: those of digits, names and dictionaries cannot.
        self.labels = frozenset[int]().union(*(self.keywords.groups[number] for number in labels))
        # By shape: the groups of its keywords.
        self.groups = [
            _once(frozenset[int]().union(*map(self.keywords.groups.__getitem__, ready.lists))) for ready in self.shapes
        ]
        # The shapes whose pattern is searched for only in a text with one of their keywords, and the groups of these.
        self.keyword_searches = [ready for ready in self.searches if ready.needs_keyword]
        self.searches = [ready for ready in self.searches if not ready.needs_keyword]
        self.searched_groups = frozenset[int]().union(*(self.groups[ready.number] for ready in self.keyword_searches))
        # The shapes with a finder, whether it runs on every text, and the keyword groups that are otherwise required.
        self.finders = [
            (
                ready,
                ready.finder,
                not (ready.needs_keyword or ready.shape.needs_cooccurrence),
                self.groups[ready.number],
            )
            for ready in self.shapes
            if ready.finder is not None
        ]

    def with_evidence(self, text: str) -> frozenset[str]:
        """Return the ids of the identifiers whose evidence patterns occur in the text; all are searched for at once."""
        numbers = self._evidence.Match(text) if self._evidence_ids else ()
        return frozenset([self._evidence_ids[number] for number in numbers]) if numbers else _NONE


def _words(keywords: KeywordsByLanguage) -> list[str]:
    return [word for words in keywords.values() for word in words]


def _ready(
    number: int,
    identifier: Identifier,
    shape: Shape,
    lists: tuple[int, ...],
    labels: tuple[int, ...],
    against: int,
    trusted: bool,
    weights: Mapping[str, int],
) -> Ready:
    # The shipped patterns are safe, and `re` is faster; an administrator's patterns run on RE2, in linear time.
    compile_pattern = re.compile if trusted else re2.compile
    name = shape.validator or identifier.validator
    pattern = compile_pattern(shape.pattern) if shape.pattern else None
    upper = bool(shape.form) and not shape.keep_case
    return Ready(
        number,
        identifier.id,
        identifier,
        shape,
        pattern.fullmatch if pattern is not None and not shape.prefix else None,
        _beginning(pattern) if pattern is not None and shape.prefix else None,
        re2.compile(shape.search).finditer if shape.search else None,
        validators.resolve(name) if name else None,
        FINDERS[shape.finder] if shape.finder else None,
        lists[0],
        lists,
        labels,
        against,
        None if shape.without_evidence == "none" else Confidence(shape.without_evidence),
        None if shape.with_evidence == "none" else Confidence(shape.with_evidence),
        tuple(compile_pattern(pattern).finditer for pattern in identifier.evidence_patterns),
        shape.without_evidence == "none" and bool(identifier.evidence_patterns) and not identifier.evidence_identifiers,
        shape.without_evidence == "none" and not identifier.evidence_patterns and not identifier.evidence_identifiers,
        upper,
        Evidence(shape.name, identifier.checksum),
        weights,
        _first(shape, upper),
    )


def _first(shape: Shape, upper: bool) -> frozenset[str]:
    """Return the ASCII characters with which a value of the shape can begin, as far as its pattern shows."""
    ascii_characters = map(chr, range(128))
    if not shape.pattern:
        return _once(frozenset(ascii_characters))
    try:
        least, most = re2.compile(shape.pattern, QUIET).possiblematchrange(8)
    except re2.error:
        return _once(frozenset(ascii_characters))
    return _once(
        frozenset(
            character
            for character in ascii_characters
            if least[:1] <= (character.upper() if upper else character).encode() <= most[:1]
        )
    )


@cache
def _once(values: frozenset[Value]) -> frozenset[Value]:
    """Return one object for all equal sets: a thousand shapes have few different ones, of up to 8 KB."""
    return values


def _beginning(pattern: re.Pattern[str]) -> Callable[[str, int], str]:
    """Return a function that returns the text that matches `pattern` at a place, "" if there is none."""

    def beginning(text: str, start: int) -> str:
        found = pattern.match(text, start, start + MOST_VALUE)
        return found[0] if found is not None else ""

    return beginning
