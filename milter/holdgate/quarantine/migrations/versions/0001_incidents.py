"""Incidents, their events, the notices we owe, and the seals that came back."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("queue_id", sa.String(32), nullable=False),
        sa.Column("arrival_time", sa.Integer),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("held_at", sa.DateTime),
        sa.Column("deadline_at", sa.DateTime),
        sa.Column("decided_at", sa.DateTime),
        sa.Column("closed_at", sa.DateTime),
        sa.Column("decided_by", sa.String(320)),
        sa.Column("decided_how", sa.String(32)),
        sa.Column("comment", sa.Text),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("recipients", sa.JSON, nullable=False),
        sa.Column("auth_user", sa.Text, nullable=False),
        sa.Column("client_address", sa.String(64), nullable=False),
        sa.Column("header_from", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("policy", sa.String(64), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("profiles", sa.JSON, nullable=False),
        sa.Column("findings", sa.JSON, nullable=False),
        sa.Column("signals", sa.JSON, nullable=False),
        sa.Column("attachments", sa.JSON, nullable=False),
        sa.Column("encrypted", sa.Boolean, nullable=False),
    )
    op.create_index("incidents_state", "incidents", ["state"])
    op.create_index("incidents_queue_id", "incidents", ["queue_id"])
    op.create_table(
        "events",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("incident_id", sa.String(16), sa.ForeignKey("incidents.id"), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("who", sa.String(320), nullable=False),
        sa.Column("how", sa.String(32), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_index("events_incident_id", "events", ["incident_id"])
    op.create_table(
        "notices",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("incident_id", sa.String(16), sa.ForeignKey("incidents.id"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("queued_at", sa.DateTime, nullable=False),
        sa.Column("sent_at", sa.DateTime),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.DateTime, nullable=False),
    )
    op.create_index("notices_sent_at", "notices", ["sent_at"])
    op.create_index("notices_incident_id", "notices", ["incident_id"])
    op.create_table(
        "used_seals",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )
