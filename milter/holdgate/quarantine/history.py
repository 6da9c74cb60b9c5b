"""The history of an incident: its events in the audit trail."""

from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, select

from holdgate.quarantine import audit, binding
from holdgate.quarantine.incident import Actor, Event
from holdgate.quarantine.schema import events


def of(reader: Engine, incident_id: str) -> list[Event]:
    """Return what happened to an incident, oldest first."""
    query = select(events).where(events.c.incident_id == incident_id).order_by(events.c.number)
    with reader.connect() as connection:
        rows = connection.execute(query).all()
    return [Event(row.at, row.event, row.who, row.how, row.note, row.origin) for row in rows]


def write(connection: Connection, incident_id: str, actor: Actor, *new: tuple[str, str]) -> None:
    """Write events, each with its note, as the last thing that a transaction does: they bind what it wrote."""
    content = binding.content(connection, incident_id)
    for event, note in new:
        audit.append(connection, incident_id, datetime.now(UTC), event, actor, note, content=content)
