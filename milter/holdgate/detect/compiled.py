"""The rules made ready to run: shapes with their validators, patterns and the numbers of their keyword lists."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

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

# A value that begins with a prefix is no longer than this.
MOST_VALUE = 8_000
FullMatch = Callable[[str], object]
FindAll = Callable[[str], Iterable[re.Match[str]]]


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A shape of an identifier, ready to run.

    `lists` are the numbers of its keyword lists, the identifier's own first; `against` that of its not_keywords, -1 if
    none. `alone` is None for a shape that needs evidence. `evidence` find what speaks for a value near it; where it
    is `only_evidence`, beside keywords nothing else does. `bare` is what there is to say of a match without any.
    `weights` are those of words that count for more than one.
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
    against: int
    alone: Confidence | None
    with_keyword: Confidence | None
    evidence: tuple[FindAll, ...]
    only_evidence: bool
    needs_keyword: bool
    upper: bool
    bare: Evidence
    weights: Mapping[str, int]


class Choice(NamedTuple):
    """The shapes of a kind of fit: those that any text may have, and those that need keywords of certain groups.

    `groups` are those of all that need some, and `doubtful` says that among the first are some with `only_evidence`.
    """

    always: tuple[Ready, ...]
    doubtful: bool
    groups: frozenset[int]
    perhaps: tuple[Ready, ...]


class Rules:
    """All shapes of a set of rules, the automata over their forms, and the one over all their keywords."""

    def __init__(self, loaded: Loaded) -> None:
        lists: list[list[str]] = []
        shared: dict[str, int] = {}
        for keyword_list in loaded.keyword_lists.values():
            shared[keyword_list.id] = len(lists)
            lists.append(_words(keyword_list.keywords))
        self.shapes: list[Ready] = []
        self._possible: dict[int, Choice] = {}
        self._evidence = re2.Set.SearchSet(QUIET)
        self._evidence_ids: list[str] = []
        self.searches: list[Ready] = []
        self.dictionaries: list[tuple[Ready, int]] = []
        self.prefixes: dict[str, list[Ready]] = {}
        written: list[tuple[int, tuple[forms.Item, ...]]] = []
        compact: list[tuple[int, tuple[forms.Item, ...]]] = []
        self.owners: dict[int, set[str]] = {}
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
            for number in numbers:
                self.owners.setdefault(number, set()).add(identifier.id)
            for shape in identifier.shapes:
                ready = _ready(len(self.shapes), identifier, shape, numbers, against, trusted, weights)
                self.shapes.append(ready)
                if ready.search is not None:
                    self.searches.append(ready)
                if shape.dictionary is not None:
                    self.dictionaries.append((ready, len(lists)))
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
        # By shape: the groups of its keywords.
        self.groups = [
            frozenset[int]().union(*map(self.keywords.groups.__getitem__, ready.lists)) for ready in self.shapes
        ]
        self.finders = [(ready, self.groups[ready.number]) for ready in self.shapes if ready.finder is not None]

    def possible(self, kind: int) -> Choice:
        """Return the shapes of a kind of fit.

        A piece of a longer number is taken for a value only if the shape needs no keyword to be believed.
        """
        found = self._possible.get(kind)
        if found is None:
            numbers, piece = self.candidates.kinds[kind]
            shapes = [self.shapes[number] for number in numbers]
            shapes = [shape for shape in shapes if not (piece and shape.alone is None)]
            always = tuple(shape for shape in shapes if not shape.needs_keyword)
            perhaps = tuple(shape for shape in shapes if shape.needs_keyword)
            groups = frozenset[int]().union(*(self.groups[shape.number] for shape in perhaps))
            doubtful = any(shape.only_evidence for shape in always)
            found = self._possible[kind] = Choice(always, doubtful, groups, perhaps)
        return found

    def with_evidence(self, text: str) -> frozenset[str]:
        """Return the ids of the identifiers whose evidence patterns occur in the text; all are searched for at once."""
        if not self._evidence_ids:
            return frozenset()
        return frozenset(self._evidence_ids[number] for number in self._evidence.Match(text) or ())


def _words(keywords: KeywordsByLanguage) -> list[str]:
    return [word for words in keywords.values() for word in words]


def _ready(
    number: int,
    identifier: Identifier,
    shape: Shape,
    lists: tuple[int, ...],
    against: int,
    trusted: bool,
    weights: Mapping[str, int],
) -> Ready:
    # Our own patterns are known to be harmless, and `re` answers sooner; an administrator's run on RE2, in linear time.
    compile_pattern = re.compile if trusted else re2.compile
    name = shape.validator or identifier.validator
    pattern = compile_pattern(shape.pattern) if shape.pattern else None
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
        against,
        None if shape.alone == "none" else Confidence(shape.alone),
        None if shape.with_keyword == "none" else Confidence(shape.with_keyword),
        tuple(compile_pattern(pattern).finditer for pattern in identifier.evidence_patterns),
        shape.alone == "none" and bool(identifier.evidence_patterns) and not identifier.evidence_identifiers,
        shape.alone == "none" and not identifier.evidence_patterns and not identifier.evidence_identifiers,
        bool(shape.form) and not shape.keep_case,
        Evidence(shape.name, identifier.checksum),
        weights,
    )


def _beginning(pattern: re.Pattern[str]) -> Callable[[str, int], str]:
    """Return a function that gives the part of a text which fits `pattern` from a place on, "" if none does."""

    def beginning(text: str, start: int) -> str:
        found = pattern.match(text, start, start + MOST_VALUE)
        return found[0] if found is not None else ""

    return beginning
