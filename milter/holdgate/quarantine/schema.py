"""The tables of the store. `migrations/` builds them step by step; a test compares the two.

It is long because it is the one list of all tables: foreign keys and the audit trail name columns across them.
"""

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    REAL,
    BigInteger,
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
    """A time: aware UTC in Python, naive UTC in the database, stored in the same way by SQLite and PostgreSQL."""

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
        """Add the zone UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


_UNSTORABLE = re.compile(r"[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """Return `text` in a form that both databases can store.

    PostgreSQL cannot store NUL, which a decoded Subject can contain. UTF-8 cannot encode the lone surrogates with which
    Python represents undecodable bytes.
    """
    # The test is fast, and true for most texts.
    return text if text.isprintable() else _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


class Word(TypeDecorator[str]):
    """Text of a limited length, which PostgreSQL enforces."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Make it storable; values that are only compared can come from anywhere too."""
        return None if value is None else storable(value)


class Words(Word):
    """Text of any length."""

    impl = Text
    cache_ok = True


# Otherwise seconds since the epoch would end in 2038.
_Long = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

incidents = Table(
    "incidents",
    metadata,
    Column("id", Word(16), primary_key=True),
    Column("state", Word(16), nullable=False),
    Column("queue_id", Word(32), nullable=False),
    # Seconds since the epoch, as postqueue prints it: with queue_id it identifies one queue file.
    Column("arrival_time", _Long),
    Column("created_at", UtcDateTime, nullable=False),
    Column("held_at", UtcDateTime),
    Column("deadline_at", UtcDateTime),
    Column("decided_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    # Moderation: when people were asked, when the next reminder is due, and the current level of the chain.
    Column("asked_at", UtcDateTime),
    Column("remind_at", UtcDateTime),
    Column("level", Integer, nullable=False, default=0),
    Column("decided_by", Word(320)),
    Column("decided_how", Word(32)),
    Column("comment", Words),
    # The changes of an approval with changes, and their progress (incident.Decision).
    Column("change", JSON(none_as_null=True)),
    Column("sender", Words, nullable=False),
    Column("recipients", JSON, nullable=False),
    Column("auth_user", Words, nullable=False),
    Column("client_address", Word(64), nullable=False),
    Column("header_from", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("message_id", Words, nullable=False),
    Column("size", _Long, nullable=False),
    Column("policy", Word(64), nullable=False),
    Column("action", Word(16), nullable=False),
    # The inspection: findings are masked before they are stored.
    Column("status", Word(16), nullable=False),
    Column("reason", Words, nullable=False),
    Column("profiles", JSON, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("signals", JSON, nullable=False),
    Column("attachments", JSON, nullable=False),
    Column("encrypted", Boolean, nullable=False),
    # The node whose hold queue has the message; "" in rows of schema 0008 and before (nodes.py).
    Column("node", Word(255), nullable=False, default=""),
    # For a copy for some of the recipients: who got the message at once, and the digest by which a retry is recognised.
    Column("already_sent", JSON, nullable=False, default=[]),
    Column("message_digest", Word(64), nullable=False, default=""),
    # Counts the changes: a change of an incident states the revision on which it is based.
    Column("revision", Integer, nullable=False, default=0),
    # When retention erased the content.
    Column("erased_at", UtcDateTime),
    # What was unusual about its recipients (risks.py); NULL for nothing, and in rows of schema 0009 and before.
    Column("recipient_risks", JSON(none_as_null=True)),
    Index("incidents_state", "state", "created_at", "id"),
    Index("incidents_created", "created_at", "id"),
    Index("incidents_queue_id", "queue_id"),
    Index("incidents_message_digest", "message_digest"),
    Index("incidents_deadline", "state", "deadline_at", "id"),
    Index("incidents_asked", "state", "asked_at"),
    Index("incidents_reminder", "state", "remind_at"),
    Index("incidents_closed", "erased_at", "closed_at"),
)

# One row: the oldest revision whose version can use this store, where a newer version has migrated it (versions.py).
compatibility = Table("compatibility", metadata, Column("oldest", Word(32), primary_key=True))

# The mail servers that share the store, and which machine runs each of them (nodes.py).
nodes = Table(
    "nodes",
    metadata,
    Column("name", Word(255), primary_key=True),
    # An identifier that distinguishes two machines with the same name, and the name that an administrator knows.
    Column("holder", Word(64), nullable=False),
    Column("machine", Word(255), nullable=False),
    Column("version", Word(64), nullable=False),
    # Where desks of other nodes read its held messages (host:port), "" if they cannot.
    Column("address", Word(300), nullable=False),
    # A digest of its policies and local rules (node.py).
    Column("rules", Word(64), nullable=False),
    # Whether incidents without a node belong to it: it was the only node when they were recorded.
    Column("is_first", Boolean, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    # Until when no other machine can use the name; None if no machine uses it.
    Column("expires_at", UtcDateTime),
    Column("retired_at", UtcDateTime),
)

# The certificates that nodes have used, by the SHA-256 of their keys (certificates.py); revoked ones are refused.
certificates = Table(
    "certificates",
    metadata,
    Column("fingerprint", Word(64), primary_key=True),
    Column("name", Word(255), nullable=False),
    Column("announced_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
)

# The desks that share the store, by a random id of each process, and until when their claims are valid (claims.py).
desks = Table(
    "desks",
    metadata,
    Column("id", Word(32), primary_key=True),
    Column("machine", Word(255), nullable=False),
    Column("version", Word(64), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

# Which desk does a piece of work now, by digest of the work's name.
claims = Table(
    "claims",
    metadata,
    Column("work", Word(64), primary_key=True),
    Column("desk", Word(32), nullable=False),
)

# One moderator who was asked about one incident, and the answer.
requests = Table(
    "requests",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("incident_id", Word(16), ForeignKey("incidents.id"), nullable=False),
    Column("moderator", Word(320), nullable=False),
    Column("level", Integer, nullable=False),
    # Why this person: "moderator", "manager", "deputy" (of `instead_of`) or "fallback".
    Column("role", Word(16), nullable=False),
    Column("instead_of", Word(320), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("deadline_at", UtcDateTime, nullable=False),
    Column("opened_at", UtcDateTime),
    Column("answer", Word(16)),
    Column("answered_at", UtcDateTime),
    Index("requests_incident_id", "incident_id", "moderator", "role", "answer"),
    Index("requests_moderator", "moderator", "answer"),
)

# The audit trail: rows are added, never changed, except `note` and `salt`, which retention empties (see audit.py).
events = Table(
    "events",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("incident_id", Word(16), ForeignKey("incidents.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("event", Word(32), nullable=False),
    Column("who", Word(320), nullable=False),
    Column("how", Word(32), nullable=False),
    Column("origin", Word(64), nullable=False),
    Column("note", Words, nullable=False),
    Column("salt", Word(32), nullable=False),
    Column("note_digest", Word(64), nullable=False),
    # The incident's rows after the event (binding.py); "" in events of schema 0003 and earlier.
    Column("rows_digest", Word(64), nullable=False, default=""),
    Column("hash", Word(64), nullable=False),
    # Its chain, and the heads of other chains that its writer saw, as JSON (chains.py).
    Column("chain", Word(280), nullable=False, default=""),
    Column("seen", Words, nullable=False, default=""),
    Index("events_incident_id", "incident_id", "event", "number"),
    Index("events_chain", "chain", "number"),
)

# The chains of events, one for each writer, with the number and hash of the newest event, and the number of events. A
# transaction that adds an event locks the row, so that a chain never forks. "" is the first chain.
chains = Table(
    "chains",
    metadata,
    # A node's name, "/" and a daemon.
    Column("name", Word(280), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("hash", Word(64), nullable=False),
    Column("count", Integer, nullable=False),
)

# The outbox: notices to send, at least once; a mail has the same Message-ID each time.
notices = Table(
    "notices",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("incident_id", Word(16), ForeignKey("incidents.id"), nullable=False),
    Column("kind", Word(16), nullable=False),
    Column("recipient", Words, nullable=False),
    # A short addition to the kind, never content.
    Column("note", Word(32), nullable=False, default=""),
    # The channel; "" is mail, in rows of schema 0006 and earlier.
    Column("channel", Word(32), nullable=False, default=""),
    # The request of a mail to a moderator.
    Column("request", Integer, ForeignKey("requests.number", name="notices_request")),
    Column("queued_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Index("notices_sent_at", "sent_at"),
    Index("notices_incident_id", "incident_id"),
)

# Ended sessions of the page, by digest, until they would have expired.
ended_sessions = Table(
    "ended_sessions",
    metadata,
    Column("digest", Word(64), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
)

# Codes that were mailed for signing in to the page (codes.py). Earlier versions wrote a row with proof "" without mail.
sign_in_codes = Table(
    "sign_in_codes",
    metadata,
    Column("name", Word(64), primary_key=True),
    Column("address", Word(320), nullable=False),
    Column("client", Word(64), nullable=False),
    Column("proof", Word(64), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("sign_in_codes_address", "address"),
)

# The people who want a daily summary, the beginning of the period that the next one covers, and when it is due.
digests = Table(
    "digests",
    metadata,
    Column("person", Word(320), primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Index("digests_due_at", "due_at"),
)

# Who writes to whom: only holdgate.relations can compute the numbers (relations.py).
relations = Table(
    "relations",
    metadata,
    Column("key", _Long, primary_key=True, autoincrement=False),
    Column("weight", REAL, nullable=False),
    Column("day", Integer, nullable=False),
)

# What programs have sent: numbers like those of relations, the first and last time of each in seconds since the epoch,
# and whether it was sent; a thing that was only looked up is not known (machines.py).
machine_seen = Table(
    "machine_seen",
    metadata,
    Column("key", _Long, primary_key=True, autoincrement=False),
    Column("first", _Long, nullable=False),
    Column("last", _Long, nullable=False),
    Column("known", Boolean, nullable=False),
    Index("machine_seen_last", "last"),
)

# How many messages an account has sent in each period.
machine_counts = Table(
    "machine_counts",
    metadata,
    Column("key", _Long, primary_key=True, autoincrement=False),
    Column("messages", Integer, nullable=False),
)

# Held messages of programs: what is learned if they are released, as numbers. `settled`: that is done.
machine_messages = Table(
    "machine_messages",
    metadata,
    Column("incident_id", Word(16), primary_key=True),
    Column("account", _Long, nullable=False),
    Column("thread", _Long, nullable=False),
    Column("recipients", JSON, nullable=False),
    Column("contents", JSON, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("settled", Boolean, nullable=False),
    Index("machine_messages_account", "account", "settled"),
)

# Classes of a program's mail, allowed with an approval; `thread` is the number of a Message-ID, 0 for all mail.
allowances = Table(
    "allowances",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("incident_id", Word(16), nullable=False),
    Column("account", _Long, nullable=False),
    Column("thread", _Long, nullable=False),
    Column("recipients", JSON, nullable=False),
    Column("who", Word(320), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Index("allowances_account", "account", "ends_at"),
)

# Tokens of programs, by digest: the name of the account, and its number as in machine_messages.
machine_tokens = Table(
    "machine_tokens",
    metadata,
    Column("digest", Word(64), primary_key=True),
    Column("name", Words, nullable=False),
    Column("account", _Long, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

# Amended messages that programs send in place of held ones (quarantine/replacements.py).
replacements = Table(
    "replacements",
    metadata,
    Column("incident_id", Word(16), primary_key=True),
    Column("token", Word(32), nullable=False),
    Column("key", Word(64), nullable=False),
    Column("digest", Word(64), nullable=False),
    Column("copy", Word(8), nullable=False),
    Column("submitted_at", UtcDateTime, nullable=False),
    Column("who", Word(320), nullable=False),
    Column("queue_id", Word(64), nullable=False),
    Column("held_as", Word(16), nullable=False),
    Column("is_done", Boolean, nullable=False),
)

# Seals of messages that returned, by digest of seal and recipient, until they would have expired.
used_seals = Table(
    "used_seals",
    metadata,
    Column("digest", Word(64), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
)

# Reply addresses that the desk has mailed, by digest of their token: the milter recognises replies by it.
reply_addresses = Table(
    "reply_addresses",
    metadata,
    Column("digest", Word(64), primary_key=True),
    Column("request", Integer, ForeignKey("requests.number", name="reply_addresses_request"), nullable=False),
)

# What the milter saw of a reply that it accepted, by digest of the word that the reply carries to the desk.
witnesses = Table(
    "witnesses",
    metadata,
    Column("digest", Word(64), primary_key=True),
    Column("request", Integer, nullable=False),
    Column("sender", Words, nullable=False),
    Column("login", Words, nullable=False),
    Column("client", Word(64), nullable=False),
    Column("used", Boolean, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)
