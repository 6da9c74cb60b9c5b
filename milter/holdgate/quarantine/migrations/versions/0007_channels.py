"""Each notice names the channel that carries it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; a notice that is there already goes by mail."""
    op.add_column("notices", sa.Column("channel", sa.String(32), nullable=False, server_default=""))
