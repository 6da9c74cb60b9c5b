"""The result of an inspection: findings with masked samples, the profiles' severities, and whether all was inspected.

Besides digests of single values and of documents, nothing else leaves a scan worker, so that no content of a message
reaches a log, a page or the store. The types limit what a worker's result may contain: `scan.answer` refuses everything
else.
"""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

# Limits for a worker's result. Names of nested parts are joined; a message has at most some thousand parts.
_Word = Annotated[str, Field(max_length=100)]
_Phrase = Annotated[str, Field(max_length=10_000)]
_Digest = Annotated[str, Field(pattern="^[a-z0-9-]{1,100} [0-9a-f]{16}$")]
_Count = Annotated[int, Field(ge=0, le=10**9)]
_Confidence = Annotated[str, Field(pattern="^(low|medium|high)$")]
_Severity = Annotated[str, Field(pattern="^(low|medium|high|critical)$")]
_Milliseconds = Annotated[float, Field(ge=0, le=10**8, allow_inf_nan=False)]
MOST_VALUES = 32
"""How many single values of a message are compared with earlier mail, and how many digests of its documents."""
DOCUMENT, SKETCH = "document", 8
"""The word for a digest of a document in place of an identifier, and how many digests a document has."""
_STRICT = ConfigDict(extra="forbid", strict=True)


class Severity(StrEnum):
    """How severe a profile rates a message, by number and kind of its matches."""

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

    `count` is the number of matches, `unique` the number of different values. `parts` names the parts (and places) that
    contain them. `masked` holds up to five of them, masked.
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
    """One file in a message: its path, its format, and its unpacked size in bytes. A body is not an attachment.

    `name` is the path to it ("report.zip › salaries.xlsx"), `kind` the reader's name ("ooxml"). `member` is true if it
    is inside another file.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: _Phrase
    kind: _Word
    size: _Count
    member: bool = False

    @property
    def file_name(self) -> str:
        """The last component of the path."""
        return self.name.rpartition(" › ")[2]


@dataclass(slots=True)
class Inspection:
    """The outcome of inspecting one message or file.

    `status` and `reason` are those of `extract` ("complete", "limited", "failed"). `profiles` maps the name of each
    profile that matched to its severity. `signals` are observations of `extract`. `attachments` are all files,
    including files inside files. `encrypted` is true if one of them is encrypted, `pictures_unread` if OCR could find
    more. `hosts` are the masked hosts of its links, if they were requested. `values` are identifiers with digests of
    single values, and digests of documents, if they were requested: for `relations` only, no log and no incident has
    them. `elapsed_ms` is the total time, `extract_ms` the time for reading. `subject`, `header_from` and `message_id`
    are those of a message. Matches are masked in all text that comes from the sender.
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
    values: Annotated[list[_Digest], Field(max_length=2 * MOST_VALUES)] = field(default_factory=list)
    subject: str = ""
    header_from: str = ""
    message_id: str = ""
    elapsed_ms: _Milliseconds = 0.0
    extract_ms: _Milliseconds = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`."""
        return asdict(self)
