"""Tokens with which programs ask what became of their messages, as digests."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Create the table."""
    long = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "machine_tokens",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("account", long, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
    )
