"""The oldest version that can use the store beside newer ones: daemons of older versions refused any other schema.

A later migration that does more than add writes its own revision here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Create it."""
    table = op.create_table("compatibility", sa.Column("oldest", sa.String(32), primary_key=True))
    op.bulk_insert(table, [{"oldest": "0023"}])
