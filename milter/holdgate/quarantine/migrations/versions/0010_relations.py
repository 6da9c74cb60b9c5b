"""Who writes to whom, as keyed hashes, and what was unusual about the recipients of an incident."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the table, and the column, which is empty in the incidents that are there."""
    long = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "relations",
        sa.Column("key", long, primary_key=True, autoincrement=False),
        sa.Column("weight", sa.REAL, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
    )
    op.add_column("incidents", sa.Column("recipient_risks", sa.JSON))
