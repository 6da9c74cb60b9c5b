"""Evaluates a candidate: by its validator, keyword, column heading, and other data near it."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from holdgate.detect import decode
from holdgate.detect.compiled import Ready, Rules
from holdgate.detect.fields import Fields
from holdgate.detect.figures import is_coordinate
from holdgate.detect.finders.finder import Text
from holdgate.detect.keywords import Hits, Keyword
from holdgate.detect.labels import Labels
from holdgate.detect.match import Confidence, Evidence, Match, Span
from holdgate.detect.normal import Normal
from holdgate.detect.reach import is_parameter, reaches
from holdgate.detect.tables import Tables

_PATTERN: Final = "pattern near it"
# Maximum length of matches that are evidence for others.
LONGEST: Final = 200
# A keyword within this distance of a value is its label.
_CLOSE: Final = 4
_POINT: Final = b"."
_DECIMAL: Final = re.compile(rb"0{1,3}\.0{3,}")
# Such a short label does not count in a web address.
_SHORT: Final = 2
# Less than any distance, so that no keyword after a value counts.
_NONE_AFTER: Final = -1
# Maximum number of keywords that are skipped, because they are not evidence for a value, in search of one that is.
# Separates a value from a word in brackets after it that describes it.
_BRACKET: Final = " ("
_MOST_PASSED: Final = 4
# Other data belongs to the same record as a field within this many characters, or within more in the same line.
_RECORD: Final = 200
_WIDEST_ROW: Final = 2_000


class Scorer:
    """Evaluates the candidates of one text."""

    def __init__(self, rules: Rules, content: Text, normal: Normal, places: Sequence[tuple[int, str]] = ()) -> None:
        self.text = content.text
        self.mask = content.mask
        self.hits: Hits = rules.keywords.find(self.text, self.mask)
        self._labels = Labels(self.text, self.mask, self.hits, rules.labels, rules.others)
        self._rules = rules
        self._places = [(normal.plain(offset), name) for offset, name in places]
        self._tables: Tables | None = None
        self._possible: dict[tuple[int, str], tuple[Ready, ...]] = {}
        self._with_evidence: frozenset[str] | None = None
        self._lists: dict[int, list[int]] = {}
        self._spans: dict[str, list[Span]] = {}
        self._waiting: list[tuple[Ready, Match]] = []
        self._of_fields: list[tuple[Ready, Match]] = []
        self.fields = Fields(self.text, self.hits, lambda: self.tables, rules.record_labels)

    @property
    def tables(self) -> Tables:
        """The tables of the text, parsed on first use."""
        if self._tables is None:
            self._tables = Tables(self.text, self._places)
        return self._tables

    def possible(self, kind: int, first: str) -> tuple[Ready, ...]:
        """Return the shapes possible in this text for a value of this kind of fit that begins with `first`."""
        possible = self._possible.get((kind, first))
        if possible is None:
            possible, groups, perhaps, doubtful = self._rules.choices[kind, first]
            if not self.hits.found.keys().isdisjoint(groups):
                possible += tuple(ready for ready in perhaps if self._has_keyword(ready))
            if doubtful:
                possible += tuple(ready for ready in doubtful if self._has_evidence_anywhere(ready))
            self._possible[kind, first] = possible
        return possible

    def near_keywords(self, ready: Ready, margin: int) -> list[Span]:
        """Return the spans where values can have keywords of a shape as evidence, extended by `margin`."""
        identifier = ready.identifier
        stretches: list[Span] = []
        keywords = sorted(word for number in ready.lists for words in self.hits.of(number) for word in words)
        for keyword in keywords:
            left = max(0, keyword.start - identifier.proximity_after - margin)
            right = min(len(self.text), keyword.end + identifier.proximity + margin)
            if stretches and left <= stretches[-1][1]:
                stretches[-1] = stretches[-1][0], max(right, stretches[-1][1])
            else:
                stretches.append((left, right))
        return stretches

    def _has_keyword(self, ready: Ready) -> bool:
        """Whether the text has a keyword for the shape anywhere."""
        return not self.hits.found.keys().isdisjoint(self._rules.groups[ready.number])

    def _has_evidence_anywhere(self, ready: Ready) -> bool:
        """Whether the text has a keyword or evidence for the shape anywhere."""
        return self._has_keyword(ready) or self._has_evidence(ready.id)

    def _has_evidence(self, identifier: str) -> bool:
        if self._with_evidence is None:
            self._with_evidence = self._rules.with_evidence(self.text)
        return identifier in self._with_evidence

    def _evidence(self, ready: Ready) -> list[Span]:
        """Return where the evidence patterns of the shape's identifier match, in order; each is searched for once."""
        spans = self._spans.get(ready.id)
        if spans is None:
            spans = self._spans[ready.id] = sorted(
                found.span() for search in ready.evidence for found in search(self.text)
            )
        return spans

    def _evidence_near(self, ready: Ready, start: int, end: int) -> bool:
        spans = self._evidence(ready)
        last = end + ready.identifier.proximity_after
        parameter = is_parameter(self.text, start)
        for index in range(bisect_left(spans, (start - ready.identifier.proximity, 0)), len(spans)):
            if spans[index][0] >= last:
                break
            if spans[index][1] <= last and (not parameter or spans[index][0] <= start <= spans[index][1]):
                return True
        return False

    def score(self, ready: Ready, start: int, end: int, value: str, obfuscation: str = "") -> Match | None:
        """Return the match for the candidate, or None."""
        identifier = ready.identifier
        if ready.upper:
            value = value.upper()
        if ready.fits is not None and not ready.fits(value):
            return None
        # Validators are slow compared with a search for keywords, and most values have no keyword.
        near = self.keyword(ready, start, end)
        if near is None and ready.needs_keyword:
            return None
        # A placeholder: "000 000 0000".
        if value.isdigit() and value.count(value[0]) == len(value):
            return None
        if ready.valid is not None and not ready.valid(value):
            return None
        if (
            not identifier.checksum
            and _DECIMAL.fullmatch(self.mask, start, end)
            and is_coordinate(self.text, start, end)
        ):
            return None
        not_personal = near is None and self._is_not_personal(start)
        if not_personal and not identifier.checksum:
            return None
        distance, word = (near[0], near[1].word) if near is not None else (0, "")
        if (
            near is None
            and not not_personal
            and ready.evidence
            and self._has_evidence(ready.id)
            and self._evidence_near(ready, start, end)
        ):
            word = _PATTERN
        if ready.against >= 0:
            against = self.hits.nearest(ready.against, start, end, identifier.not_proximity, 0)
            nearer = against is not None and (near is None or -against[0] < abs(distance))
            if against is not None and nearer and not self._of_another_column(against[1], start, ready.against):
                return None
        level = ready.with_evidence if word else ready.without_evidence
        if level is None:
            if identifier.evidence_identifiers and ready.with_evidence is not None:
                evidence = Evidence(ready.shape.name, identifier.checksum, obfuscation=obfuscation)
                self._waiting.append((ready, Match(ready.id, start, end, ready.with_evidence, value, 1, evidence)))
            return None
        if word or obfuscation:
            own = near is not None and (near[2] == ready.own or identifier.region == "global")
            evidence = Evidence(ready.shape.name, identifier.checksum, word, distance, obfuscation, own)
        else:
            evidence = ready.bare
        weight = ready.weights.get(value, 1) if ready.weights else 1
        return Match(ready.id, start, end, level, value, weight, evidence)

    def field(self, ready: Ready, start: int, end: int, label: Keyword) -> Match | None:
        """Return the match for the value of a field, and keep it, because other data of its record may be evidence."""
        level = ready.without_evidence or ready.with_evidence
        assert level is not None
        evidence = Evidence(ready.shape.name, False, label.word, label.end - start, own=True)
        match = Match(ready.id, start, end, level, self.text[start:end].lower(), 1, evidence)
        if ready.with_evidence is not None and ready.without_evidence != ready.with_evidence:
            self._of_fields.append((ready, match._replace(confidence=ready.with_evidence)))
        return match if ready.without_evidence is not None else None

    def keyword(self, ready: Ready, start: int, end: int) -> tuple[int, Keyword, int] | None:
        """Return (distance, keyword, list) of the best keyword for a value: of its own list, else of a shared one."""
        lists = self._lists.get(ready.number)
        if lists is None:
            lists = self._lists[ready.number] = [number for number in ready.lists if self.hits.of(number)]
        if not lists:
            return None
        for number in lists:
            near = self._nearest(ready, number, start, end)
            if near is not None and not (near[0] < 0 and self._of_another_column(near[1], start, number)):
                return near[0], near[1], number
        headings = self.tables.headings(start)
        for span in headings:
            for number in lists:
                keyword = self.hits.inside(number, span)
                if keyword is not None:
                    return keyword.end - start, keyword, number
        return None

    def _is_not_personal(self, start: int) -> bool:
        """Whether the label of a number, or its column heading, names something other than personal data."""
        if self._rules.others.isdisjoint(self.hits.found):
            return False
        if self._labels.names_another(start):
            return True
        number = self._rules.other_numbers
        return any(self.hits.inside(number, span) is not None for span in self.tables.headings(start))

    def _nearest(self, ready: Ready, number: int, start: int, end: int) -> tuple[int, Keyword] | None:
        """Return (distance, keyword) of the nearest keyword of a list that is evidence for a value."""
        identifier = ready.identifier
        after = identifier.proximity_after
        passed: list[Keyword] = []
        while len(passed) < _MOST_PASSED:
            near = self.hits.nearest(number, start, end, identifier.proximity, after, passed)
            if near is None:
                return None
            distance, keyword = near
            if ready.against >= 0 and self.hits.covers(ready.against, keyword):
                passed.append(keyword)
            elif distance > 0 and (
                self._labels.belongs_behind(keyword, start, end)
                or (self._labels.names_another(start) and self.text[end : keyword.start] != _BRACKET)
                or self._labels.is_taken(keyword, start, end, ready.labels)
                or not reaches(self.text, keyword, start, end, identifier.checksum)
            ):
                after = _NONE_AFTER
            elif (distance < -_CLOSE or len(keyword.word) <= _SHORT) and (
                self._labels.belongs_to_earlier_number(keyword, start, end)
                or self._labels.is_taken(keyword, start, end, ready.labels)
                or not reaches(self.text, keyword, start, end, identifier.checksum)
            ):
                passed.append(keyword)
            else:
                return near
        return None

    def _of_another_column(self, keyword: Keyword, start: int, number: int) -> bool:
        """Whether the keyword is the heading of a table column to which the value does not belong."""
        if "\n" not in self.text[keyword.end : start] and not self.tables.in_insert(start):
            return False
        if not self.tables.in_heading_row(keyword.start, start):
            return False
        headings = self.tables.headings(start)
        return bool(headings) and all(self.hits.inside(number, span) is None for span in headings)

    def settle(self, found: list[Match]) -> list[Match]:
        """Return the candidates that need a match of another identifier near them and have one in `found`."""
        settled: list[Match] = []
        starts = [match.start for match in found]
        for ready, match in self._waiting:
            identifier = ready.identifier
            first = bisect_left(starts, match.start - identifier.proximity - LONGEST)
            last = bisect_left(starts, match.end + identifier.proximity_after)
            for other in found[first:last]:
                distance = other.end - match.start if other.end <= match.start else max(other.start - match.end, 0)
                wanted = other.identifier in identifier.evidence_identifiers and distance >= -identifier.proximity
                if wanted and other.confidence >= Confidence.MEDIUM:
                    evidence = match.evidence._replace(keyword=f"{other.identifier} near it", distance=distance)
                    settled.append(match._replace(evidence=evidence))
                    break
        ends: dict[tuple[str, ...], list[Span]] = {}
        for ready, match in self._of_fields:
            wanted_ids = ready.shape.near_identifiers
            if wanted_ids not in ends:
                spans = [(other.end, other.start) for other in found if other.identifier in wanted_ids]
                ends[wanted_ids] = sorted(spans)
            left, right = self._record(match)
            near = ends[wanted_ids]
            # Matches do not overlap, so the first one that ends in the record or after it also begins first.
            first = bisect_left(near, (left + 1,))
            if first < len(near) and near[first][1] < right:
                settled.append(match)
        return settled

    def _record(self, match: Match) -> Span:
        """Return the span of the record of a field: its surroundings, or its line if that is longer."""
        first = self.text.rfind("\n", max(0, match.start - _WIDEST_ROW), match.start)
        last = self.text.find("\n", match.end, match.end + _WIDEST_ROW)
        near = match.start - _RECORD, match.end + _RECORD
        return min(near[0], first + 1) if first >= 0 else near[0], max(near[1], last)


