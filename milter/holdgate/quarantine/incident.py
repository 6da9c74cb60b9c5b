"""An incident for the other packages: one message that a policy records, and all that belongs to it."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from holdgate.quarantine.eventnames import code_of
from holdgate.quarantine.states import State

# Crockford's base 32: no I, L, O, U, so that an id can be read out on the telephone.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ID = re.compile(rf"[{_ALPHABET}]{{4}}(-[{_ALPHABET}]{{4}}){{2}}")


def new_incident_id() -> str:
    """Return a new id such as "7K3M-Q9TX-2ABC": 60 random bits."""
    return _spelled(secrets.randbits(60))


def derived_incident_id(parts: Iterable[str]) -> str:
    """Return the id that always belongs to these parts, in this order."""
    whole = hashlib.sha256(b"".join(len(part.encode()).to_bytes(8) + part.encode() for part in parts))
    return _spelled(int.from_bytes(whole.digest()[:8]) >> 4)


def is_incident_id(text: str) -> bool:
    """Return whether a text has the form of an id, as it is recorded."""
    return _ID.fullmatch(text) is not None


def _spelled(bits: int) -> str:
    characters = "".join(_ALPHABET[bits >> place & 31] for place in range(55, -5, -5))
    return f"{characters[:4]}-{characters[4:8]}-{characters[8:]}"


@dataclass(frozen=True)
class Message:
    """The message as it arrived, and the policy that decided. Written once, by the milter or when held mail is adopted.

    For a copy that waits for some recipients while others got the message, `already_sent` names the others, and
    `message_digest` the message. Its `queue_id` is "" until Postfix has it.
    """

    queue_id: str
    sender: str
    recipients: list[str]
    policy: str
    _: KW_ONLY
    action: str = "quarantine"
    auth_user: str = ""
    client_address: str = ""
    size: int = 0
    already_sent: list[str] = field(default_factory=list)
    message_digest: str = ""


@dataclass(frozen=True, kw_only=True)
class Content:
    """The masked content of the message. Written once: by the milter or, for adopted mail, by the desk.

    Retention erases most of it.
    """

    header_from: str = ""
    subject: str = ""
    message_id: str = ""
    status: str = "complete"
    reason: str = ""
    profiles: dict[str, str] = field(default_factory=dict)
    findings: list[dict[str, Any]] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    encrypted: bool = False
    recipient_risks: list[dict[str, Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class QueueFile:
    """The queue file as `holdgate-queue` sees it: when it was first held, and when it finally left the hold queue.

    `node` is the mail server that has it, by its name in the store. `arrival_time` is in seconds since the epoch, as
    postqueue prints it.
    """

    node: str = ""
    arrival_time: int | None = None
    held_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The desk's part: who is asked at which level, the deadline, what was decided, and by whom.

    `change` is None for a message that is sent unchanged (see `Change`).
    """

    asked_at: datetime | None = None
    deadline_at: datetime | None = None
    remind_at: datetime | None = None
    level: int = 0
    decided_at: datetime | None = None
    decided_by: str | None = None
    decided_how: str | None = None
    comment: str | None = None
    change: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Incident(Message, Content, QueueFile, Decision):
    """One row of the store, in parts by the component that changes them. Times are timezone-aware.

    `state` changes by the table in `states`, `revision` with every change (`store.Store`).
    """

    id: str = field(default_factory=new_incident_id)
    state: State = State.PENDING
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    revision: int = 0
    erased_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The part of an incident that is compared with the hold queue.

    `is_changed`: its message is sent in a new copy (see `Change`). `is_split`: it is a copy for some recipients.
    """

    id: str
    queue_id: str
    arrival_time: int | None
    state: State
    created_at: datetime
    is_changed: bool = False
    is_split: bool = False


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, by which method, and from which network address ("" if there is none).

    For a reply by mail, `origin` is the proof of its writer.

    `who` is a person's name or address, or one of Holdgate's daemons.
    """

    who: str
    how: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an incident's history: what happened, who did it and by which method ("command", "page", "mail", …).

    `event` is a state or an `EventName`; a newer version can have written another one. `origin` is the network address
    that it came from, if there is one.
    """

    at: datetime
    event: str
    who: str
    how: str
    note: str = ""
    origin: str = ""

    @property
    def code(self) -> str:
        """The code of `event`, for JSON, commands and pages."""
        return code_of(self.event)


@dataclass(frozen=True, slots=True)
class Change:
    """The changes of an approval with changes: the column `change` of an incident.

    `kinds` are values of `moderation.changes`; none if the message is only submitted again, to be signed when it leaves
    (queue/signing.py). `parts` are the numbers of the removed attachments, `names` their masked
    names, until retention erases them. `transport` is Postfix's transport for an encrypted message. `original` and
    `sent` are the SHA-256 of the held message and of the changed one, without Holdgate's fields. `signatures` are the
    kinds of signatures that the change removed. `recipients` are those to whom the message is not sent, in the
    incident's form.

    The changed message is submitted with the secret `token`, and waits in the hold queue until the original is deleted:
    `copy` distinguishes it from a second submission, `queue_id` and `arrival_time` identify its queue file.
    """

    kinds: list[str]
    original: str
    sent: str
    token: str
    parts: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    transport: str = ""
    signatures: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    copy: str = ""
    queue_id: str = ""
    arrival_time: int = 0

    @classmethod
    def of(cls, incident: Incident) -> "Change | None":
        """Return the change of an incident, or None if its message is sent unchanged."""
        return None if incident.change is None else cls(**incident.change)

    @classmethod
    def chosen(cls, incident: Incident) -> "Change | None":
        """Return the change with which a person approved, or None if they approved the message as it is."""
        change = cls.of(incident)
        return None if change is None or not change.kinds else change


SENDER, OWNER = "sender", "owner"
"""Roles in which the sender of a message, or an application's owner, is asked about it (action `ask-sender`)."""


