"""The output of readers: the parts of a message, their text, and how completely they were read."""

from bisect import bisect_right
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """The role of a document in a message: text that the recipient sees at once, a file, or a file in a file."""

    BODY = "body"
    ATTACHMENT = "attachment"
    MEMBER = "member"


class Status(StrEnum):
    """How complete an inspection was; `X-Holdgate-Status` has the same words."""

    COMPLETE = "complete"
    LIMITED = "limited"
    FAILED = "failed"


@dataclass(slots=True)
class Part:
    """One piece of a message that one reader read: a body, an attachment, a member of an archive.

    `name` is its path in a form for people ("message body", "report.zip › salaries.xlsx").
    `text` is all that was read, in characters. `places` states where in the document a span of it is: pairs of the
    offset where it begins and its name ("sheet Salaries, B7", "page 3"), in ascending order of offsets. `size` is that
    of the document in bytes, 0 for a part that is not a document (subject, headers). `trace` is true for text that
    programs write: only certain matches in it count. `reason` is empty for a complete part, else a short phrase that
    names what is missing, without content.
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
        """Return the name of the place of the character at `offset`, "" if the reader names none."""
        index = bisect_right(self.places, offset, key=lambda place: place[0]) - 1
        return self.places[index][1] if index >= 0 else ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a message: the path to it ("report.zip › salaries.xlsx"), its reader and its size in bytes.

    `member` is true if it is inside another file. A body is not a file.
    """

    name: str
    kind: str
    size: int
    member: bool = False


@dataclass(slots=True)
class Extraction:
    """All parts of one message or file, with the worst status among them and the first reason for it.

    `signals` are observations that policies can use: a name that differs from the content, ambiguous MIME, ….
    `subject` is that of the message itself, not of one inside it; another file has none. `attachments` are all files in
    it, including nested ones; for a file that is not a message, that file and those inside it.
    """

    parts: list[Part] = field(default_factory=list)
    status: Status = Status.COMPLETE
    reason: str = ""
    signals: list[str] = field(default_factory=list)
    subject: str = ""
    attachments: list[Attachment] = field(default_factory=list)
