"""Which incidents were changed since a moment: each change of one adds an event to a chain of the audit trail.

A writer locks its chain until it commits (chains.py). So within a chain, events are committed in the order of their
numbers, and those after the newest one that was seen are all that happened since: no transaction can commit an earlier
one later, as it could in a table with one sequence for all writers.
"""

from typing import NamedTuple

from sqlalchemy import Connection, Engine, select

from holdgate.quarantine.links import GENESIS
from holdgate.quarantine.schema import chains, events

# With more changed incidents than this, reading all open ones is the quicker way.
_MOST = 10_000


class Head(NamedTuple):
    """The newest event of a chain."""

    number: int
    hash: str


Heads = dict[str, Head]
"""The newest event of each chain, by the chain's name."""


class Changes:
    """Reads them. `reader` is an engine whose transactions only read."""

    def __init__(self, reader: Engine) -> None:
        self._reader = reader

    def heads(self) -> Heads:
        """Return the heads as they are now."""
        with self._reader.connect() as connection:
            return _heads(connection)

    def since(self, before: Heads) -> tuple[Heads, set[str] | None]:
        """Return the heads as they are now, and the ids of the incidents that were changed since they were `before`.

        The ids are None where everything is to be read again: too many were changed, or events that were seen are gone,
        as after a failover to a standby that lacked the last commits.
        """
        with self._reader.connect() as connection:
            now = _heads(connection)
            if before.keys() - now.keys():
                return now, None
            changed: set[str] = set()
            for name, head in now.items():
                last = before.get(name, Head(0, GENESIS))
                if head == last:
                    continue
                if last.number and not _has(connection, name, last):
                    return now, None
                query = select(events.c.incident_id).where(events.c.chain == name, events.c.number > last.number)
                found = connection.execute(query.order_by(events.c.number).limit(_MOST + 1)).scalars().all()
                changed.update(found)
                if len(found) > _MOST or len(changed) > _MOST:
                    return now, None
            return now, changed


def _heads(connection: Connection) -> Heads:
    rows = connection.execute(select(chains.c.name, chains.c.number, chains.c.hash))
    return {row.name: Head(row.number, row.hash) for row in rows}


def _has(connection: Connection, chain: str, head: Head) -> bool:
    same = (events.c.number == head.number) & (events.c.chain == chain) & (events.c.hash == head.hash)
    return connection.execute(select(events.c.number).where(same)).first() is not None
