"""Reads incidents: one, those in certain states, the open ones."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, bindparam, func, select

from holdgate.quarantine.incident import Incident, Standing
from holdgate.quarantine.requests import incident_of
from holdgate.quarantine.schema import incidents
from holdgate.quarantine.states import DECIDED, OPEN, State

# The columns of a Standing.
_COLUMNS = [incidents.c[name] for name in ("id", "queue_id", "arrival_time", "state", "created_at")]
_STANDINGS = select(
    *_COLUMNS,
    incidents.c.change.is_not(None).label("is_changed"),
    (incidents.c.message_digest != "").label("is_split"),
)
_BY_ID = select(incidents).where(incidents.c.id == bindparam("incident"))
# One query names so many incidents at most.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `most` decisions of a kind.

    `query` counts them by address, and `is_theirs` selects the person's addresses.
    """

    query: Select[Any]
    is_theirs: Callable[[str], bool]
    most: int

    def is_used_up(self, connection: Connection) -> bool:
        """Return whether a person has decided as often as they may."""
        counts = connection.execute(self.query).all()
        decided: int = sum(row[1] for row in counts if row[0] and self.is_theirs(row[0]))
        return decided >= self.most


def decisions_by(is_theirs: Callable[[str], bool], how: str, since: datetime, most: int) -> Quota:
    """Return the quota of a person for decisions by one method, with any of their addresses, since a moment."""
    query = select(incidents.c.decided_by, func.count()).where(incidents.c.decided_how == how)
    return Quota(query.where(incidents.c.decided_at > since).group_by(incidents.c.decided_by), is_theirs, most)


def approvals_for(is_theirs: Callable[[str], bool], how: Collection[str], since: datetime, most: int) -> Quota:
    """Return the quota of a sender for approvals of their messages by certain methods since a moment."""
    query = select(incidents.c.sender, func.count()).where(incidents.c.decided_how.in_(sorted(how)))
    query = query.where(incidents.c.state.in_((State.APPROVED, State.RELEASED)), incidents.c.decided_at > since)
    return Quota(query.group_by(incidents.c.sender), is_theirs, most)


class Incidents:
    """Reads incidents. `reader` is an engine for read-only transactions; `here` selects those of this node."""

    def __init__(self, reader: Engine, here: ColumnElement[bool]) -> None:
        self._reader = reader
        self._here = here
        # Built once: the queue agent runs this before each batch of other work.
        self._decided = select(incidents.c.id).where(incidents.c.state.in_(sorted(DECIDED)), here)

    def incident(self, incident_id: str) -> Incident | None:
        """Return one incident, or None."""
        with self._reader.connect() as connection:
            row = connection.execute(_BY_ID, {"incident": incident_id}).one_or_none()
        return None if row is None else incident_of(row)

    def find(self, name: str) -> list[Incident]:
        """Return the incidents with a name that a person gives: an incident id in any case, or a queue id."""
        wanted = (incidents.c.id == name.upper()) | (incidents.c.queue_id == name)
        with self._reader.connect() as connection:
            rows = connection.execute(select(incidents).where(wanted).order_by(incidents.c.created_at)).all()
        return [incident_of(row) for row in rows]

    def of_message(self, queue_id: str) -> list[Incident]:
        """Return this node's incidents with a queue id, oldest first: other nodes may use the same id."""
        query = select(incidents).where(incidents.c.queue_id == queue_id, self._here).order_by(incidents.c.created_at)
        with self._reader.connect() as connection:
            return [incident_of(row) for row in connection.execute(query)]

    def of_digest(self, digest: str, since: datetime) -> list[Incident]:
        """Return this node's incidents of copies of one message that were recorded since a moment, oldest first."""
        query = select(incidents).where(incidents.c.message_digest == digest, self._here)
        query = query.where(incidents.c.created_at >= since).order_by(incidents.c.created_at)
        with self._reader.connect() as connection:
            return [incident_of(row) for row in connection.execute(query)]

    def is_here(self, incident: Incident) -> bool:
        """Return whether an incident's message is in this node's hold queue."""
        query = select(incidents.c.id).where(incidents.c.id == incident.id, self._here)
        with self._reader.connect() as connection:
            return connection.execute(query).first() is not None

    def incidents(
        self, states: Collection[State] | None = None, limit: int | None = None, offset: int = 0
    ) -> list[Incident]:
        """Return incidents in `states` (None: all), oldest first; with `limit`, the newest ones after `offset`."""
        query = select(incidents)
        if states is not None:
            query = query.where(incidents.c.state.in_(sorted(states)))
        query = query.order_by(incidents.c.created_at.desc(), incidents.c.id).limit(limit).offset(offset)
        with self._reader.connect() as connection:
            rows = connection.execute(query).all()
        return [incident_of(row) for row in reversed(rows)]

    def closed_since(self, state: State, moment: datetime) -> list[Incident]:
        """Return this node's incidents that were closed in a state since a moment."""
        query = select(incidents).where(incidents.c.state == state, incidents.c.closed_at > moment, self._here)
        with self._reader.connect() as connection:
            return [incident_of(row) for row in connection.execute(query)]

    def open_incidents(self) -> list[Standing]:
        """Return every open incident of this node, oldest first."""
        return self.standings(OPEN)

    def standings(self, states: Collection[State]) -> list[Standing]:
        """Return this node's incidents in some states, oldest first: fast for many thousands."""
        query = _STANDINGS.where(incidents.c.state.in_(sorted(states)), self._here)
        with self._reader.connect() as connection:
            return _standings(connection, query.order_by(incidents.c.created_at))

    def open_among(self, names: Collection[str]) -> list[Standing]:
        """Return those of some incidents, by id, that are open and of this node, in any order."""
        wanted, found = sorted(names), list[Standing]()
        with self._reader.connect() as connection:
            for place in range(0, len(wanted), _AT_ONCE):
                some = incidents.c.id.in_(wanted[place : place + _AT_ONCE])
                query = _STANDINGS.where(some, incidents.c.state.in_(sorted(OPEN)), self._here)
                found += _standings(connection, query)
        return found

    def decided(self) -> set[str]:
        """Return the ids of this node's incidents whose decision has yet to be carried out."""
        with self._reader.connect() as connection:
            return set(connection.execute(self._decided).scalars())

    def is_used_up(self, quota: "Quota") -> bool:
        """Return whether a person has decided as often as they may."""
        with self._reader.connect() as connection:
            return quota.is_used_up(connection)

    def count(self) -> dict[State, int]:
        """Return the number of incidents in each state."""
        query = select(incidents.c.state, func.count()).group_by(incidents.c.state)
        with self._reader.connect() as connection:
            return {State(state): number for state, number in connection.execute(query)}


def _standings(connection: Connection, query: Select[Any]) -> list[Standing]:
    return [
        Standing(
            *(row.id, row.queue_id, row.arrival_time, State(row.state), row.created_at),
            is_changed=bool(row.is_changed),
            is_split=bool(row.is_split),
        )
        for row in connection.execute(query)
    ]
