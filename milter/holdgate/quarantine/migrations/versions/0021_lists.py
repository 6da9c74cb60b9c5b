"""Indexes in the order of the lists, so that a page reads no more rows than it shows; and of unasked incidents."""

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Create them, two in the place of shorter ones."""
    for name in ("incidents_state", "incidents_deadline"):
        op.drop_index(name, "incidents")
    op.create_index("incidents_state", "incidents", ["state", "created_at", "id"])
    op.create_index("incidents_created", "incidents", ["created_at", "id"])
    op.create_index("incidents_deadline", "incidents", ["state", "deadline_at", "id"])
    op.create_index("incidents_asked", "incidents", ["state", "asked_at"])
