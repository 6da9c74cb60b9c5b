"""What an inspection hands on: findings with masked samples, the profiles' severities, and how whole it was.

These are all that leaves a scan worker, so that no content of a message reaches a log, a page or the store. The types
say what an answer may hold: `scan.answer` refuses any other.
"""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

# What an answer of a worker may hold at most: the names of parts nest, a message has some thousand of them.
_Word = Annotated[str, Field(max_length=100)]
_Phrase = Annotated[str, Field(max_length=10_000)]
_Count = Annotated[int, Field(ge=0, le=10**9)]
_Confidence = Annotated[str, Field(pattern="^(low|medium|high)$")]
_Severity = Annotated[str, Field(pattern="^(low|medium|high|critical)$")]
_Milliseconds = Annotated[float, Field(ge=0, le=10**8, allow_inf_nan=False)]
_STRICT = ConfigDict(extra="forbid", strict=True)


class Severity(StrEnum):
    """How grave a profile takes a message, by number and kind of its matches."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Place in the order from low (0) to critical (3)."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """All matches of one identifier at one confidence in a message.

    `count` is how many there are, `unique` how many differ in value, `parts` names the parts (and places) they
    stand in, `masked` holds up to five of them, masked.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    identifier: _Word
    confidence: _Confidence
    count: _Count
    unique: _Count
    parts: Annotated[list[_Phrase], Field(max_length=100)]
    masked: Annotated[list[_Phrase], Field(max_length=100)]


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file that a message carries: its path, what reads it, and its size in bytes as unpacked. A body is none.

    `name` is the path to it ("report.zip › salaries.xlsx"), `kind` the reader's name ("ooxml"), `member` says that
    it is inside another file.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: _Phrase
    kind: _Word
    size: _Count
    member: bool = False

    @property
    def file_name(self) -> str:
        """The last step of the way."""
        return self.name.rpartition(" › ")[2]


@dataclass(slots=True)
class Inspection:
    """The outcome of inspecting one message or file.

    `status` and `reason` are those of `extract` ("complete", "limited", "failed"), `profiles` maps the name of each
    profile that applied to its severity, `signals` are observations of `extract`, `attachments` are all
    files, those inside files too, `encrypted` says that one of them is, `pictures_unread` that OCR could find more,
    `hosts` are those of its links, masked, where somebody asked for them, `elapsed_ms` is the
    time taken and `extract_ms` the part of it that went into reading. `subject`, `header_from` and `message_id` are
    those of a message. In all these words of the sender's, what was found is masked.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    status: Annotated[str, Field(pattern="^(complete|limited|failed)$")] = "complete"
    reason: _Phrase = ""
    findings: Annotated[list[Finding], Field(max_length=10_000)] = field(default_factory=list)
    profiles: dict[_Word, _Severity] = field(default_factory=dict)
    signals: Annotated[list[_Phrase], Field(max_length=10_000)] = field(default_factory=list)
    attachments: Annotated[list[Attachment], Field(max_length=10_000)] = field(default_factory=list)
    encrypted: bool = False
    pictures_unread: bool = False
    hosts: Annotated[list[_Phrase], Field(max_length=1_000)] = field(default_factory=list)
    subject: str = ""
    header_from: str = ""
    message_id: str = ""
    elapsed_ms: _Milliseconds = 0.0
    extract_ms: _Milliseconds = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`."""
        return asdict(self)
