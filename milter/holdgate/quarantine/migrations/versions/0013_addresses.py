"""Each node says where desks of other nodes read its held messages."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the column. It is empty until a node says so at its next start."""
    op.add_column("nodes", sa.Column("address", sa.String(300), nullable=False, server_default=""))
