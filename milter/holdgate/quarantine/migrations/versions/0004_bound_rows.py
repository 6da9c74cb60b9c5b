"""Events bind the rows of their incident: those that are there already are bound by an event of this step."""

import secrets
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from holdgate.quarantine import binding
from holdgate.quarantine.links import link, note_digest, rows_digest

revision = "0004"
down_revision = "0003"

_BATCH = 500
_COLUMNS = "incident_id, at, event, who, how, origin, note_digest, hash, number, rows_digest"


def upgrade() -> None:
    """Add the column, bind what is there, and guard number and digest as the rest of an event."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute("DROP TRIGGER events_stand" if sqlite else "DROP TRIGGER events_stand ON events")
    op.add_column("events", sa.Column("rows_digest", sa.String(64), nullable=False, server_default=""))
    _bind()
    end = (
        "BEGIN SELECT RAISE(ABORT, 'events are only added'); END"
        if sqlite
        else "FOR EACH ROW EXECUTE FUNCTION events_are_only_added()"
    )
    op.execute(f"CREATE TRIGGER events_stand BEFORE UPDATE OF {_COLUMNS} ON events {end}")


def _bind() -> None:
    """Add an event for each incident that says how its rows are now."""
    connection = op.get_bind()
    tables = sa.MetaData()
    tables.reflect(connection, only=["incidents", "requests", "notices"])
    incidents, requests, notices = (tables.tables[name] for name in ("incidents", "requests", "notices"))
    names = ("number", "incident_id", "event", "who", "how", "origin", "note", "salt", "note_digest", "rows_digest")
    events = sa.table("events", sa.column("at", sa.DateTime), sa.column("hash"), *(sa.column(name) for name in names))
    chain = sa.table("chain", sa.column("hash"), sa.column("count"))
    head, count = connection.execute(sa.select(chain.c.hash, chain.c["count"])).one()
    number = connection.execute(sa.select(sa.func.max(events.c.number))).scalar() or 0
    now = datetime.now(UTC)
    last = ""
    while rows := (
        connection.execute(sa.select(incidents).where(incidents.c.id > last).order_by(incidents.c.id).limit(_BATCH))
        .mappings()
        .all()
    ):
        new = []
        for incident_id, content in binding.contents(connection, rows, (incidents, requests, notices)).items():
            salt = secrets.token_hex(16)
            number += 1
            values = {"number": number, "incident_id": incident_id, "event": "bound", "who": "holdgate migrate"}
            values |= {"how": "command", "origin": "", "note_digest": note_digest(salt, "")}
            values |= {"rows_digest": rows_digest(salt, content)}
            head = link(head, now, values)
            new.append({**values, "at": now.replace(tzinfo=None), "note": "", "salt": salt, "hash": head})
        connection.execute(sa.insert(events), new)
        count += len(new)
        last = rows[-1]["id"]
    connection.execute(sa.update(chain).values({"hash": head, "count": count}))
