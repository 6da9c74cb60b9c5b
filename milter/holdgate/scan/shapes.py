"""What a worker's answers are made of, for the worker and for the daemons that ask it.

It imports nothing that reads messages: milter and desk would else load every parser, and never use one.
"""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field, TypeAdapter

from holdgate.extract.part import Extraction

BEYOND = b'{"beyond":true}'
"""The answer of a worker about a message that it is not there for: another one is asked."""

GONE = b'{"gone":true}'
"""The answer to a search where the process that was to read the message has ended."""
UNREADABLE = b'{"unreadable":true}'
"""The answer to a search where the process that read the message says what none of ours does."""

TEXT_LIMIT = 64 * 1024
"""How much text of a moderator's mail is answered, in characters."""


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


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says. `report` is "failed" or "other" for a delivery report, else "".

    `struck` is text that HTML shows as struck out, "" where there is none; `incidents` are ids in the text, quoted ones
    too.
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
    """Why a message cannot be changed: the part, masked, "" for the message itself, and the reason."""

    part: str
    why: str


@dataclass(slots=True)
class ChangeReport:
    """What was changed of a message: the attachments it had, which of them were removed, which signatures it cost."""

    attachments: list[Listed] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    refused: Refusal | None = None


@dataclass(slots=True)
class Reading:
    """What was read of a message, and in which time."""

    extraction: Extraction
    milliseconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]


READING = TypeAdapter(Reading)
