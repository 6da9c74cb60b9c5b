"""The engine: finds matches in a text, and evaluates a profile on matches."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from holdgate.detect import decode, loader
from holdgate.detect.compiled import Ready, Rules
from holdgate.detect.evaluate import Evaluation, evaluate
from holdgate.detect.explain import Explanation, explain
from holdgate.detect.finders.finder import Place, Text
from holdgate.detect.labels import ends_label
from holdgate.detect.match import Match, Span
from holdgate.detect.normal import Normal, normalise
from holdgate.detect.obfuscation import Obfuscations
from holdgate.detect.profiles import asked_alone
from holdgate.detect.scoring import Scorer, resolve
from holdgate.detect.statements import Names, is_said_of_person
from holdgate.detect.tomlfile import RuleError

_CONTEXT: Final = 120
_OBFUSCATED: Final = "too much obfuscated text"
_CANDIDATES: Final = "too many candidates"
# Further candidates are not evaluated, and the text counts as partly read.
FREE_CANDIDATES = 20_000
CHARACTERS_A_CANDIDATE = 60
# Values of fields have a limit of their own: a column with one in each row does not keep names from being found.
CHARACTERS_A_FIELD = 20
# In longer texts, shapes that need a keyword are searched for only near their keywords, within this many characters.
_WHOLE_TEXT: Final = 50_000
_SEARCH_MARGIN: Final = 100
# Data that needs co-occurrence is searched for within this many characters before and after other data.
_COOCCURRENCE: Final = 200
# These occur in most mail, so they are not enough for data that needs co-occurrence.
_ADDRESSES: Final = frozenset({"email-address", "ip-address"})
EVERYWHERE: Final = frozenset({"email-address", "phone-number", "ip-address"})


class Scan(NamedTuple):
    """The matches in a text, in order. `limited` states why it was not searched completely, "" if it was."""

    matches: list[Match]
    limited: str = ""


class Detector:
    """Finds personal data by a set of rules. Build it once; threads and forked processes can share it."""

    def __init__(
        self,
        loaded: loader.Loaded,
        profile: str,
        rules: Rules | None = None,
        everywhere: frozenset[str] | None = None,
    ) -> None:
        """Find those of `everywhere` without other data next to them; None: those that the profile needs alone."""
        self.loaded = loaded
        self.profile = profile
        self._profile_rules = loader.rules_of(profile, loaded)
        self._rules = rules or Rules(loaded)
        self._obfuscations = Obfuscations(self._rules)
        of = loaded.dictionaries.get
        self._names = Names(of("first-names", frozenset()), of("not-names", frozenset()))
        self.everywhere = asked_alone(self._profile_rules, loaded.identifiers) if everywhere is None else everywhere

    @classmethod
    def from_rules(cls, rules_dir: Path, profile: str = "dlp-pii", local_dir: Path | None = None) -> "Detector":
        """Load the rules under `rules_dir`, overridden by those under `local_dir`.

        Raises RuleError, which names file, line and reason, for the first rule with an error.
        """
        loaded = loader.load(Path(rules_dir), local_dir)
        if profile not in loaded.profiles:
            raise RuleError(
                Path(rules_dir) / "profiles", 1, f'there is no profile "{profile}"; see: holdgate rules list'
            )
        return cls(loaded, profile)

    def with_profile(self, profile: str) -> "Detector":
        """Return a detector that evaluates another profile and shares everything else with this one."""
        if profile not in self.loaded.profiles:
            raise RuleError(Path("profiles"), 1, f'there is no profile "{profile}"; see: holdgate rules list')
        return Detector(self.loaded, profile, self._rules)

    def finding(self, everywhere: frozenset[str]) -> "Detector":
        """Return a detector that finds these identifiers without other data, and shares everything else with this."""
        return Detector(self.loaded, self.profile, self._rules, everywhere)

    def find(self, text: str, places: Sequence[tuple[int, str]] = ()) -> list[Match]:
        """Return the matches in `text`, in order.

        `places` are those of an extracted part (offset, name): cells of a sheet use them to find their column headings.
        """
        return self.scan(text, places).matches

    def scan(self, text: str, places: Sequence[tuple[int, str]] = ()) -> Scan:
        """Return the matches in `text`, and whether all of it was searched."""
        normal = normalise(text)
        limits: list[str] = [_OBFUSCATED] if normal.limited else []
        found = self._search(normal, places, limits)
        if normal.text is not text:
            found = [match.at(*normal.place(match.start, match.end)) for match in found]
        if normal.asides:
            found = resolve([*found, *self._in_attributes(normal, limits)])
        if self.loaded.never:
            found = [match for match in found if not self.loaded.never.holds(match)]
        return Scan(found, limits[0] if limits else "")

    def explain(self, text: str, places: Sequence[tuple[int, str]] = ()) -> list[Explanation]:
        """Return the matches in `text` with the reasons for each, masked."""
        return [explain(text, match) for match in self.find(text, places)]

    def evaluate(self, matches: Sequence[Match] | Sequence[Sequence[Match]]) -> Evaluation:
        """Return the profile's rules that match a message, given its matches or a list of matches for each part."""
        parts: list[list[Match]] = []
        loose: list[Match] = []
        for item in matches:
            if isinstance(item, Match):
                loose.append(item)
            else:
                parts.append(list(item))
        return evaluate(self.profile, self._profile_rules, [*parts, loose] if loose else parts)

    def _search(
        self,
        normal: Normal,
        places: Sequence[tuple[int, str]],
        limits: list[str],
        layer: int = 0,
        own: Span | None = None,
    ) -> list[Match]:
        """Return the matches in a plain text; if it is not searched completely, the reason is added to `limits`.

        For a decoded text, `own` is the span without the surrounding text, which is decoded separately.
        """
        text = normal.text
        mask = normal.mask
        stretches, signs, numbers = self._rules.candidates.find(mask)
        content = Text(text, mask, signs, numbers)
        scorer = Scorer(self._rules, content, normal, places)
        found: list[Match] = []
        if scorer.hits.limited:
            limits.append("too many keywords")
        left = FREE_CANDIDATES + len(text) // CHARACTERS_A_CANDIDATE
        for base, fits, reach in stretches:
            for first, last, kind in fits:
                if first >= reach:
                    continue
                start, end = base + first, base + last
                possible = scorer.possible(kind, text[start])
                if not possible:
                    continue
                left -= len(possible)
                value = text[start:end]
                if not value.isalnum():
                    if value[0].isalpha() and ends_label(value):
                        continue
                    value = "".join(filter(str.isalnum, value))
                for ready in possible:
                    match = scorer.score(ready, start, end, value)
                    if match is not None:
                        found.append(match)
            if left < 0:
                break
        found.extend(self._of_fields(scorer, limits))
        for ready, place in self._other_candidates(scorer, content, found):
            left -= 1
            if left < 0:
                break
            match = scorer.score(ready, place.start, place.end, place.value)
            if match is not None:
                found.append(match)
        if left < 0:
            limits.append(_CANDIDATES)
        found = resolve(found)
        hidden = [
            *self._obfuscations.find(scorer, found, limits),
            *self._decoded(content, limits, layer, own or (0, len(text))),
            *scorer.settle(found),
        ]
        return resolve([*found, *hidden]) if hidden else found

    def _in_attributes(self, normal: Normal, limits: list[str]) -> Iterator[Match]:
        """Yield the matches in attributes of tags, which are not in the plain text."""
        starts: list[int] = []
        length = 0
        for _, aside in normal.asides:
            starts.append(length)
            length += len(aside) + 1
        for match in self._search(Normal("\n".join(aside for _, aside in normal.asides)), (), limits):
            index = bisect_right(starts, match.start) - 1
            offset, aside = normal.asides[index]
            start = match.start - starts[index]
            end = match.end - starts[index]
            if end <= len(aside):
                yield match.at(offset + start, offset + end)

    def _other_candidates(self, scorer: Scorer, content: Text, found: list[Match]) -> Iterator[tuple[Ready, Place]]:
        """Yield the candidates of prefixes, dictionaries and finders; `found` grows with the resulting matches."""
        yield from self._prefixed(scorer)
        present = scorer.hits.found.keys()
        for ready, number in self._rules.dictionaries:
            # Words such as "green" are frequent; without a keyword, no sentence with them has to be read.
            if ready.needs_keyword and present.isdisjoint(self._rules.groups[ready.number]):
                continue
            shape = ready.shape
            for words in scorer.hits.of(number):
                for word in words:
                    if not shape.said_of_person or is_said_of_person(
                        content.text, word.start, word.end, self._names, shape.said_verbs
                    ):
                        yield ready, Place(word.start, word.end, word.word)
        for ready in self._rules.searches:
            yield from self._searched(ready, scorer)
        if not present.isdisjoint(self._rules.searched_groups):
            for ready in self._rules.keyword_searches:
                if not present.isdisjoint(self._rules.groups[ready.number]):
                    yield from self._searched(ready, scorer)
        for ready, find, always, groups in self._rules.finders:
            if (
                always
                or ready.id in self.everywhere
                or (not ready.shape.needs_cooccurrence and not present.isdisjoint(groups))
            ):
                for place in find(content, self.loaded.dictionaries):
                    yield ready, place
            elif ready.shape.needs_cooccurrence and (
                not present.isdisjoint(groups) or any(match.identifier not in EVERYWHERE for match in found)
            ):
                for piece, offset in self._cooccurrence_spans(scorer, content, ready, found):
                    for start, end, value in find(piece, self.loaded.dictionaries):
                        yield ready, Place(offset + start, offset + end, value)

    def _of_fields(self, scorer: Scorer, limits: list[str]) -> Iterator[Match]:
        """Yield the matches that are values of fields: the words of a list, or what a pattern matches."""
        text = scorer.text
        present = scorer.hits.found.keys()
        left = FREE_CANDIDATES + len(text) // CHARACTERS_A_FIELD
        for ready, number in self._rules.fields:
            if present.isdisjoint(self._rules.groups[ready.number]):
                continue
            spans: Iterable[Span]
            if ready.search is not None:
                spans = (found.span() for found in ready.search(text))
            else:
                spans = ((word.start, word.end) for words in scorer.hits.of(number) for word in words)
            for start, end in spans:
                label = scorer.fields.label(ready.lists, start, end, number)
                if label is None:
                    continue
                left -= 1
                if left < 0:
                    limits.append(_CANDIDATES)
                    return
                match = scorer.field(ready, start, end, label)
                if match is not None:
                    yield match

    @staticmethod
    def _cooccurrence_spans(scorer: Scorer, content: Text, ready: Ready, found: list[Match]) -> list[tuple[Text, int]]:
        """Return the spans of a text around matches and keywords, extended to complete lines if these are short."""
        text, mask = content.text, content.mask
        spans = [(match.start, match.end) for match in found if match.identifier not in _ADDRESSES]
        spans.extend(scorer.near_keywords(ready, 0))
        pieces: list[tuple[int, int]] = []
        for start, end in sorted(spans):
            left = max(0, start - _COOCCURRENCE)
            right = min(len(text), end + _COOCCURRENCE)
            left = max(text.find("\n", left, start) + 1, left) if left else 0
            last = text.rfind("\n", end, right) if right < len(text) else -1
            right = last if last > end else right
            if pieces and left <= pieces[-1][1] + _COOCCURRENCE:
                pieces[-1] = pieces[-1][0], max(right, pieces[-1][1])
            else:
                pieces.append((left, right))
        return [(Text(text[left:right], mask[left:right], content.signs), left) for left, right in pieces]

    @staticmethod
    def _searched(ready: Ready, scorer: Scorer) -> Iterator[tuple[Ready, Place]]:
        """Yield the matches of a pattern: in the complete text, or near its keywords if the text is long."""
        assert ready.search is not None
        text = scorer.text
        stretches = [(0, len(text))]
        if ready.needs_keyword and len(text) > _WHOLE_TEXT:
            stretches = scorer.near_keywords(ready, _SEARCH_MARGIN)
        for left, right in stretches:
            for found in ready.search(text[left:right]):
                start, end = left + found.start(), left + found.end()
                # A match at the edge of a span may be incomplete.
                if start < end and (start > left or left == 0) and (end < right or right == len(text)):
                    yield ready, Place(start, end, text[start:end])

    def _prefixed(self, scorer: Scorer) -> Iterator[tuple[Ready, Place]]:
        """Yield the values that begin with a prefix of a shape."""
        text = scorer.text
        for start, prefix in scorer.hits.prefixes:
            if start and text[start - 1].isalnum() and prefix[0].isalnum():
                continue
            for ready in self._rules.prefixes[prefix]:
                assert ready.begins is not None
                value = ready.begins(text, start)
                if value:
                    yield ready, Place(start, start + len(value), value)

    def _decoded(self, content: Text, limits: list[str], layer: int, own: Span) -> Iterator[Match]:
        """Yield the matches in encoded runs in `own`. The match is the complete run; the text around it is evidence."""
        text = content.text
        for start, end, plain, code in decode.find(content, limits):
            if start < own[0] or end > own[1]:
                continue
            if layer >= decode.MOST_LAYERS:
                limits.append(decode.TOO_MUCH)
                return
            before = text[max(0, start - _CONTEXT) : start]
            inner = normalise(f"{before} {plain} {text[end : end + _CONTEXT]}")
            if inner.limited:
                limits.append(_OBFUSCATED)
            decoded = inner.plain(len(before) + 1), inner.plain(len(before) + 1 + len(plain))
            for match in self._search(inner, (), limits, layer + 1, decoded):
                left, right = inner.place(match.start, match.end)
                # A value without a fixed end, such as a key, may include some of the following text.
                if left >= len(before) and (left + right) // 2 <= len(before) + len(plain) + 1:
                    yield match._replace(start=start, end=end, evidence=match.evidence._replace(obfuscation=code))
