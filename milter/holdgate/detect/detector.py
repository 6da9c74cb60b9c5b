"""The engine: a text in, matches out; matches in, what a profile says of them out."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from holdgate.detect import decode, loader
from holdgate.detect.compiled import Ready, Rules
from holdgate.detect.disguise import Disguises
from holdgate.detect.evaluate import Evaluation, evaluate
from holdgate.detect.explain import Explanation, explain
from holdgate.detect.finders.finder import Place, Text
from holdgate.detect.judge import Judge, resolve
from holdgate.detect.labels import ends_label
from holdgate.detect.match import Match, Span
from holdgate.detect.normal import Normal, normalise
from holdgate.detect.profiles import asked_alone
from holdgate.detect.tomlfile import RuleError

_CONTEXT: Final = 120
_DISGUISED: Final = "too much disguised text"
# More candidates than these are not judged, and the text counts as read in part.
FREE_CANDIDATES = 20_000
CHARACTERS_A_CANDIDATE = 60
# Longer texts are searched for what needs a keyword near their keywords only, with so many characters more.
_WHOLE_TEXT: Final = 50_000
_SEARCH_MARGIN: Final = 100
# What counts beside other data only is looked for so many characters before and after these.
_COMPANY: Final = 200
# In most mail anyhow: no company for what only counts beside other data.
_ADDRESSES: Final = frozenset({"email-address", "ip-address"})
EVERYWHERE: Final = frozenset({"email-address", "phone-number", "ip-address"})


class Scan(NamedTuple):
    """What was found in a text, in order of its place. `limited` says why not all of it was searched, "" if it was."""

    matches: list[Match]
    limited: str = ""


class Detector:
    """Finds personal data by a set of rules. Build it once; threads and forked processes may share it."""

    def __init__(
        self,
        loaded: loader.Loaded,
        profile: str,
        rules: Rules | None = None,
        everywhere: frozenset[str] | None = None,
    ) -> None:
        """Find those of `everywhere` (None: what the profile asks for alone) without other data beside them."""
        self.loaded = loaded
        self.profile = profile
        self._profile_rules = loader.rules_of(profile, loaded)
        self._rules = rules or Rules(loaded)
        self._disguises = Disguises(self._rules)
        self.everywhere = asked_alone(self._profile_rules, loaded.identifiers) if everywhere is None else everywhere

    @classmethod
    def from_rules(cls, rules_dir: Path, profile: str = "dlp-pii", local_dir: Path | None = None) -> "Detector":
        """Load the rules under `rules_dir`, with those under `local_dir` on top.

        Raises RuleError, which names file, line and reason, for the first rule that is wrong.
        """
        loaded = loader.load(Path(rules_dir), local_dir)
        if profile not in loaded.profiles:
            raise RuleError(Path(rules_dir) / "profiles", 1, f"no profile {profile!r}")
        return cls(loaded, profile)

    def with_profile(self, profile: str) -> "Detector":
        """Return a detector that evaluates another profile and shares everything else with this one."""
        if profile not in self.loaded.profiles:
            raise RuleError(Path("profiles"), 1, f"no profile {profile!r}")
        return Detector(self.loaded, profile, self._rules)

    def finding(self, everywhere: frozenset[str]) -> "Detector":
        """Return a detector that finds these identifiers by themselves, and shares everything else with this one."""
        return Detector(self.loaded, self.profile, self._rules, everywhere)

    def find(self, text: str, places: Sequence[tuple[int, str]] = ()) -> list[Match]:
        """Return the matches in `text`, in order of their place.

        `places` are those of an extracted part (offset, name): cells of a sheet find the headings of their columns.
        """
        return self.scan(text, places).matches

    def scan(self, text: str, places: Sequence[tuple[int, str]] = ()) -> Scan:
        """Return the matches in `text`, and whether all of it was searched."""
        normal = normalise(text)
        limits: list[str] = [_DISGUISED] if normal.limited else []
        found = self._search(normal, places, limits)
        if normal.text is not text:
            found = [match.at(*normal.place(match.start, match.end)) for match in found]
        if normal.asides:
            found = resolve([*found, *self._beside(normal, limits)])
        if self.loaded.never:
            found = [match for match in found if not self.loaded.never.holds(match)]
        return Scan(found, limits[0] if limits else "")

    def explain(self, text: str, places: Sequence[tuple[int, str]] = ()) -> list[Explanation]:
        """Return the matches in `text` with the reasons for each, masked."""
        return [explain(text, match) for match in self.find(text, places)]

    def evaluate(self, matches: Sequence[Match] | Sequence[Sequence[Match]]) -> Evaluation:
        """Say which rules of the profile hold for a message, given its matches or a list of matches for each part."""
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
        """Return the matches in a plain text; why not all of it was searched, if so, is added to `limits`.

        Of a text that was decoded, `own` is without what stands round it, which is decoded by itself.
        """
        text = normal.text
        mask = normal.mask
        stretches, signs, numbers = self._rules.candidates.find(mask)
        content = Text(text, mask, signs, numbers)
        judge = Judge(self._rules, content, normal, places)
        found: list[Match] = []
        if judge.hits.limited:
            limits.append("too many keywords")
        left = FREE_CANDIDATES + len(text) // CHARACTERS_A_CANDIDATE
        for base, fits, reach in stretches:
            for first, last, kind in fits:
                if first >= reach:
                    continue
                start, end = base + first, base + last
                possible = judge.possible(kind, text[start])
                if not possible:
                    continue
                left -= len(possible)
                value = text[start:end]
                if not value.isalnum():
                    if value[0].isalpha() and ends_label(value):
                        continue
                    value = "".join(filter(str.isalnum, value))
                for ready in possible:
                    match = judge.judge(ready, start, end, value)
                    if match is not None:
                        found.append(match)
            if left < 0:
                break
        for ready, place in self._elsewhere(judge, content, found):
            left -= 1
            if left < 0:
                break
            match = judge.judge(ready, place.start, place.end, place.value)
            if match is not None:
                found.append(match)
        if left < 0:
            limits.append("too many candidates")
        found = resolve(found)
        hidden = [
            *self._disguises.find(judge, found, limits),
            *self._decoded(content, limits, layer, own or (0, len(text))),
            *judge.settle(found),
        ]
        return resolve([*found, *hidden]) if hidden else found

    def _beside(self, normal: Normal, limits: list[str]) -> Iterator[Match]:
        """Yield what stands in attributes of tags, which are not in the plain text."""
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

    def _elsewhere(self, judge: Judge, content: Text, found: list[Match]) -> Iterator[tuple[Ready, Place]]:
        """Yield the candidates of prefixes, dictionaries and finders; `found` grows with what becomes of them."""
        yield from self._prefixed(judge)
        for ready, number in self._rules.dictionaries:
            for words in judge.hits.of(number):
                for word in words:
                    yield ready, Place(word.start, word.end, word.word)
        present = judge.hits.found.keys()
        for ready in self._rules.searches:
            yield from self._searched(ready, judge)
        if not present.isdisjoint(self._rules.searched_groups):
            for ready in self._rules.keyword_searches:
                if not present.isdisjoint(self._rules.groups[ready.number]):
                    yield from self._searched(ready, judge)
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
                for piece, offset in self._company(judge, content, ready, found):
                    for start, end, value in find(piece, self.loaded.dictionaries):
                        yield ready, Place(offset + start, offset + end, value)

    @staticmethod
    def _company(judge: Judge, content: Text, ready: Ready, found: list[Match]) -> list[tuple[Text, int]]:
        """Return the pieces of a text round matches and keywords, from line to line where lines are short."""
        text, mask = content.text, content.mask
        spans = [(match.start, match.end) for match in found if match.identifier not in _ADDRESSES]
        spans.extend(judge.near_keywords(ready, 0))
        pieces: list[tuple[int, int]] = []
        for start, end in sorted(spans):
            left = max(0, start - _COMPANY)
            right = min(len(text), end + _COMPANY)
            left = max(text.find("\n", left, start) + 1, left)
            last = text.rfind("\n", end, right) if right < len(text) else -1
            right = last if last > end else right
            if pieces and left <= pieces[-1][1] + _COMPANY:
                pieces[-1] = pieces[-1][0], max(right, pieces[-1][1])
            else:
                pieces.append((left, right))
        return [(Text(text[left:right], mask[left:right], content.signs), left) for left, right in pieces]

    @staticmethod
    def _searched(ready: Ready, judge: Judge) -> Iterator[tuple[Ready, Place]]:
        """Yield what a pattern finds: in the whole text, or near its keywords where the text is long and needs them."""
        assert ready.search is not None
        text = judge.text
        stretches = [(0, len(text))]
        if ready.needs_keyword and len(text) > _WHOLE_TEXT:
            stretches = judge.near_keywords(ready, _SEARCH_MARGIN)
        for left, right in stretches:
            for found in ready.search(text[left:right]):
                start, end = left + found.start(), left + found.end()
                # What touches the edge of a stretch may be cut.
                if start < end and (start > left or left == 0) and (end < right or right == len(text)):
                    yield ready, Place(start, end, text[start:end])

    def _prefixed(self, judge: Judge) -> Iterator[tuple[Ready, Place]]:
        """Yield the values that begin with a prefix of a shape."""
        text = judge.text
        for start, prefix in judge.hits.prefixes:
            if start and text[start - 1].isalnum() and prefix[0].isalnum():
                continue
            for ready in self._rules.prefixes[prefix]:
                assert ready.begins is not None
                value = ready.begins(text, start)
                if value:
                    yield ready, Place(start, start + len(value), value)

    def _decoded(self, content: Text, limits: list[str], layer: int, own: Span) -> Iterator[Match]:
        """Yield what encoded runs in `own` hold. The match is the whole run; the text round it is evidence."""
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
                limits.append(_DISGUISED)
            decoded = inner.plain(len(before) + 1), inner.plain(len(before) + 1 + len(plain))
            for match in self._search(inner, (), limits, layer + 1, decoded):
                left, right = inner.place(match.start, match.end)
                # A value without a fixed end, such as a key, may take some of the text behind.
                if left >= len(before) and (left + right) // 2 <= len(before) + len(plain) + 1:
                    yield match._replace(start=start, end=end, evidence=match.evidence._replace(trick=code))
