"""The history of an incident: its events in the audit trail."""

from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, bindparam, select

from holdgate.quarantine import audit, binding
from holdgate.quarantine.database import is_shared
from holdgate.quarantine.eventnames import current
from holdgate.quarantine.incident import Actor, Event
from holdgate.quarantine.schema import events, incidents

_OF_INCIDENT = select(events).where(events.c.incident_id == bindparam("incident")).order_by(events.c.number)


def of(reader: Engine, incident_id: str) -> list[Event]:
    """Return what happened to an incident, oldest first."""
    with reader.connect() as connection:
        rows = connection.execute(_OF_INCIDENT, {"incident": incident_id}).all()
    return [Event(row.at, current(row.event), row.who, row.how, row.note, row.origin) for row in rows]


def lock(connection: Connection, incident_id: str) -> str:
    """Lock an incident, its requests and its notices against other changes until the end of the transaction.

    Return its node, "" if a store has only one. A transaction that does not begin with a change of the incident itself
    must begin with this, because events bind all of its rows.
    """
    if not is_shared(connection.engine):
        return ""  # the transaction has exclusive access to the database
    # Transactions that only refer to the row do not wait.
    one = select(incidents.c.node).where(incidents.c.id == incident_id).with_for_update(key_share=True)
    return connection.execute(one).scalar() or ""


def write(connection: Connection, incident_id: str, actor: Actor, *new: tuple[str, str]) -> None:
    """Write events, each with its note, as the last step of a transaction, because they bind what it wrote."""
    content = binding.content(connection, incident_id)
    now = datetime.now(UTC)
    audit.append(connection, incident_id, actor, [(now, event, note) for event, note in new], content=content)
