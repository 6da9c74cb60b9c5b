"""An incident of a copy that waits for some recipients says who got the message at once, and has a digest of it."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add these columns. In incidents that are there already both are empty, so that their digests stay the same."""
    op.add_column("incidents", sa.Column("already_sent", sa.JSON, nullable=False, server_default="[]"))
    op.add_column("incidents", sa.Column("message_digest", sa.String(64), nullable=False, server_default=""))
    op.create_index("incidents_message_digest", "incidents", ["message_digest"])
