"""A moderator may approve a message with changes: which, and how far the changed message is."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column, empty in the incidents that are there: the digests of their rows stay as they are."""
    op.add_column("incidents", sa.Column("change", sa.JSON))
