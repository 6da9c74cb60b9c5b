"""The audit trail: events in a hash chain, so that what is changed, added or taken out later shows.

Each event's hash covers the hash before it, the event itself, and the rows of its incident as the event left them
(binding.py). Of the note and the rows, which may hold content, it covers only a salted digest: retention empties notes
and salts, and the chain still verifies. The chain's head is kept in a table of its own, so that lines missing at the
end show too; whoever can rewrite the whole database is caught by a head that was kept elsewhere (anchor.py).
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from holdgate.quarantine.anchor import Anchor
from holdgate.quarantine.incident import Actor
from holdgate.quarantine.links import GENESIS, link, note_digest, rows_digest
from holdgate.quarantine.schema import chain, events, storable
from holdgate.quarantine.verification import Finding, in_order, verify

__all__ = ["GENESIS", "AuditTrail", "Finding", "Newest", "append", "erase_notes", "link", "note_digest", "rows_digest"]


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest event: its number, how many there are with it, and its hash."""

    number: int
    count: int
    hash: str


def append(
    connection: Connection, incident_id: str, at: datetime, event: str, actor: Actor, note: str, *, content: str
) -> None:
    """Add an event at the end of the chain, inside the transaction of `connection`, beside which nobody writes.

    It is the last thing that the transaction does to the incident: `content` are its rows then, from binding.py.
    """
    last = select(func.coalesce(func.max(events.c.number), 0)).scalar_subquery()
    previous, number = connection.execute(select(chain.c.hash, last)).one()
    salt = secrets.token_hex(16)
    note = storable(note)
    values = {
        "number": number + 1,
        "incident_id": incident_id,
        "event": event,
        "who": storable(actor.who)[:320],
        "how": actor.how,
        "origin": actor.origin[:64],
        "note_digest": note_digest(salt, note),
        "rows_digest": rows_digest(salt, content),
    }
    head = link(previous, at, values)
    connection.execute(insert(events).values(**values, at=at, note=note, salt=salt, hash=head))
    connection.execute(update(chain).values({"hash": head, "count": chain.c["count"] + 1}))


def erase_notes(connection: Connection, incident_id: str) -> None:
    """Empty the notes of an incident, inside the transaction of `connection`; the chain does not cover them."""
    connection.execute(update(events).where(events.c.incident_id == incident_id).values(note="", salt=""))


class AuditTrail:
    """Reads the trail. `reader` is an engine whose transactions only read."""

    def __init__(self, reader: Engine) -> None:
        self._reader = reader

    def head(self) -> tuple[str, int]:
        """Return the newest event's hash and the number of events, as the chain's own row says."""
        with self._reader.connect() as connection:
            head, count = connection.execute(select(chain.c.hash, chain.c["count"])).one()
        return head, count

    def newest(self) -> Newest | None:
        """Return the newest event, None where there is none yet."""
        query = select(events.c.number, chain.c["count"], events.c.hash).join(chain, events.c.hash == chain.c.hash)
        with self._reader.connect() as connection:
            row = connection.execute(query.order_by(events.c.number.desc()).limit(1)).first()
        return None if row is None else Newest(*row)

    def has(self, known: Newest) -> bool:
        """Say whether an event that was the newest once is still there, which is quick to see. `verify` sees more."""
        query = select(events.c.hash).where(events.c.number == known.number)
        with self._reader.connect() as connection:
            return connection.execute(query).scalar() == known.hash

    def verify(self, head: str = "", anchors: Iterable[Anchor] = ()) -> Finding:
        """Compute everything again: tables and triggers, the chain, the rows of each incident.

        The chain has to contain `head`, a hash that was kept elsewhere, and all of `anchors`.
        """
        given = [Anchor(head, "the hash given")] if head not in ("", GENESIS) else []
        with self._reader.connect() as connection:
            return verify(connection, [*given, *anchors])

    def export(self) -> Iterator[dict[str, Any]]:
        """Yield every event with its hash, oldest first, as plain values for `json.dumps`."""
        with self._reader.connect() as connection:
            for row in in_order(connection):
                values = {name: value for name, value in row._mapping.items() if name != "erased_in"}
                yield values | {"at": row.at.isoformat(timespec="microseconds")}
