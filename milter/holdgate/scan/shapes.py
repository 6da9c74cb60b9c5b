"""The types of a worker's jobs and answers, for the worker and for the daemons that use it.

It imports nothing that reads messages: otherwise milter and desk would load every parser without using one.
"""

from dataclasses import dataclass, field
from typing import Annotated, TypedDict

from pydantic import Field, TypeAdapter

from holdgate.extract.part import Extraction

NOT_FOR_THIS_WORKER = b'{"beyond":true}'
"""A worker's answer about a message that it cannot inspect: another worker is used."""

READER_ENDED = b'{"gone":true}'
"""The answer to a search if the process that was to read the message has ended."""
UNREADABLE = b'{"unreadable":true}'
"""The answer to a search if the output of the reading process is invalid."""

TEXT_LIMIT = 64 * 1024
"""How much text of a moderator's mail is returned, in characters."""


class Options(TypedDict, total=False):
    """The options of an inspection; a job has them as JSON.

    `subject`, `header_from` and `message_id` are the sender's text as the milter read it; the inspection has it masked.
    `links` requests the hosts of links, `values` the digests of single values.
    """

    subject: str
    header_from: str
    message_id: str
    links: bool
    values: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """A span of text. A match is masked (unless revealed), and `number` identifies it, from 1."""

    text: str
    number: int = 0
    identifier: str = ""
    revealed: bool = False


@dataclass(slots=True)
class ShownPart:
    """A part as it is shown; `cut` is true if there is more of it."""

    name: str
    status: str
    reason: str
    segments: list[Segment] = field(default_factory=list)
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """The content of a mail. `report` is "failed" or "other" for a delivery report, else "".

    `struck` is text that HTML shows as struck out, "" if there is none. `incidents` are ids in the text, quoted text
    included.
    """

    report: str = ""
    plain: str = ""
    html: str = ""
    struck: str = ""
    incidents: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Listed:
    """An attachment that can be removed: its number, from 1, its name and type, masked, and its size in bytes."""

    number: int
    name: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message cannot be changed: the masked name of the part ("" for the message itself), and the reason."""

    part: str
    why: str


@dataclass(slots=True)
class ChangeReport:
    """What was changed in a message: the attachments it had, which were removed, which signatures became invalid."""

    attachments: list[Listed] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    refused: Refusal | None = None


@dataclass(slots=True)
class Reading:
    """What was read of a message, and the time it took."""

    extraction: Extraction
    milliseconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]


READING = TypeAdapter(Reading)
