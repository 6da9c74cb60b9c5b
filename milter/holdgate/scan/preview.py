"""What a moderator may read of a held message: its text and the names in it, with every match masked.

It is made in a worker, as an inspection is, so that the desk never parses what a stranger wrote and never holds a
match. One match can be left unmasked, by its number: the desk records who asked for that.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from holdgate.detect import Match
from holdgate.extract import mime
from holdgate.extract.budget import Budget, Limits
from holdgate.extract.part import Extraction
from holdgate.mask import mask
from holdgate.scan.inspect import gather

# What is shown of a part and of a message, in characters: more than anybody reads before he decides.
_PART_CHARACTERS = 20_000
_MESSAGE_CHARACTERS = 100_000
_ATTACHMENTS = 100
# How many values are looked for wherever else they stand, and how long one may be.
_VALUES = 500
_VALUE_LENGTH = 200

# A stretch of text that is masked: its first character, the one behind its last, and the identifier.
Place = tuple[int, int, str]

# `Inspector.find`: the text of a part, and its places.
Find = Callable[..., list[Match]]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text; of a match it is masked (unless revealed), and `number` names the match, from 1."""

    text: str
    number: int = 0
    identifier: str = ""
    revealed: bool = False


@dataclass(slots=True)
class ShownPart:
    """A part as it is shown; `cut` says that there is more of it."""

    name: str
    status: str
    reason: str
    segments: list[Segment] = field(default_factory=list)
    cut: bool = False


def preview(data: bytes, extraction: Extraction, limits: Limits, find: Find, reveal: int) -> dict[str, Any]:
    """Return subject, attachments, findings and parts of a message, all masked, as plain values for `json.dumps`.

    `reveal` is the number of the match that is left as it stands, 0 for none. What is a match in one place is masked
    in every other one too, be it a subject where nothing speaks for it.
    """
    matches = [find(part.text, part.places) for part in extraction.parts]
    values = _values(extraction, matches)

    def safe(text: str) -> str:
        return "".join(segment.text for segment in _segments(text, _places(text, find(text), values), 0, 0, len(text)))

    shown: list[ShownPart] = []
    number, left = 0, _MESSAGE_CHARACTERS
    for part, found in zip(extraction.parts, matches, strict=True):
        part.name, part.reason = safe(part.name), safe(part.reason)
        length = min(left, _PART_CHARACTERS)
        places = _places(part.text[: length + _VALUE_LENGTH], found, values)
        one = ShownPart(part.name, str(part.status), part.reason, cut=len(part.text) > length)
        one.segments = _segments(part.text, places, number, reveal, length)
        number += len(places)
        left -= min(length, len(part.text))
        shown.append(one)
    mail = mime.read_mail(data, Budget(limits))
    named = [leaf for leaf in mail.leaves if leaf.names][:_ATTACHMENTS]
    return {
        "subject": safe(mail.subject),
        "attachments": [
            {"name": safe(leaf.names[0]), "kind": leaf.document.declared_type, "size": len(leaf.document.data)}
            for leaf in named
        ],
        "findings": [asdict(finding) for finding in gather(extraction.parts, matches)],
        "status": str(extraction.status),
        "reason": safe(extraction.reason),
        "parts": [asdict(one) for one in shown],
    }


def _values(extraction: Extraction, matches: list[list[Match]]) -> dict[str, str]:
    """Return what the matches say, each with its identifier: the surest first, up to a bound."""
    pairs = [(part, match) for part, found in zip(extraction.parts, matches, strict=True) for match in found]
    pairs.sort(key=lambda pair: pair[1].confidence.rank, reverse=True)
    values: dict[str, str] = {}
    for part, match in pairs:
        value = part.text[match.start : match.end]
        if 3 < len(value) <= _VALUE_LENGTH:
            values.setdefault(value, match.identifier)
        if len(values) == _VALUES:
            break
    return values


def _places(text: str, matches: list[Match], values: dict[str, str]) -> list[Place]:
    """Return where a text is masked, in order: at its matches, and wherever it repeats a value; overlaps are one."""
    places = [(match.start, match.end, match.identifier) for match in matches]
    for value, identifier in values.items():
        start = text.find(value)
        while start >= 0:
            places.append((start, start + len(value), identifier))
            start = text.find(value, start + len(value))
    merged: list[Place] = []
    for place in sorted(places, key=lambda place: (place[0], -place[1])):
        if merged and place[0] < merged[-1][1]:
            start, end, identifier = merged[-1]
            merged[-1] = (start, max(end, place[1]), identifier)
        else:
            merged.append(place)
    return merged


def _segments(text: str, places: list[Place], number: int, reveal: int, length: int) -> list[Segment]:
    """Cut a text at its places, up to `length` characters; `number` counts those before it."""
    segments: list[Segment] = []
    position = 0
    for count, (start, end, identifier) in enumerate(places, number + 1):
        if start >= length:
            break
        segments.append(Segment(text[position:start]))
        value = text[start:end]
        segments.append(Segment(value if count == reveal else mask(value), count, identifier, count == reveal))
        position = end
    segments.append(Segment(text[position:length]))
    return [segment for segment in segments if segment.text]
