"""What programs have sent before, and what of theirs is held, as keyed hashes."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add these tables."""
    long = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "machine_seen",
        sa.Column("key", long, primary_key=True, autoincrement=False),
        sa.Column("first", long, nullable=False),
        sa.Column("last", long, nullable=False),
        sa.Column("known", sa.Boolean, nullable=False),
    )
    op.create_index("machine_seen_last", "machine_seen", ["last"])
    op.create_table(
        "machine_counts",
        sa.Column("key", long, primary_key=True, autoincrement=False),
        sa.Column("messages", sa.Integer, nullable=False),
    )
    op.create_table(
        "machine_messages",
        sa.Column("incident_id", sa.String(16), primary_key=True),
        sa.Column("account", long, nullable=False),
        sa.Column("thread", long, nullable=False),
        sa.Column("recipients", sa.JSON, nullable=False),
        sa.Column("contents", sa.JSON, nullable=False),
        sa.Column("recorded_at", sa.DateTime, nullable=False),
        sa.Column("settled", sa.Boolean, nullable=False),
    )
    op.create_index("machine_messages_account", "machine_messages", ["account", "settled"])
