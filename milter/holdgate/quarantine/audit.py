"""The audit trail: events in a chain of hashes, so that a line that is changed, added or taken out later shows.

Each event's hash covers the hash before it and the event itself; of the note, which may hold content, only a salted
digest. Retention empties notes and salts, and the chain still verifies. The chain's head is kept in a table of its own
and logged, so that lines missing at the end show too; whoever can rewrite the whole database is caught only by a head
that was kept elsewhere (`holdgate audit export`, the log).
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select, update

from holdgate.quarantine.incident import Actor
from holdgate.quarantine.schema import chain, events, incidents, storable

GENESIS = "0" * 64
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a verification: how many events there are, the newest one's hash, and what is wrong (or "")."""

    count: int
    head: str
    problem: str = ""


def note_digest(salt: str, note: str) -> str:
    """Return the digest that stands for a note in the chain."""
    return hashlib.sha256(f"{salt}\0{note}".encode(errors="surrogatepass")).hexdigest()


def link(previous: str, at: datetime, values: dict[str, Any]) -> str:
    """Return the hash of an event that follows the one with the hash `previous`; `at` is an aware time."""
    names = ("incident_id", "event", "who", "how", "origin", "note_digest")
    content = json.dumps([previous, at.isoformat(timespec="microseconds"), *(values[name] for name in names)])
    return hashlib.sha256(content.encode()).hexdigest()


def append(connection: Connection, incident_id: str, at: datetime, event: str, actor: Actor, note: str) -> None:
    """Add an event at the end of the chain, inside the transaction of `connection`, beside which nobody writes."""
    previous = connection.execute(select(chain.c.hash)).scalar_one()
    salt = secrets.token_hex(16)
    note = storable(note)
    values = {
        "incident_id": incident_id,
        "event": event,
        "who": storable(actor.who)[:320],
        "how": actor.how,
        "origin": actor.origin[:64],
        "note_digest": note_digest(salt, note),
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
            row = connection.execute(select(chain.c.hash, chain.c["count"])).one()
        head, count = row
        return head, count

    def verify(self, head: str = "") -> Finding:
        """Compute the whole chain anew, and see that it contains `head`, a hash that was kept elsewhere."""
        previous, count, seen = GENESIS, 0, head in ("", GENESIS)
        with self._reader.connect() as connection:
            for row in _rows(connection):
                problem = _problem(previous, row)
                if problem:
                    return Finding(count, previous, f"event {row.number} of {row.incident_id}: {problem}")
                previous, count = row.hash, count + 1
                seen = seen or row.hash == head
            last = connection.execute(select(chain.c.hash, chain.c["count"])).one()
        head_now, counted = last
        if (head_now, counted) != (previous, count):
            return Finding(count, previous, f"the chain had {counted} events, {count} are there")
        return Finding(count, previous, "" if seen else "the hash given is not in the chain")

    def export(self) -> Iterator[dict[str, Any]]:
        """Yield every event with its hash, oldest first, as plain values for `json.dumps`."""
        with self._reader.connect() as connection:
            for row in _rows(connection):
                values = {name: value for name, value in row._mapping.items() if name != "erased_at"}
                yield values | {"at": row.at.isoformat(timespec="microseconds")}


def _rows(connection: Connection) -> Iterator[Row[Any]]:
    query = select(events, incidents.c.erased_at).join(incidents).order_by(events.c.number)
    yield from connection.execute(query, execution_options={"yield_per": _BATCH})


def _problem(previous: str, row: Row[Any]) -> str:
    if link(previous, row.at, dict(row._mapping)) != row.hash:
        return "it was changed, or one before it is missing"
    if row.salt == "":
        return "" if row.note == "" and row.erased_at is not None else "its note was taken away"
    return "" if note_digest(row.salt, row.note) == row.note_digest else "its note was changed"
