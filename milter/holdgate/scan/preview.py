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

    `reveal` is the number of the match that is left as it stands, 0 for none.
    """
    matches = [find(part.text, part.places) for part in extraction.parts]
    shown: list[ShownPart] = []
    number, left = 0, _MESSAGE_CHARACTERS
    for part, found in zip(extraction.parts, matches, strict=True):
        part.name = masked(part.name, find(part.name))
        length = min(left, _PART_CHARACTERS)
        one = ShownPart(
            part.name, str(part.status), masked(part.reason, find(part.reason)), cut=len(part.text) > length
        )
        one.segments = _segments(part.text, found, number, reveal, length)
        number += len(_merged(found))
        left -= min(length, len(part.text))
        shown.append(one)
    mail = mime.read_mail(data, Budget(limits))
    named = [leaf for leaf in mail.leaves if leaf.names][:_ATTACHMENTS]
    return {
        "subject": masked(mail.subject, find(mail.subject)),
        "attachments": [
            {
                "name": masked(leaf.names[0], find(leaf.names[0])),
                "kind": leaf.document.declared_type,
                "size": len(leaf.document.data),
            }
            for leaf in named
        ],
        "findings": [asdict(finding) for finding in gather(extraction.parts, matches)],
        "status": str(extraction.status),
        "reason": masked(extraction.reason, find(extraction.reason)),
        "parts": [asdict(one) for one in shown],
    }


def masked(text: str, matches: list[Match]) -> str:
    """Return `text` with its matches masked."""
    return "".join(segment.text for segment in _segments(text, matches, 0, 0, len(text)))


def _segments(text: str, matches: list[Match], number: int, reveal: int, length: int) -> list[Segment]:
    """Cut a text at its matches, up to `length` characters; `number` counts the matches before it."""
    segments: list[Segment] = []
    position = 0
    for count, (start, end, identifier) in enumerate(_merged(matches), number + 1):
        if start >= length:
            break
        if start > position:
            segments.append(Segment(text[position:start]))
        value = text[start:end]
        segments.append(Segment(value if count == reveal else mask(value), count, identifier, count == reveal))
        position = end
    if position < length:
        segments.append(Segment(text[position:length]))
    return [segment for segment in segments if segment.text]


def _merged(matches: list[Match]) -> list[tuple[int, int, str]]:
    """Return the matches' places in order, those that overlap as one."""
    merged: list[tuple[int, int, str]] = []
    for match in sorted(matches, key=lambda match: (match.start, -match.end)):
        if merged and match.start < merged[-1][1]:
            start, end, identifier = merged[-1]
            merged[-1] = (start, max(end, match.end), identifier)
        else:
            merged.append((match.start, match.end, match.identifier))
    return merged
