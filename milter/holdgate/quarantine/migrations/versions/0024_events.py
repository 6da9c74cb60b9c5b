"""An index for the last question or answer about each message of a list: it read all events of these messages."""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Create it, in the place of a shorter one."""
    op.drop_index("events_incident_id", "events")
    op.create_index("events_incident_id", "events", ["incident_id", "event", "number"])
