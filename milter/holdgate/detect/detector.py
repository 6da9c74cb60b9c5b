"""The engine: a text in, matches out; matches in, what a profile says of them out."""

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from holdgate.detect import forms, loader, validators
from holdgate.detect.evaluate import Evaluation, evaluate
from holdgate.detect.finders import FINDERS
from holdgate.detect.finders.finder import Place, Text
from holdgate.detect.identifiers import Identifier, Shape
from holdgate.detect.keywords import Hits, Keywords
from holdgate.detect.match import Confidence, Evidence, Match
from holdgate.detect.tomlfile import RuleError

_CLUSTER = re.compile(rb"[0Aa]+(?:[^0Aa\n\r\t][0Aa]+)*")
_TOKEN = re.compile(r"[^0Aa]?[0Aa]+")
_CLASS = bytes(
    48 if chr(code).isdigit() and code < 128 else 65 if chr(code).isupper() else 97 if chr(code).isalpha() else code
    for code in range(256)
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A shape, ready to run."""

    identifier: Identifier
    shape: Shape
    pattern: re.Pattern[str] | None
    validator: validators.Validator | None
    lists: tuple[int, ...]
    against: tuple[int, ...]


class Detector:
    """Finds personal data by a set of rules. Build it once; it may be shared by threads and by fork."""

    def __init__(self, loaded: loader.Loaded, profile: str) -> None:
        self.loaded = loaded
        self.profile = profile
        self._rules_of_profile = loader.rules_of(profile, loaded)
        lists: list[list[str]] = []
        numbers: dict[str, int] = {}
        for keyword_list in loaded.keyword_lists.values():
            numbers[keyword_list.id] = len(lists)
            lists.append([word for words in keyword_list.keywords.values() for word in words])
        self._shapes: list[_Rule] = []
        self._finders: list[_Rule] = []
        written: list[tuple[int, tuple[forms.Item, ...]]] = []
        for identifier in loaded.identifiers.values():
            own = len(lists)
            lists.append([word for words in identifier.keywords.values() for word in words])
            lists.append([word for words in identifier.not_keywords.values() for word in words])
            evidence = (own, *(numbers[name] for name in identifier.keyword_lists))
            for shape in identifier.shapes:
                name = shape.validator or identifier.validator
                rule = _Rule(
                    identifier,
                    shape,
                    re.compile(shape.pattern) if shape.pattern else None,
                    validators.resolve(name) if name else None,
                    evidence,
                    (own + 1,),
                )
                if shape.finder:
                    self._finders.append(rule)
                for form in shape.form:
                    written.append((len(self._shapes), forms.parse(form, shape.separators)))
                self._shapes.append(rule)
        self._forms = forms.Forms(written)
        self._keywords = Keywords(lists)

    @classmethod
    def from_rules(cls, rules_dir: Path, profile: str = "dlp-pii", local_dir: Path | None = None) -> "Detector":
        """Load the rules under `rules_dir`, those under `local_dir` on top. Raises RuleError, names file and line."""
        loaded = loader.load(Path(rules_dir), local_dir)
        if profile not in loaded.profiles:
            raise RuleError(Path(rules_dir) / "profiles", 1, f"no profile {profile!r}")
        return cls(loaded, profile)

    def find(self, text: str) -> list[Match]:
        """Return the matches in `text`, in order of their place; where several claim one place, the surest."""
        mask = text.encode("latin-1", "replace").translate(_CLASS)
        content = Text(text, mask)
        found: list[Match] = []
        hits: Hits | None = None
        for rule, place in self._candidates(content):
            if hits is None:
                hits = self._keywords.find(text)
            match = self._judge(rule, place, text, hits)
            if match is not None:
                found.append(match)
        return _resolve(found)

    def evaluate(self, matches: Sequence[Match] | Sequence[Sequence[Match]]) -> Evaluation:
        """Say which rules of the profile hold for a message, given its matches or a list of matches for each part."""
        parts: list[list[Match]] = []
        loose: list[Match] = []
        for item in matches:
            if isinstance(item, Match):
                loose.append(item)
            else:
                parts.append(list(item))
        return evaluate(self.profile, self._rules_of_profile, [*parts, loose] if loose else parts)

    def _candidates(self, content: Text) -> Iterator[tuple[_Rule, Place]]:
        for rule in self._finders:
            for place in FINDERS[rule.shape.finder or ""](content):
                yield rule, place
        step, accepts = self._forms.step, self._forms.accepts
        for cluster in _CLUSTER.finditer(content.mask):
            if 48 not in cluster[0]:
                continue
            tokens = [(m.start(), m.end(), m[0]) for m in _TOKEN.finditer(cluster[0].decode("latin-1"))]
            base = cluster.start()
            for index, (left, _, first) in enumerate(tokens):
                start = base + left + (first[0] not in "0Aa")
                state = step(self._forms.start, first.lstrip(first[0]) if first[0] not in "0Aa" else first)
                following = index
                while state >= 0:
                    for number in accepts(state):
                        end = base + tokens[following][1]
                        raw = content.text[start:end]
                        yield self._shapes[number], Place(start, end, "".join(filter(str.isalnum, raw)))
                    following += 1
                    if following == len(tokens):
                        break
                    state = step(state, tokens[following][2])

    def _judge(self, rule: _Rule, place: Place, text: str, hits: Hits) -> Match | None:
        shape, identifier = rule.shape, rule.identifier
        value = place.value if shape.keep_case or shape.finder else place.value.upper()
        if rule.pattern is not None and not rule.pattern.fullmatch(value):
            return None
        if rule.validator is not None and not rule.validator(value):
            return None
        near = hits.nearest(rule.lists, place.start, place.end, identifier.proximity, identifier.proximity_after)
        level = shape.alone if near is None else shape.with_keyword
        word, distance = (near[1], near[0]) if near is not None else ("", 0)
        if near is None:
            around = text[max(0, place.start - identifier.proximity) : place.end + identifier.proximity_after]
            for pattern in identifier.evidence_patterns:
                if re.search(pattern, around):
                    level, word = shape.with_keyword, pattern
        against = hits.nearest(rule.against, place.start, place.end, identifier.not_proximity, 0)
        if against is not None and (near is None or abs(against[0]) < abs(near[0])):
            return None
        if level == "none":
            return None
        evidence = Evidence(shape.name, identifier.checksum, word, distance)
        return Match(identifier.id, place.start, place.end, Confidence(level), value, evidence)


def _resolve(found: list[Match]) -> list[Match]:
    """Drop a match that overlaps a surer or longer one; equally good ones of different identifiers all stay."""
    kept: list[Match] = []
    starts: list[tuple[int, int]] = []
    for match in sorted(found, key=lambda m: (-m.confidence.rank, m.start - m.end, m.start)):
        index = bisect.bisect_left(starts, (match.start, -1))
        clash = False
        for other in kept:
            if other.start < match.end and match.start < other.end:
                same = (other.start, other.end, other.confidence) == (match.start, match.end, match.confidence)
                if not same or other.identifier == match.identifier:
                    clash = True
                    break
        if not clash:
            kept.append(match)
            starts.insert(index, (match.start, match.end))
    return sorted(kept, key=lambda match: (match.start, match.end, match.identifier))
