"""Classes of a program's mail that a moderator has allowed for a time, as keyed hashes."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Create the table."""
    long = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "allowances",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("incident_id", sa.String(16), nullable=False),
        sa.Column("account", long, nullable=False),
        sa.Column("thread", long, nullable=False),
        sa.Column("recipients", sa.JSON, nullable=False),
        sa.Column("who", sa.String(320), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("ends_at", sa.DateTime, nullable=False),
        sa.Column("revoked_at", sa.DateTime),
    )
    op.create_index("allowances_account", "allowances", ["account", "ends_at"])
