"""Explains for people why each match counts: shape, checksum, keyword and its distance. Values are masked."""

from dataclasses import dataclass

from holdgate.detect.match import Confidence, Match
from holdgate.mask import mask
from holdgate.mistakes import written
from holdgate.phrases import counted


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of one match. `masked` is the only trace of its value."""

    identifier: str
    confidence: Confidence
    start: int
    end: int
    masked: str
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.identifier} ({self.confidence}) {self.masked}: {'; '.join(self.reasons)}"


def explain(text: str, match: Match) -> Explanation:
    """Return why `match` counts in `text`."""
    evidence = match.evidence
    reasons = [f"shape: {evidence.shape}"]
    if evidence.checksum:
        reasons.append("checksum holds")
    if evidence.keyword:
        place = "before" if evidence.distance < 0 else "after"
        reasons.append(f"{written(evidence.keyword)} {counted(abs(evidence.distance), 'character')} {place} it")
    else:
        reasons.append("no keyword near")
    if evidence.obfuscation:
        reasons.append(f"obfuscated: {evidence.obfuscation}")
    masked = mask(text[match.start : match.end])
    return Explanation(match.identifier, match.confidence, match.start, match.end, masked, tuple(reasons))
