"""What a reader hands on: the parts of a message, their text, and how whole the reading was."""

from bisect import bisect_right
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What a document is in a message: text that the reader sees at once, a file of its own, or a file in a file."""

    BODY = "body"
    ATTACHMENT = "attachment"
    MEMBER = "member"


class Status(StrEnum):
    """How whole an inspection was; `X-Holdgate-Status` says the same words."""

    COMPLETE = "complete"
    LIMITED = "limited"
    FAILED = "failed"


@dataclass(slots=True)
class Part:
    """One piece of a message that one reader read: a body, an attachment, a member of an archive.

    `name` is the way to it, as a person would say it ("message body", "report.zip › salaries.xlsx").
    `text` is all that was read, in characters. `places` says where in the document a stretch of it stands: pairs of
    the offset where it begins and its name ("sheet Salaries, B7", "page 3"), in ascending order of offsets.
    `size` is that of the document in bytes, 0 for what is no document of its own (subject, headers).
    `trace` says that programs write such text: only what is found in it for certain counts.
    `reason` is empty for a complete part, else a short phrase that names what is missing and holds no content.
    """

    name: str
    reader: str
    text: str = ""
    places: list[tuple[int, str]] = field(default_factory=list)
    status: Status = Status.COMPLETE
    reason: str = ""
    size: int = 0
    trace: bool = False

    def place_at(self, offset: int) -> str:
        """Name the place of the character at `offset`, or return "" where the reader names none."""
        index = bisect_right(self.places, offset, key=lambda place: place[0]) - 1
        return self.places[index][1] if index >= 0 else ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a message carries: the path to it ("report.zip › salaries.xlsx"), its reader and its size in bytes.

    `member` says that it is inside another file. A body is no file.
    """

    name: str
    kind: str
    size: int
    member: bool = False


@dataclass(slots=True)
class Extraction:
    """All parts of one message or file, with the worst status among them and the first reason for it.

    `signals` are observations that policy may act on: a name that disagrees with the content, ambiguous MIME, ….
    `subject` is that of the message that was read, not of one inside it; another file has none. `attachments` are all
    files in it, those inside other files too; of another file than a message, that file and those inside it.
    """

    parts: list[Part] = field(default_factory=list)
    status: Status = Status.COMPLETE
    reason: str = ""
    signals: list[str] = field(default_factory=list)
    subject: str = ""
    attachments: list[Attachment] = field(default_factory=list)
