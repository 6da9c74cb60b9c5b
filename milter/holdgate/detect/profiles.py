"""The model of a file in rules/profiles: which identifiers together are a reason to stop a message, and how severe."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from holdgate.detect.identifiers import Identifier, Name
from holdgate.detect.match import Confidence, Severity
from holdgate.detect.tomlfile import Strict


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _ascending(value: dict[Severity, int]) -> dict[Severity, int]:
    counts = [value[severity] for severity in sorted(value)]
    if not counts or counts != sorted(counts) or counts[0] < 1:
        raise ValueError("counts must rise with the severity, from 1 up")
    return value


class Term(Strict):
    """Matches of any of `identifiers` ("de-*" means all whose id begins so), at least `count` unique ones.

    `without` excludes some of them.
    """

    identifiers: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(min_length=1)
    without: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    confidence: Confidence = Confidence.MEDIUM
    count: int = Field(default=1, ge=1)


class Rule(Strict):
    """One reason to stop a message.

    The rule matches if every term of `all` does, at least one of `any` (if given), and none of `none`. With `near`, the
    matches for the terms of `all` must be within this many characters in one part. `severity` maps each severity to the
    number of unique matches from which it applies. The matches of the first term of `all` are counted or, without
    `all`, those of all terms of `any`.
    """

    name: Name
    description: str = ""
    all: tuple[Term, ...] = ()
    any: tuple[Term, ...] = ()
    none: tuple[Term, ...] = ()
    near: int | None = Field(default=None, ge=1, le=100_000)
    severity: Annotated[dict[Severity, int], AfterValidator(_ascending)]

    @model_validator(mode="after")
    def _coherent(self) -> "Rule":
        if not self.all and not self.any:
            raise ValueError("a rule needs a term in all or any")
        if self.near is not None and len(self.all) < 2:
            raise ValueError("near needs two terms in all")
        return self


def asked_alone(rules: Sequence[Rule], identifiers: Mapping[str, Identifier]) -> frozenset[str]:
    """Return the identifiers that need co-occurrence, but that one of the rules uses alone."""
    beside = {id for id, known in identifiers.items() if any(shape.needs_cooccurrence for shape in known.shapes)}
    found = set[str]()
    for rule in rules:
        of_all = [{id for id in identifiers if is_about(term, id)} for term in rule.all]
        of_any = [{id for id in identifiers if is_about(term, id)} for term in rule.any]
        for asked in [set[str]().union(*of_all)] if of_all else of_any:
            if asked <= beside:
                found |= asked
    return frozenset(found)


@cache
def is_about(term: Term, identifier: str) -> bool:
    """Whether matches of `identifier` count for a term."""
    return any(fnmatchcase(identifier, name) for name in term.identifiers) and not any(
        fnmatchcase(identifier, name) for name in term.without
    )


class Profile(Strict):
    """A named set of rules. `extends` includes the rules of other profiles; `drop` excludes some of them."""

    id: Name
    description: str
    extends: tuple[Name, ...] = ()
    drop: tuple[Name, ...] = ()
    rules: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _coherent(self) -> "Profile":
        if not self.rules and not self.extends:
            raise ValueError("a profile needs rules or extends")
        names = [rule.name for rule in self.rules]
        if len(set(names)) != len(names):
            raise ValueError("two rules have the same name")
        return self
