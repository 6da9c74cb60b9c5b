"""Evaluates the rules of a profile on the matches of a message."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from holdgate.detect.match import Match, Severity
from holdgate.detect.profiles import Rule, Term, is_about

Parts = Sequence[Sequence[Match]]


@dataclass(frozen=True, slots=True)
class RuleHit:
    """A rule that matches: its severity, the number of unique values, and its matches, part by part."""

    rule: str
    severity: Severity
    count: int
    matches: tuple[tuple[Match, ...], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result for a message: the rules that match, and the highest severity among them (None: no rule)."""

    profile: str
    severity: Severity | None
    hits: tuple[RuleHit, ...] = ()

    def __bool__(self) -> bool:
        return self.severity is not None


def evaluate(profile: str, rules: Sequence[Rule], parts: Parts) -> Evaluation:
    """Apply `rules` to the matches of each part. Unique values are counted over the complete message."""
    hits = tuple(hit for rule in rules if (hit := _apply(rule, parts)) is not None)
    return Evaluation(profile, max((hit.severity for hit in hits), default=None), hits)


def _apply(rule: Rule, parts: Parts) -> RuleHit | None:
    if any(_unique(_select(term, parts)) >= term.count for term in rule.none):
        return None
    alternatives = [selected for term in rule.any if _unique(selected := _select(term, parts)) >= term.count]
    if rule.any and not alternatives:
        return None
    required = [_select(term, parts) for term in rule.all]
    if rule.near is not None:
        required = _near(required, rule.near)
    if any(_unique(selected) < term.count for selected, term in zip(required, rule.all, strict=True)):
        return None
    counted = required[0] if required else _merge(alternatives)
    count = _unique(counted)
    reached = [severity for severity, least in rule.severity.items() if count >= least]
    if not reached:
        return None
    return RuleHit(rule.name, max(reached), count, tuple(map(tuple, _merge(required or alternatives))))


def _select(term: Term, parts: Parts) -> list[list[Match]]:
    """Return the matches that a term counts, part by part."""
    return [
        [match for match in part if match.confidence >= term.confidence and is_about(term, match.identifier)]
        for part in parts
    ]


def _merge(selections: list[list[list[Match]]]) -> list[list[Match]]:
    """Join selections part by part; a match in two of them counts once."""
    merged = []
    for part in zip(*selections, strict=True):
        unique = {id(match): match for selected in part for match in selected}
        merged.append(sorted(unique.values(), key=lambda match: (match.start, match.end, match.identifier)))
    return merged


def _unique(selected: list[list[Match]]) -> int:
    """Return the number of values, each by its weight; one value under two identifiers counts once."""
    weights = {match.value or (match.identifier, match.start): match.weight for part in selected for match in part}
    return sum(weights.values())


def _near(required: list[list[list[Match]]], distance: int) -> list[list[list[Match]]]:
    """Return the first term's matches with one of each other term within `distance` in their part, and those."""
    kept: list[list[list[Match]]] = [[] for _ in required]
    for part in zip(*required, strict=True):
        chosen: list[list[Match]] = [[] for _ in required]
        for anchor in part[0]:
            around = [
                [match for match in others if _gap(anchor, match) <= distance and match is not anchor]
                for others in part[1:]
            ]
            if all(around):
                chosen[0].append(anchor)
                for index, matches in enumerate(around, 1):
                    chosen[index].extend(matches)
        for index, matches in enumerate(chosen):
            kept[index].append(matches)
    return kept


def _gap(one: Match, other: Match) -> int:
    return max(one.start - other.end, other.start - one.end, 0)
