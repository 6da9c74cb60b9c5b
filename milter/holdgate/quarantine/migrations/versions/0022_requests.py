"""An index for the question who of a page's incidents may be answered: it read all open requests of a moderator."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Create it, in the place of a shorter one."""
    op.drop_index("requests_incident_id", "requests")
    op.create_index("requests_incident_id", "requests", ["incident_id", "moderator", "role", "answer"])
