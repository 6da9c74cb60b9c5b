"""The incidents that changed since a moment: each change adds an event to a chain of the audit trail.

A writer locks its chain until it commits (chains.py). So within a chain, events are committed in the order of their
numbers, and the events after the newest known one are everything that happened since. In a table with one sequence for
all writers, a transaction could commit an earlier number later.
"""

from typing import NamedTuple

from sqlalchemy import Connection, Engine, select

from holdgate.quarantine.links import GENESIS
from holdgate.quarantine.schema import chains, events

# With more changed incidents than this, reading all open ones is faster.
_MOST = 10_000


class Head(NamedTuple):
    """The newest event of a chain."""

    number: int
    hash: str


Heads = dict[str, Head]
"""The newest event of each chain, by the chain's name."""

_HEADS = select(chains.c.name, chains.c.number, chains.c.hash)


class Changes:
    """Reads the changes. `reader` is an engine for read-only transactions."""

    def __init__(self, reader: Engine) -> None:
        self._reader = reader

    def heads(self) -> Heads:
        """Return the current heads."""
        with self._reader.connect() as connection:
            return _heads(connection)

    def since(self, before: Heads) -> tuple[Heads, set[str] | None]:
        """Return the current heads, and the ids of the incidents that changed since the heads were `before`.

        The ids are None if everything must be read again: too many changed, or known events are missing, as after a
        failover to a standby that lacked the last commits.
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
    return {row.name: Head(row.number, row.hash) for row in connection.execute(_HEADS)}


def _has(connection: Connection, chain: str, head: Head) -> bool:
    same = (events.c.number == head.number) & (events.c.chain == chain) & (events.c.hash == head.hash)
    return connection.execute(select(events.c.number).where(same)).first() is not None
