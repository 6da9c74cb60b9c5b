"""The engine's result: one match, its confidence, and its evidence."""

from enum import StrEnum
from typing import Any, NamedTuple

# The members of both scales below, lowest first.
_RANKS = {name: rank for rank, name in enumerate(("low", "medium", "high", "critical"))}
# A span of text: its first character and the one after its last.
Span = tuple[int, int]


class _Ordered(StrEnum):
    """A StrEnum whose members compare by the order in which they are declared, not by their letters."""

    @property
    def rank(self) -> int:
        """Position in the declaration, lowest first."""
        return _RANKS[self.value]

    def __lt__(self, other: Any) -> bool:
        return self.rank < type(self)(other).rank

    def __le__(self, other: Any) -> bool:
        return self.rank <= type(self)(other).rank

    def __gt__(self, other: Any) -> bool:
        return self.rank > type(self)(other).rank

    def __ge__(self, other: Any) -> bool:
        return self.rank >= type(self)(other).rank


class Confidence(_Ordered):
    """The confidence of a match: low is a shape, medium a shape that proves something, high is proof with evidence."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Severity(_Ordered):
    """How serious it is that a message contains what a profile's rule found."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Evidence(NamedTuple):
    """Why a match counts, without any content of the message except the rules' own keywords.

    `shape` names the shape that matched. `checksum` is true if a check digit was verified. `keyword` is the rules'
    keyword near the value, "" if none, and `distance` its distance in characters (negative: before the value).
    `obfuscation` names what was undone to find it ("wide separators", "base64", …), "" if nothing was.
    """

    shape: str
    checksum: bool = False
    keyword: str = ""
    distance: int = 0
    obfuscation: str = ""
    own: bool = False


class Match(NamedTuple):
    """One place in a text that contains an identifier. `start` and `end` are character offsets into the given text.

    `value` is the match in its normal form (no separators, upper case if case has no meaning), only for counting unique
    values. Neither `repr` nor `str` shows it. `weight` is how often such a value counts.
    """

    identifier: str
    start: int
    end: int
    confidence: Confidence
    value: str = ""
    weight: int = 1
    evidence: Evidence = Evidence("")

    def __repr__(self) -> str:
        """Return a text without the value."""
        place = f"{self.identifier!r}, {self.start}, {self.end}, {self.confidence!r}"
        return f"Match({place}, weight={self.weight}, evidence={self.evidence!r})"

    def at(self, start: int, end: int) -> "Match":
        """Return the same match at another place."""
        return Match(self.identifier, start, end, self.confidence, self.value, self.weight, self.evidence)
