"""One message or file: extract its parts, detect in each, gather findings that are safe to hand on."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from holdgate.detect import Confidence, Detector, Match
from holdgate.extract.budget import Limits
from holdgate.extract.extractor import extract_file, extract_message
from holdgate.extract.part import Extraction, Part
from holdgate.findings import Finding, Inspection
from holdgate.mask import mask

_SAMPLES = 5
_PLACES = 20


@dataclass(slots=True)
class _Tally:
    count: int = 0
    values: set[str] = field(default_factory=set)
    places: dict[str, None] = field(default_factory=dict)
    masked: dict[str, None] = field(default_factory=dict)


class Inspector:
    """Reads messages and files with one set of rules and limits; evaluates one detector for each profile."""

    def __init__(self, detectors: list[Detector], limits: Limits) -> None:
        self._detectors = detectors
        self._limits = limits

    @property
    def limits(self) -> Limits:
        """The bounds on one message."""
        return self._limits

    def find(self, text: str) -> list[Match]:
        """Return the matches in a text."""
        return self._detectors[0].find(text)

    def extract(self, data: bytes, name: str | None) -> Extraction:
        """Read a message (RFC 5322) when `name` is None, else a file of that name."""
        if name is None:
            return extract_message(data, self._limits)
        return extract_file(name, data, self._limits)

    def inspect(self, data: bytes, name: str | None = None) -> Inspection:
        """Read and search a message, or a file named `name`."""
        begun = time.perf_counter()
        extraction = self.extract(data, name)
        first, *others = self._detectors
        matches = [first.find(part.text) for part in extraction.parts]
        profiles: dict[str, str] = {}
        for detector in (first, *others):
            evaluation = detector.evaluate(matches)
            if evaluation.severity is not None:
                profiles[evaluation.profile] = str(evaluation.severity)
        return Inspection(
            status=extraction.status,
            reason=extraction.reason,
            findings=gather(extraction.parts, matches),
            profiles=profiles,
            signals=extraction.signals,
            elapsed_ms=round((time.perf_counter() - begun) * 1000, 3),
        )


def gather(parts: Iterable[Part], matches: Iterable[list[Match]]) -> list[Finding]:
    """Count matches by identifier and confidence over all parts; the surest findings first."""
    tallies: dict[tuple[Confidence, str], _Tally] = {}
    for part, found in zip(parts, matches, strict=True):
        for match in found:
            tally = tallies.setdefault((match.confidence, match.identifier), _Tally())
            tally.count += 1
            tally.values.add(match.value)
            if len(tally.masked) < _SAMPLES:
                tally.masked[mask(part.text[match.start : match.end])] = None
            if len(tally.places) < _PLACES:
                place = part.place_at(match.start)
                tally.places[f"{part.name}, {place}" if place else part.name] = None
    order = list(Confidence)
    return [
        Finding(
            identifier=identifier,
            confidence=str(confidence),
            count=tally.count,
            unique=len(tally.values),
            parts=list(tally.places),
            masked=list(tally.masked),
        )
        for (confidence, identifier), tally in sorted(
            tallies.items(), key=lambda item: (-order.index(item[0][0]), item[0][1])
        )
    ]