def resolve(found: list[Match]) -> list[Match]:
    """Resolve overlaps: the highest confidence wins, then the better evidence, then the longer. Equal ones are kept."""
    settled: list[Match] = []
    group: list[Match] = []
    reach = -1
    for match in sorted(found, key=_place):
        if match.start >= reach:
            settled.extend(_winners(group))
            group = []
        group.append(match)
        reach = max(reach, match.end)
    settled.extend(_winners(group))
    return settled


def _place(match: Match) -> tuple[int, int, str]:
    return match.start, match.end, match.identifier


def _winners(group: list[Match]) -> list[Match]:
    """Resolve a group of overlapping matches."""
    if len(group) < 2:
        return group
    # A word that many countries share does not show which of them issued a number, however well it matches.
    claimed = {
        (match.start, match.end) for match in group if match.evidence.own and match.confidence >= Confidence.MEDIUM
    }
    kept: list[Match] = []
    for match in sorted(group, key=_claim):
        if match.evidence.keyword and not match.evidence.own and (match.start, match.end) in claimed:
            continue
        for other in kept:
            if other.start < match.end and match.start < other.end and not _in_one_code(other, match):
                equal = _claim(other)[:4] == _claim(match)[:4]
                same = other.start == match.start and other.end == match.end
                if not (equal and same) or other.identifier == match.identifier:
                    break
        else:
            kept.append(match)
    return sorted(kept, key=_place)


def _in_one_code(one: Match, other: Match) -> bool:
    """Whether both are in one encoded run, which is the place of each, although they do not overlap in it."""
    coded = one.evidence.obfuscation in decode.CODES and one.evidence.obfuscation == other.evidence.obfuscation
    return coded and (one.start, one.end) == (other.start, other.end)


def _claim(match: Match) -> tuple[int, int, int, bool, int]:
    """Return a match's rank among overlapping ones; the smallest wins."""
    evidence = match.evidence
    kind = 2 if evidence.own else 1 if evidence.keyword else 0
    return -match.confidence.rank, -kind, match.start - match.end, not evidence.checksum, abs(evidence.distance)
