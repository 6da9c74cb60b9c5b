"""The audit trail is several chains, one for each writer: the events that are there already are the first one."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_COLUMNS = "incident_id, at, event, who, how, origin, note_digest, hash, number, rows_digest, chain, seen"


def upgrade() -> None:
    """Add the chains, and guard an event's chain as the rest of it.

    The table of the one chain goes: a daemon of an earlier version, which would number its events twice, fails.
    """
    connection = op.get_bind()
    sqlite = connection.dialect.name == "sqlite"
    op.execute("DROP TRIGGER events_stand" if sqlite else "DROP TRIGGER events_stand ON events")
    op.add_column("events", sa.Column("chain", sa.String(280), nullable=False, server_default=""))
    op.add_column("events", sa.Column("seen", sa.Text, nullable=False, server_default=""))
    end = (
        "BEGIN SELECT RAISE(ABORT, 'events are only added'); END"
        if sqlite
        else "FOR EACH ROW EXECUTE FUNCTION events_are_only_added()"
    )
    op.execute(f"CREATE TRIGGER events_stand BEFORE UPDATE OF {_COLUMNS} ON events {end}")
    op.create_table(
        "chains",
        sa.Column("name", sa.String(280), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
    )
    newest = "(SELECT coalesce(max(number), 0) FROM events)"
    op.execute(f"INSERT INTO chains (name, number, hash, count) SELECT '', {newest}, hash, count FROM chain")
    op.drop_table("chain")
    if not sqlite:
        # Until now the newest number was looked up.
        op.execute(f"SELECT setval(pg_get_serial_sequence('events', 'number'), {newest} + 1, false)")
