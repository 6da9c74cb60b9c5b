"""What an inspection hands on: findings with masked samples, the profiles' severities, and how whole it was.

These are all that leaves a scan worker, so that no content of a message reaches a log, a page or the store.
"""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


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

    identifier: str
    confidence: str
    count: int
    unique: int
    parts: list[str]
    masked: list[str]


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment, body or archive member: its way, what reads it, and its size in bytes as unpacked.

    `name` is the way to it ("report.zip › salaries.xlsx"), `kind` the reader's name ("ooxml").
    """

    name: str
    kind: str
    size: int

    @property
    def file_name(self) -> str:
        """The last step of the way."""
        return self.name.rpartition(" › ")[2]


@dataclass(slots=True)
class Inspection:
    """The outcome of inspecting one message or file.

    `status` and `reason` are those of `extract` ("complete", "limited", "failed"), `profiles` maps the name of each
    profile that applied to its severity, `signals` are observations of `extract`, `attachments` are the parts that
    are files, `encrypted` says that one of them is, `pictures_unread` that OCR could find more, `elapsed_ms` is the
    time taken and `extract_ms` the part of it that went into reading.
    """

    status: str = "complete"
    reason: str = ""
    findings: list[Finding] = field(default_factory=list)
    profiles: dict[str, str] = field(default_factory=dict)
    signals: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    encrypted: bool = False
    pictures_unread: bool = False
    elapsed_ms: float = 0.0
    extract_ms: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Inspection":
        """Rebuild what `to_json` made. Raises TypeError or KeyError on anything else."""
        findings = [Finding(**finding) for finding in values.pop("findings")]
        attachments = [Attachment(**attachment) for attachment in values.pop("attachments")]
        return cls(findings=findings, attachments=attachments, **values)
