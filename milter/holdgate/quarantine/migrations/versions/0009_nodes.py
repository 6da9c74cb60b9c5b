"""Each incident names the node whose hold queue has its message; nodes and desks that share the store are tables."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add these. Incidents that are there already have no node: events bind their rows, and "" changes no digest."""
    op.add_column("incidents", sa.Column("node", sa.String(255), nullable=False, server_default=""))
    op.create_table(
        "nodes",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("machine", sa.String(255), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("rules", sa.String(64), nullable=False),
        sa.Column("is_first", sa.Boolean, nullable=False),
        sa.Column("seen_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime),
        sa.Column("retired_at", sa.DateTime),
    )
    op.create_table(
        "desks",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("machine", sa.String(255), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "claims",
        sa.Column("work", sa.String(64), primary_key=True),
        sa.Column("desk", sa.String(32), nullable=False),
    )
