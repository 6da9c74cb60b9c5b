"""What a moderator may read of a held message: its text and the names in it, with every match masked.

A worker makes it, like an inspection, so that the desk never parses data from outside and never holds a match. One
match, given by its number, can be left unmasked; the desk records who requested that.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from holdgate.detect import Match
from holdgate.extract.part import Extraction
from holdgate.mask import mask, mask_numbers
from holdgate.scan.inspect import counted, gather
from holdgate.scan.redactor import LONGEST, Place, Redactor
from holdgate.scan.shapes import Segment, ShownPart

# Limits for a part and for a message, in characters: more than people read before they decide.
_PART_CHARACTERS = 20_000
_MESSAGE_CHARACTERS = 100_000
_ATTACHMENTS = 100

# `Inspector.find`: the text of a part, and its places.
Find = Callable[..., list[Match]]


def preview(extraction: Extraction, find: Find, reveal: int) -> dict[str, Any]:
    """Return subject, attachments, findings and parts of a message, all masked, as plain values for `json.dumps`.

    `reveal` is the number of the match to leave unmasked, 0 for none. A value that matches in one place is masked in
    every other place too, including a subject without evidence for it.
    """
    everything = [find(part.text, part.places) for part in extraction.parts]
    matches = [counted(part, found) for part, found in zip(extraction.parts, everything, strict=True)]
    redactor = Redactor(find, extraction.parts, matches)
    redact = redactor.masked
    shown: list[ShownPart] = []
    number, left = 0, _MESSAGE_CHARACTERS
    for part, found, certain in zip(extraction.parts, everything, matches, strict=True):
        if part.trace and not certain:
            continue  # no person wrote it, and no person has to read it
        part.name, part.reason = redact(part.name), redact(part.reason)
        length = min(left, _PART_CHARACTERS)
        places = redactor.places(part.text[: length + LONGEST], found)
        one = ShownPart(part.name, str(part.status), part.reason, cut=len(part.text) > length)
        one.segments = _segments(part.text, places, number, reveal, length)
        if part.trace or part.reader == "mime":  # names and fields: numbers are masked, matched or not
            one.segments = [s if s.number else Segment(mask_numbers(s.text)) for s in one.segments]
        number += len(places)
        left -= min(length, len(part.text))
        shown.append(one)
    return {
        "subject": redact(extraction.subject),
        "attachments": [
            {"name": redact(file.name), "kind": file.kind, "size": file.size, "member": file.member}
            for file in extraction.attachments[:_ATTACHMENTS]
        ],
        "findings": [asdict(finding) for finding in gather(extraction.parts, matches, redact)],
        "status": str(extraction.status),
        "reason": redact(extraction.reason),
        "parts": [asdict(one) for one in shown],
    }


def _segments(text: str, places: list[Place], number: int, reveal: int, length: int) -> list[Segment]:
    """Cut a text at its places, up to `length` characters; `number` is the number of earlier places."""
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
    return [segment for segment in segments if segment.text or segment.number]
