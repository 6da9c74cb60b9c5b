"""Reply addresses that were mailed, and what the gate saw of replies."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the two tables."""
    op.create_table(
        "reply_addresses",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column(
            "request", sa.Integer, sa.ForeignKey("requests.number", name="reply_addresses_request"), nullable=False
        ),
    )
    op.create_table(
        "witnesses",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("request", sa.Integer, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("login", sa.Text, nullable=False),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("used", sa.Boolean, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )
