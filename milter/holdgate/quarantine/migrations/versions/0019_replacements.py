"""Amended messages that programs send in the place of held ones."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "replacements",
        sa.Column("incident_id", sa.String(16), primary_key=True),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("copy", sa.String(8), nullable=False),
        sa.Column("submitted_at", sa.DateTime, nullable=False),
        sa.Column("who", sa.String(320), nullable=False),
        sa.Column("queue_id", sa.String(64), nullable=False),
        sa.Column("held_as", sa.String(16), nullable=False),
        sa.Column("is_done", sa.Boolean, nullable=False),
    )
