"""Checks a worker's answer before it is used: types, ranges, known names and counts; everything else is refused.

A compromised worker can lie about the message it read. It cannot make the milter accept identifiers or profiles that do
not exist, show unmasked text, or fill memory and log.
"""

import contextlib
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from holdgate.extract.part import Extraction
from holdgate.findings import DOCUMENT, Attachment, Finding, Inspection
from holdgate.scan import wire
from holdgate.scan.shapes import READING, TEXT_LIMIT, ChangeReport, Listed, Reading, Refusal, ShownPart

# How many letters and digits of a masked match may stay readable (see `mask.mask`).
_READABLE = 4
# A phrase is cut to this many characters if the answer would otherwise be too large (limits: see `findings`).
_PHRASE = 1_000
_LISTED = 1_000
_LONGEST_NAME = 2_000
_CUT = "too many parts to list"

_Answer = TypeVar("_Answer")


class AnswerError(Exception):
    """An answer that no correct worker gives; the text states the error without the answer's content."""


@dataclass(slots=True)
class _Preview:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    subject: str
    attachments: Annotated[list[Attachment], Field(max_length=100)]
    findings: Annotated[list[Finding], Field(max_length=10_000)]
    status: Annotated[str, Field(pattern="^(complete|limited|failed)$")]
    reason: str
    parts: Annotated[list[ShownPart], Field(max_length=10_000)]


@dataclass(slots=True)
class _Reason:
    part: str
    place: str
    why: str


@dataclass(slots=True)
class _Letter:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    report: Annotated[str, Field(pattern="^(|failed|other)$")]
    plain: Annotated[str, Field(max_length=TEXT_LIMIT)]
    html: Annotated[str, Field(max_length=TEXT_LIMIT)]
    struck: Annotated[str, Field(max_length=TEXT_LIMIT)]
    incidents: Annotated[list[Annotated[str, Field(max_length=16)]], Field(max_length=50)]


@dataclass(slots=True)
class _Listed:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    number: Annotated[int, Field(ge=1, le=10_000)]
    name: Annotated[str, Field(max_length=_LONGEST_NAME)]
    kind: Annotated[str, Field(max_length=_LONGEST_NAME)]
    size: Annotated[int, Field(ge=0)]


@dataclass(slots=True)
class _Refusal:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    part: Annotated[str, Field(max_length=_LONGEST_NAME)]
    why: Annotated[str, Field(pattern="^[a-z ]{1,40}$")]


@dataclass(slots=True)
class _ChangeReport:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    attachments: Annotated[list[_Listed], Field(max_length=1_000)]
    removed: Annotated[list[Annotated[int, Field(ge=1, le=10_000)]], Field(max_length=1_000)]
    signatures: Annotated[list[Annotated[str, Field(pattern="^(DKIM|S/MIME|OpenPGP|other)$")]], Field(max_length=4)]
    refused: _Refusal | None


_INSPECTION = TypeAdapter(Inspection)
_CHANGE = TypeAdapter(_ChangeReport)
_PREVIEW = TypeAdapter(_Preview)
_LETTER = TypeAdapter(_Letter)
_EXTRACTION = TypeAdapter(Extraction)
_REASONS = TypeAdapter(list[_Reason])


def inspection(frame: bytes, identifiers: Collection[str], profiles: Collection[str]) -> Inspection:
    """Return the inspection in a frame, given all existing identifiers and profiles. Raises AnswerError."""
    answer = _checked(_INSPECTION, frame)
    _check_findings(answer.findings, identifiers)
    if not all(profile in profiles for profile in answer.profiles):
        raise AnswerError("a profile that was not asked for")
    kinds = {value.partition(" ")[0] for value in answer.values} - {DOCUMENT}
    if not all(kind in identifiers for kind in kinds):
        raise AnswerError("a value of an identifier that does not exist")
    return answer


def preview(frame: bytes, identifiers: Collection[str]) -> dict[str, Any]:
    """Return the plain values of a preview (see `scan.preview`). Raises AnswerError."""
    answer = _checked(_PREVIEW, frame)
    _check_findings(answer.findings, identifiers)
    return _plain(frame)


def letter(frame: bytes) -> dict[str, Any]:
    """Return the plain values of a moderator's mail (see `scan.letter`). Raises AnswerError."""
    _checked(_LETTER, frame)
    return _plain(frame)


def change(frame: bytes) -> tuple[ChangeReport, bytes]:
    """Return what was changed, and the changed message, or b"" if the change was refused. Raises AnswerError."""
    encoded, _, content = frame.partition(b"\n")
    found = _checked(_CHANGE, encoded)
    if (found.refused is None) is not bool(content):
        raise AnswerError("a refusal and a message")
    listed = [Listed(one.number, one.name, one.kind, one.size) for one in found.attachments]
    refused = None if found.refused is None else Refusal(found.refused.part, found.refused.why)
    return ChangeReport(listed, found.removed, found.signatures, refused), content


def extraction(frame: bytes) -> dict[str, Any]:
    """Return the plain values of an extraction. Raises AnswerError."""
    _checked(_EXTRACTION, frame)
    return _plain(frame)


def reading(frame: bytes) -> Reading:
    """Return what one process has read for another process to search. Raises AnswerError."""
    read = _checked(READING, frame)
    for part in read.extraction.parts:
        offsets = [0, *(offset for offset, _ in part.places)]
        if offsets != sorted(offsets):
            raise AnswerError("places out of order")
    return read


def reasons(frame: bytes) -> list[dict[str, str]]:
    """Return `part`, `place` and `why` of each match. Raises AnswerError."""
    return [{"part": one.part, "place": one.place, "why": one.why} for one in _checked(_REASONS, frame)]


def encode(answer: Inspection) -> bytes:
    """Return an inspection as a frame. If it would be too large, it is cut, and its status says so."""
    with contextlib.suppress(PydanticSerializationError):  # a lone surrogate
        encoded = _INSPECTION.dump_json(answer)
        if len(encoded) <= _PHRASE:  # then no phrase in it is too long
            return encoded
    _fit_all(answer)
    encoded = _INSPECTION.dump_json(answer)
    if len(encoded) <= wire.ANSWER_LIMIT:
        return encoded
    del answer.attachments[_LISTED:], answer.signals[_LISTED:]
    answer.subject, answer.header_from = answer.subject[:_PHRASE], answer.header_from[:_PHRASE]
    answer.message_id = answer.message_id[:_PHRASE]
    if answer.status == "complete":
        answer.status, answer.reason = "limited", _CUT
    return _INSPECTION.dump_json(answer)


def _fit_all(answer: Inspection) -> None:
    answer.reason = _fit(answer.reason)
    answer.subject, answer.header_from = _complete_text(answer.subject), _complete_text(answer.header_from)
    answer.message_id = _complete_text(answer.message_id)
    answer.signals = [_fit(signal) for signal in answer.signals]
    answer.hosts = [_fit(host) for host in answer.hosts]
    answer.attachments = [replace(one, name=_fit(one.name)) for one in answer.attachments]
    for finding in answer.findings:
        finding.parts[:] = map(_fit, finding.parts)
        finding.masked[:] = map(_fit, finding.masked)


def _fit(phrase: str) -> str:
    return _complete_text(phrase[:_PHRASE])


def _complete_text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _checked(adapter: TypeAdapter[_Answer], frame: bytes) -> _Answer:
    try:
        return adapter.validate_json(frame, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        # An unknown key is text that the worker chose, so only the type of the error is reported.
        raise AnswerError(f"not as agreed: {first['type']}") from None


def _check_findings(findings: list[Finding], identifiers: Collection[str]) -> None:
    for finding in findings:
        if finding.identifier not in identifiers:
            raise AnswerError("an identifier that does not exist")
        if not 1 <= finding.unique <= finding.count:
            raise AnswerError("a count that cannot be")
        if any(sum(c.isascii() and c.isalnum() for c in masked) > _READABLE for masked in finding.masked):
            raise AnswerError("a match that is not masked")


def _plain(frame: bytes) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(frame)
    return values
