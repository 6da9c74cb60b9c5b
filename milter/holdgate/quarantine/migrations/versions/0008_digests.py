"""Who wants a daily summary."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "digests",
        sa.Column("person", sa.String(320), primary_key=True),
        sa.Column("since", sa.DateTime, nullable=False),
        sa.Column("due_at", sa.DateTime, nullable=False),
        sa.Index("digests_due_at", "due_at"),
    )
