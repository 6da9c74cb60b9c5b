"""The certificates of nodes are known to all nodes, so that stolen ones can be revoked. It only adds."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "certificates",
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("announced_at", sa.DateTime, nullable=False),
        sa.Column("revoked_at", sa.DateTime),
    )
