"""Requests to moderators, the progress of moderation, and the hash chain of the audit trail."""

import hashlib
import json
import secrets
from datetime import UTC

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add tables and columns, and link the events that are there already."""
    op.add_column("incidents", sa.Column("asked_at", sa.DateTime))
    op.add_column("incidents", sa.Column("remind_at", sa.DateTime))
    op.add_column("incidents", sa.Column("level", sa.Integer, nullable=False, server_default="0"))
    op.add_column("incidents", sa.Column("revision", sa.Integer, nullable=False, server_default="0"))
    op.add_column("incidents", sa.Column("erased_at", sa.DateTime))
    op.create_index("incidents_deadline", "incidents", ["state", "deadline_at"])
    op.create_index("incidents_reminder", "incidents", ["state", "remind_at"])
    op.create_index("incidents_closed", "incidents", ["erased_at", "closed_at"])
    # What is held has a deadline without anybody having been asked: moderation begins anew.
    op.execute("UPDATE incidents SET deadline_at = NULL WHERE state = 'held'")
    op.create_table(
        "requests",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("incident_id", sa.String(16), sa.ForeignKey("incidents.id"), nullable=False),
        sa.Column("moderator", sa.String(320), nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("instead_of", sa.String(320), nullable=False),
        sa.Column("asked_at", sa.DateTime, nullable=False),
        sa.Column("deadline_at", sa.DateTime, nullable=False),
        sa.Column("opened_at", sa.DateTime),
        sa.Column("answer", sa.String(16)),
        sa.Column("answered_at", sa.DateTime),
    )
    op.create_index("requests_incident_id", "requests", ["incident_id"])
    op.create_index("requests_moderator", "requests", ["moderator", "answer"])
    with op.batch_alter_table("notices") as notices:
        notices.add_column(sa.Column("note", sa.String(32), nullable=False, server_default=""))
        notices.add_column(sa.Column("request", sa.Integer, sa.ForeignKey("requests.number", name="notices_request")))
    op.create_table(
        "chain",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
    )
    for name, size in (("origin", 64), ("salt", 32), ("note_digest", 64), ("hash", 64)):
        op.add_column("events", sa.Column(name, sa.String(size), nullable=False, server_default=""))
    _link_events()
    if op.get_bind().dialect.name == "sqlite":
        _forbid_changes()


def _link_events() -> None:
    """Give the events their hashes, as this version computes them."""
    connection = op.get_bind()
    names = ("number", "incident_id", "event", "who", "how", "note")
    events = sa.table("events", sa.column("at", sa.DateTime), *(sa.column(name) for name in names))
    new = sa.table("events", *(sa.column(name) for name in ("number", "salt", "note_digest", "hash")))
    head, count = "0" * 64, 0
    for row in connection.execute(sa.select(events).order_by(events.c.number)).all():
        salt = secrets.token_hex(16)
        digest = hashlib.sha256(f"{salt}\0{row.note}".encode(errors="surrogatepass")).hexdigest()
        at = row.at.replace(tzinfo=UTC).isoformat(timespec="microseconds")
        content = json.dumps([head, at, row.incident_id, row.event, row.who, row.how, "", digest])
        head, count = hashlib.sha256(content.encode()).hexdigest(), count + 1
        connection.execute(
            sa.update(new).where(new.c.number == row.number).values(salt=salt, note_digest=digest, hash=head)
        )
    chain = sa.table("chain", sa.column("id"), sa.column("hash"), sa.column("count"))
    connection.execute(sa.insert(chain).values(id=1, hash=head, count=count))


def _forbid_changes() -> None:
    """Have the database itself refuse what nobody does by accident: to change or delete an event."""
    op.execute(
        "CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are only added'); END"
    )
    op.execute(
        "CREATE TRIGGER events_stand BEFORE UPDATE OF incident_id, at, event, who, how, origin, note_digest, hash "
        "ON events BEGIN SELECT RAISE(ABORT, 'events are only added'); END"
    )
