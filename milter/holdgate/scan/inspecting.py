"""The work of a process that has the rules: it reads and searches, or searches what another process has read."""

import json
from dataclasses import asdict
from typing import Any

from holdgate.extract.part import Extraction, Part
from holdgate.scan import answer
from holdgate.scan.changing import changed
from holdgate.scan.inspect import Inspector
from holdgate.scan.letter import read_letter
from holdgate.scan.preview import preview
from holdgate.scan.shapes import NOT_FOR_THIS_WORKER, READER_ENDED, UNREADABLE
from holdgate.scan.worker import TRIAL

# Limit for the text returned to `holdgate extract`, in characters: more does not fit into the answer.
_TEXT = 10_000_000
_CUT = "too much text to print"


class Inspecting:
    """Does every kind of job that a pool requests."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector

    def is_reusable(self, job: dict[str, Any]) -> bool:
        """Return whether no parser but that of plain text has run for this job."""
        return job["do"] in ("trial", "inspect plain", "search")

    def do(self, job: dict[str, Any], content: bytes) -> bytes:
        """Do one job."""
        inspector = self._inspector
        match job["do"]:
            case "trial":
                inspector.inspect_plain(TRIAL)
                return b"{}"
            case "inspect plain":
                found = inspector.inspect_plain(content, **job["words"])
                return NOT_FOR_THIS_WORKER if found is None else answer.encode(found)
            case "search":
                return self._search(content, job["words"])
            case "extract":
                return _encoded(asdict(_cut(inspector.extract(content, job["name"]))))
            case "explain":
                return _encoded(inspector.explain(content, job["name"]))
            case "letter":
                return _encoded(read_letter(content))
            case "change":
                return changed(inspector, content, job)
            case "preview":
                return _encoded(preview(inspector.extract(content, None), inspector.find, job["reveal"]))
        return answer.encode(inspector.inspect(content, job["name"], **job["words"]))

    def _search(self, frame: bytes, words: dict[str, Any]) -> bytes:
        """Search what another process has read, or pass on its answer if it has read nothing."""
        if not frame:
            return READER_ENDED
        if frame == NOT_FOR_THIS_WORKER or frame.startswith(b'{"error"'):
            return frame
        try:
            reading = answer.reading(frame)
        except answer.AnswerError:
            return UNREADABLE
        return answer.encode(self._inspector.search(reading, **words))


def _cut(extraction: Extraction) -> Extraction:
    """Keep as much text as fits into an answer, and mark a part that is cut."""
    left = _TEXT
    for part in extraction.parts:
        if len(part.text) > left:
            _cut_part(part, left)
        left -= len(part.text)
    return extraction


def _cut_part(part: Part, length: int) -> None:
    part.text = part.text[:length]
    part.places = [place for place in part.places if place[0] < length]
    part.reason = f"{part.reason}; {_CUT}" if part.reason else _CUT


def _encoded(values: Any) -> bytes:
    """Return plain values as JSON in UTF-8. A lone surrogate, which a text can contain, is replaced."""
    return json.dumps(values, ensure_ascii=False).encode("utf-8", "replace")