DECIDED_BY_SENDER = frozenset({"self-release", "sender", "sender-corrected", "owner"})
"""Ways of a decision about a message by its sender, or by the owner of a program, not by a moderator."""

POLICY = "policy"
"""How a message is decided that a policy refuses for some recipients, while the others got it (gate/split.py)."""


class Answer(StrEnum):
    """The outcome of a request to a moderator."""

    APPROVE = "approve"
    REJECT = "reject"
    BOUNCED = "bounced"  # the mail bounced
    OUT_OF_OFFICE = "absent"  # according to an automatic reply; the moderator can still decide
    SUPERSEDED = "superseded"  # the incident was passed to other people, or was held again


@dataclass(frozen=True, slots=True)
class Request:
    """One person who was asked about one incident; `answer` is None while there is none.

    `moderator` is their address. By `role` they decide as a moderator, or as the message's sender.
    """

    number: int
    incident_id: str
    moderator: str
    level: int
    role: str
    instead_of: str
    asked_at: datetime
    deadline_at: datetime
    opened_at: datetime | None
    answer: Answer | None
    answered_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it can still be answered; an absent moderator may return."""
        return self.answer in (None, Answer.OUT_OF_OFFICE)

    @property
    def is_of_sender(self) -> bool:
        """Whether the sender, or an application's owner, was asked: they decide on their own mail."""
        return self.role in (SENDER, OWNER)

    @property
    def is_void(self) -> bool:
        """Whether it is no longer valid, without an answer of the moderator's."""
        return self.answer in (Answer.BOUNCED, Answer.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class Ask:
    """A new request: who is asked, in which role, and for whom they are the deputy."""

    moderator: str
    role: str
    level: int = 0
    instead_of: str = ""


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A new notice: its kind, recipient, a short addition to the kind, its request, and its channel.

    `at` is when it is sent; None: at once.
    """

    kind: str
    recipient: str
    note: str = ""
    request: int | None = None
    channel: str = "mail"
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice in the outbox. `kind` is its subject: "request", "rejected", "expired", ….

    `is_here` is true if its message is in this node's hold queue; `due_at` is when the next attempt is due.
    """

    number: int
    incident_id: str
    kind: str
    recipient: str
    attempts: int
    note: str = ""
    request: int | None = None
    channel: str = "mail"
    is_here: bool = True
    due_at: datetime | None = None
