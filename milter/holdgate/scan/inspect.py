"""Inspects one message or file: extracts its parts, searches each, and gathers masked findings."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Unpack

from holdgate.detect import Confidence, Detector, Match
from holdgate.detect.detector import EVERYWHERE
from holdgate.extract.budget import Limits
from holdgate.extract.extractor import extract_file, extract_message, extract_plain
from holdgate.extract.ocr import NOT_READ
from holdgate.extract.part import Extraction, Part, Status
from holdgate.findings import Attachment, Finding, Inspection
from holdgate.mask import mask
from holdgate.scan.hosts import hosts_of
from holdgate.scan.redactor import Redactor
from holdgate.scan.shapes import Options, Reading
from holdgate.scan.values import digests, sketches

_SAMPLES = 5
_PLACES = 20


@dataclass(slots=True)
class _Tally:
    count: int = 0
    values: set[str] = field(default_factory=set)
    places: dict[str, None] = field(default_factory=dict)
    masked: dict[str, None] = field(default_factory=dict)


class Inspector:
    """Reads messages and files with one set of rules and limits, and rates them by some of the profiles."""

    def __init__(self, detector: Detector, profiles: Sequence[str], limits: Limits) -> None:
        """Raise RuleError for a profile that the rules do not define."""
        self._profiles = [detector.with_profile(profile) for profile in profiles]
        self._detector = detector.finding(frozenset[str]().union(*(asked.everywhere for asked in self._profiles)))
        self._limits = limits

    @property
    def identifiers(self) -> list[str]:
        """The names of all identifiers that it can find."""
        return list(self._detector.loaded.identifiers)

    @property
    def limits(self) -> Limits:
        """The limits for one message."""
        return self._limits

    @property
    def samples(self) -> str:
        """The rules' sample texts in which something must be found."""
        rules = self._detector.loaded.identifiers.values()
        hits = (text for rule in rules for text in (*rule.samples.high, *rule.samples.medium, *rule.samples.low))
        return "\n".join(hits).replace("«", "").replace("»", "")

    def find(self, text: str, places: Sequence[tuple[int, str]] = ()) -> list[Match]:
        """Return the matches in a text; `places` are those of its part."""
        return self._detector.scan(text, places).matches

    def extract(self, data: bytes, name: str | None) -> Extraction:
        """Read a message (RFC 5322) when `name` is None, else a file of that name."""
        if name is None:
            return extract_message(data, self._limits)
        return extract_file(name, data, self._limits)

    def inspect(self, data: bytes, name: str | None = None, **options: Unpack[Options]) -> Inspection:
        """Read and search a message, or a file named `name`."""
        begun = time.perf_counter()
        return self._rate(self.extract(data, name), begun, **options)

    def search(self, reading: Reading, **options: Unpack[Options]) -> Inspection:
        """Search what another process has read of a message; the time for reading is included in the result."""
        begun = time.perf_counter() - reading.milliseconds / 1000
        return self._rate(reading.extraction, begun, **options)

    def inspect_plain(self, data: bytes, **options: Unpack[Options]) -> Inspection | None:
        """Read and search a message that is only plain text; return None for any other message.

        No parser of documents, images or archives runs, so the process can read another message afterwards.
        """
        begun = time.perf_counter()
        extraction = extract_plain(data, self._limits)
        return None if extraction is None else self._rate(extraction, begun, **options)

    def _rate(self, extraction: Extraction, begun: float, **options: Unpack[Options]) -> Inspection:
        read = time.perf_counter()
        matches: list[list[Match]] = []
        for part in extraction.parts:
            scan = self._detector.scan(part.text, part.places)
            matches.append(counted(part, scan.matches))
            if scan.limited and extraction.status is Status.COMPLETE:
                extraction.status, extraction.reason = Status.LIMITED, f"{part.name}: {scan.limited}"
        redactor = Redactor(self.find, extraction.parts, matches)
        evaluations = (profile.evaluate(matches) for profile in self._profiles)
        return Inspection(
            status=extraction.status.value,
            reason=redactor.redact(extraction.reason),
            findings=gather(extraction.parts, matches, redactor.redact),
            profiles={one.profile: str(one.severity) for one in evaluations if one.severity is not None},
            signals=[redactor.redact(signal) for signal in extraction.signals],
            attachments=[
                Attachment(redactor.redact(file.name), file.kind, file.size, file.member)
                for file in extraction.attachments
            ],
            hosts=_hosts(extraction.parts, redactor) if options.get("links") else [],
            values=[*digests(matches), *sketches(extraction)] if options.get("values") else [],
            subject=redactor.redact(options.get("subject", "")),
            header_from=redactor.redact_from(options.get("header_from", "")),
            message_id=redactor.redact_message_id(options.get("message_id", "")),
            pictures_unread=any(NOT_READ in part.reason for part in extraction.parts),
            encrypted=any("encrypted" in part.reason for part in extraction.parts),
            elapsed_ms=round((time.perf_counter() - begun) * 1000, 3),
            extract_ms=round((read - begun) * 1000, 3),
        )

    def explain(self, data: bytes, name: str | None = None) -> list[dict[str, str]]:
        """Return for each match in a message or file its place and the reason why it counts, masked."""
        parts = self.extract(data, name).parts
        redactor = Redactor(self.find, parts, [counted(part, self.find(part.text, part.places)) for part in parts])
        return [
            {
                "part": redactor.redact(part.name),
                "place": redactor.redact(part.place_at(reason.start)),
                "why": str(reason),
            }
            for part in parts
            for reason in self._detector.explain(part.text, part.places)
        ]


def _hosts(parts: Iterable[Part], redactor: Redactor) -> list[str]:
    """Return the masked hosts of links. Text that programs write has no links that a person would follow."""
    return list(
        dict.fromkeys(redactor.redact(host) for host in hosts_of(part.text for part in parts if not part.trace))
    )


def counted(part: Part, matches: list[Match]) -> list[Match]:
    """Return the matches of a part that count: all or, in text that programs write, only the certain ones."""
    if not part.trace:
        return matches
    return [match for match in matches if match.confidence is Confidence.HIGH and match.identifier not in EVERYWHERE]


def gather(parts: Iterable[Part], matches: Iterable[list[Match]], redact: Callable[[str], str]) -> list[Finding]:
    """Count matches by identifier and confidence over all parts, in order of falling confidence.

    `redact` masks the names of parts and places.
    """
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
                tally.places[redact(f"{part.name}, {place}" if place else part.name)] = None
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
