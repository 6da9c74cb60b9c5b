"""Indexes for what is asked often: what a chain of events got since a moment."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Create them."""
    op.create_index("events_chain", "events", ["chain", "number"])
