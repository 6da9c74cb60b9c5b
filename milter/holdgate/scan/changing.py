"""Changes a message in a worker as a moderator requested, and lists its removable attachments."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from holdgate.detect import Match
from holdgate.extract.part import Part, Status
from holdgate.rewrite import remains
from holdgate.rewrite.change import change
from holdgate.rewrite.entity import RefusedError
from holdgate.rewrite.finder import Finder
from holdgate.rewrite.numbers import digits_of, spelled, united
from holdgate.scan.inspect import Inspector, counted
from holdgate.scan.redactor import Place, Redactor
from holdgate.scan.shapes import ChangeReport, Listed, Refusal

# Between a file's name and the name of a file inside it.
_BETWEEN = " › "


def changed(inspector: Inspector, content: bytes, job: dict[str, Any]) -> bytes:
    """Return the answer: a `ChangeReport`, a line feed, and the message, or no message if the change was refused."""
    parts = inspector.extract(content, None).parts
    matches = [counted(part, inspector.find(part.text, part.places)) for part in parts]
    redactor = Redactor(inspector.find, parts, matches)
    finder = _finder(inspector, redactor, parts, matches) if job["redact"] else None
    note, without = job["note"], job["without"]
    try:
        done = change(content, inspector.limits, without=without, note=note, mask=redactor.masked, finder=finder)
    except RefusedError as error:
        return _encoded(ChangeReport(refused=Refusal(redactor.masked(error.part), error.why)))
    listed = [Listed(one.number, one.name, one.kind, one.size) for one in done.attachments]
    report = ChangeReport(attachments=listed, removed=done.removed, signatures=done.signatures)
    return _encoded(report) + b"\n" + done.content


def _encoded(report: ChangeReport) -> bytes:
    return json.dumps(asdict(report), ensure_ascii=False).encode("utf-8", "replace")


def _spans(places: Iterable[Place]) -> Iterator[tuple[int, int]]:
    return ((start, end) for start, end, _ in places)


def _finder(inspector: Inspector, redactor: Redactor, parts: list[Part], matches: list[list[Match]]) -> Finder:
    """Return a function that finds every occurrence of the message's matches in other text."""

    numbers = digits_of(redactor.known)

    def values(text: str) -> list[tuple[int, int]]:
        return united([*_spans(redactor.places(text, ())), *spelled(text, numbers)])

    def spans(text: str) -> list[tuple[int, int]]:
        return united([*_spans(redactor.places(text, inspector.find(text))), *spelled(text, numbers)])

    def check(name: str, data: bytes) -> tuple[bool, bool]:
        extraction = inspector.extract(data, name)
        found = any(
            counted(part, inspector.find(part.text, part.places)) or is_known_in(part.text) for part in extraction.parts
        )
        return extraction.status is Status.COMPLETE, found

    is_left = remains.search_for(tuple(redactor.known))

    def is_known_in(text: str) -> bool:
        return bool(values(text)) or any(map(is_left, remains.decoded(text.encode("utf-8", "replace"))))

    def left(content: bytes) -> str:
        # Fields are not among them: `redact` refuses a number in those that it does not mask.
        read = (part for part in inspector.extract(content, None).parts if part.reader != "mime")
        return next((part.name for part in read if is_known_in(part.text)), "")

    seen: dict[str, tuple[bool, bool]] = {}
    for part, found in zip(parts, matches, strict=True):
        is_found = bool(found) or is_known_in(part.text)
        for name in part.name.split(_BETWEEN):
            was_whole, was_found = seen.get(name, (True, False))
            seen[name] = was_whole and part.status is Status.COMPLETE, was_found or is_found
    return Finder(spans, values, check, redactor.known, seen, left=left)
