"""Decides what a candidate is worth: validator, keyword, column heading, and what else stands near it."""

from collections.abc import Sequence

from holdgate.detect.compiled import Ready, Rules
from holdgate.detect.keywords import Hits, Keyword
from holdgate.detect.match import Confidence, Evidence, Match
from holdgate.detect.normal import Normal
from holdgate.detect.tables import Tables

HEADING = "column heading"
_PATTERN = "pattern near it"


class Judge:
    """Judges the candidates of one text."""

    def __init__(self, rules: Rules, normal: Normal, places: Sequence[tuple[int, str]] = ()) -> None:
        self.text = normal.text
        self.hits: Hits = rules.keywords.find(self.text)
        self._rules = rules
        self._places = [(normal.plain(offset), name) for offset, name in places]
        self._tables: Tables | None = None
        self._possible: dict[tuple[tuple[int, ...], bool], tuple[Ready, ...]] = {}
        self.waiting: list[Match] = []

    @property
    def tables(self) -> Tables:
        """The tables of the text, read when first asked for."""
        if self._tables is None:
            self._tables = Tables(self.text, self._places)
        return self._tables

    def possible(self, numbers: tuple[int, ...], piece: bool = False) -> tuple[Ready, ...]:
        """Return those shapes that can match in this text at all, given the keywords that it has.

        A `piece` of a longer number is taken for a value only if the shape needs no keyword to be believed.
        """
        ready = self._possible.get((numbers, piece))
        if ready is None:
            lists = self.hits.lists
            shapes = self._rules.shapes
            ready = tuple(
                shapes[number]
                for number in numbers
                if (not shapes[number].needs_keyword or any(name in lists for name in shapes[number].lists))
                and not (piece and shapes[number].alone is None)
            )
            self._possible[numbers, piece] = ready
        return ready

    def judge(self, ready: Ready, start: int, end: int, value: str, trick: str = "") -> Match | None:
        """Return the match that the candidate is, or None."""
        identifier = ready.identifier
        near = self.keyword(ready, start, end)
        if near is None and ready.needs_keyword:
            return None
        if ready.upper:
            value = value.upper()
        if ready.fits is not None and ready.finder is None and not ready.shape.prefix and not ready.fits(value):
            return None
        if ready.valid is not None and not ready.valid(value):
            return None
        distance, word = (near[0], near[1].word) if near is not None else (0, "")
        if near is None and ready.evidence:
            around = self.text[max(0, start - identifier.proximity) : end + identifier.proximity_after]
            word = next((_PATTERN for search in ready.evidence if search(around)), "")
        if ready.against >= 0:
            against = self.hits.nearest(ready.against, start, end, identifier.not_proximity, 0)
            if against is not None and (near is None or -against[0] < abs(distance)):
                return None
        level = ready.with_keyword if word else ready.alone
        if level is None:
            if identifier.evidence_identifiers and ready.with_keyword is not None:
                evidence = Evidence(ready.shape.name, identifier.checksum, trick=trick)
                self.waiting.append(Match(ready.id, start, end, ready.with_keyword, value, evidence))
            return None
        evidence = Evidence(
            ready.shape.name, identifier.checksum, word, distance, trick, near is not None and near[2] == ready.own
        )
        return Match(ready.id, start, end, level, value, evidence)

    def keyword(self, ready: Ready, start: int, end: int) -> tuple[int, Keyword, int] | None:
        """Return (distance, keyword, list) of the best keyword for a value: of its own list, or else of a shared one."""
        identifier = ready.identifier
        lists = self.hits.lists
        for number in ready.lists:
            if number in lists:
                near = self.hits.nearest(number, start, end, identifier.proximity, identifier.proximity_after)
                if near is not None and not (near[0] < 0 and self._of_another_column(near[1], start, number)):
                    return near[0], near[1], number
        for number in ready.lists:
            if number in lists:
                for span in self.tables.headings(start):
                    keyword = self.hits.inside(number, span)
                    if keyword is not None:
                        return keyword.end - start, keyword, number
        return None

    def _of_another_column(self, keyword: Keyword, start: int, number: int) -> bool:
        """Whether the keyword is the heading of a table's column to which the value does not belong."""
        if "\n" not in self.text[keyword.end : start]:
            return False
        if not self.tables.in_heading_row(keyword.start, start):
            return False
        headings = self.tables.headings(start)
        return bool(headings) and all(self.hits.inside(number, span) is None for span in headings)

    def settle(self, found: list[Match]) -> list[Match]:
        """Return the candidates that waited for a match of another identifier near them and have one in `found`."""
        settled: list[Match] = []
        for match in self.waiting:
            ready = next(shape for shape in self._rules.shapes if shape.id == match.identifier)
            wanted = ready.identifier.evidence_identifiers
            for other in found:
                distance = other.end - match.start if other.end <= match.start else other.start - match.end
                near = -ready.identifier.proximity <= distance <= ready.identifier.proximity_after
                if near and other.identifier in wanted and other.confidence >= Confidence.MEDIUM:
                    evidence = Evidence(
                        match.evidence.shape, match.evidence.checksum, f"{other.identifier} near it", distance
                    )
                    settled.append(
                        Match(match.identifier, match.start, match.end, match.confidence, match.value, evidence)
                    )
                    break
        return settled


def resolve(found: list[Match]) -> list[Match]:
    """Settle who owns a place: the surest, then with the closer evidence, then the longer. Equals all stay."""
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
    """Settle a group of matches that overlap."""
    if len(group) < 2:
        return group
    kept: list[Match] = []
    for match in sorted(group, key=_claim):
        for other in kept:
            if other.start < match.end and match.start < other.end:
                equal = _claim(other)[:2] == _claim(match)[:2]
                same = other.start == match.start and other.end == match.end
                if not (equal and same) or other.identifier == match.identifier:
                    break
        else:
            kept.append(match)
    return sorted(kept, key=_place)


def _claim(match: Match) -> tuple[int, int, int, int]:
    evidence = match.evidence
    kind = 2 if evidence.own else 1 if evidence.keyword else 0
    return -match.confidence.rank, -kind, match.start - match.end, abs(evidence.distance)
