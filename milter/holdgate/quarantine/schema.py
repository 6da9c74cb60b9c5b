"""The tables of the store. `migrations/` builds them step by step; a test compares the two."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time: aware UTC in Python, naive UTC in the database, which SQLite and PostgreSQL store alike."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: they would be stored shifted by the local zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


metadata = MetaData()

incidents = Table(
    "incidents",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("queue_id", String(32), nullable=False),
    # Seconds since the epoch, as postqueue prints it: with queue_id it names one queue file.
    Column("arrival_time", Integer),
    Column("created_at", UtcDateTime, nullable=False),
    Column("held_at", UtcDateTime),
    Column("deadline_at", UtcDateTime),
    Column("decided_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    # Moderation: when people were asked, when they are reminded next, and which level of the chain it is with.
    Column("asked_at", UtcDateTime),
    Column("remind_at", UtcDateTime),
    Column("level", Integer, nullable=False, default=0),
    Column("decided_by", String(320)),
    Column("decided_how", String(32)),
    Column("comment", Text),
    Column("sender", Text, nullable=False),
    Column("recipients", JSON, nullable=False),
    Column("auth_user", Text, nullable=False),
    Column("client_address", String(64), nullable=False),
    Column("header_from", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("policy", String(64), nullable=False),
    Column("action", String(16), nullable=False),
    # The inspection: findings are masked before they come here.
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("profiles", JSON, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("signals", JSON, nullable=False),
    Column("attachments", JSON, nullable=False),
    Column("encrypted", Boolean, nullable=False),
    # Counts the changes: whoever changes an incident names the revision that he has seen.
    Column("revision", Integer, nullable=False, default=0),
    # When retention took the content away.
    Column("erased_at", UtcDateTime),
    Index("incidents_state", "state"),
    Index("incidents_queue_id", "queue_id"),
    Index("incidents_deadline", "state", "deadline_at"),
    Index("incidents_reminder", "state", "remind_at"),
    Index("incidents_closed", "erased_at", "closed_at"),
)

# One moderator who was asked about one incident, and what he answered.
requests = Table(
    "requests",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("incident_id", String(16), ForeignKey("incidents.id"), nullable=False),
    Column("moderator", String(320), nullable=False),
    Column("level", Integer, nullable=False),
    # Why this person: "moderator", "manager", "deputy" (of `instead_of`) or "fallback".
    Column("role", String(16), nullable=False),
    Column("instead_of", String(320), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("deadline_at", UtcDateTime, nullable=False),
    Column("opened_at", UtcDateTime),
    Column("answer", String(16)),
    Column("answered_at", UtcDateTime),
    Index("requests_incident_id", "incident_id"),
    Index("requests_moderator", "moderator", "answer"),
)

# The audit trail: rows are added, never changed, but for `note` and `salt`, which retention empties (see audit.py).
events = Table(
    "events",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("incident_id", String(16), ForeignKey("incidents.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("event", String(32), nullable=False),
    Column("who", String(320), nullable=False),
    Column("how", String(32), nullable=False),
    Column("origin", String(64), nullable=False),
    Column("note", Text, nullable=False),
    Column("salt", String(32), nullable=False),
    Column("note_digest", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("events_incident_id", "incident_id"),
)

# One row: the hash of the newest event. It is locked while an event is added, so that the chain never forks.
chain = Table(
    "chain",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("count", Integer, nullable=False),
)

# Mail that we still have to write: handed to Postfix at least once, with the same Message-ID each time.
notices = Table(
    "notices",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("incident_id", String(16), ForeignKey("incidents.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("recipient", Text, nullable=False),
    # What the kind alone does not say: a short word, never content.
    Column("note", String(32), nullable=False, default=""),
    # The request that a mail to a moderator is about.
    Column("request", Integer, ForeignKey("requests.number", name="notices_request")),
    Column("queued_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Index("notices_sent_at", "sent_at"),
    Index("notices_incident_id", "incident_id"),
)

# Seals that came back to us, by digest of seal and recipient, until they would not be believed anyway.
used_seals = Table(
    "used_seals",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
)
