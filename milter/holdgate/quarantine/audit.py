"""The audit trail: events in hash chains, so that later changes, additions and removals are detected.

Each writer has a chain, which names the heads of the others (chains.py). Each event's hash covers the previous hash in
its chain, the event itself, and the rows of its incident after the event (binding.py). The note and the rows can have
content, so it covers only a salted digest of them: retention empties notes and salts, and the chain still verifies. The
heads are in a table too, so that missing events at the end are detected. A rewrite of the complete database is detected
by a head that was kept elsewhere (anchor.py).
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, select, update

from holdgate.quarantine import recording
from holdgate.quarantine.anchor import Anchor, Kept
from holdgate.quarantine.batch import batch, insertion
from holdgate.quarantine.chains import End, add, add_in, writer_of, written
from holdgate.quarantine.incident import Actor
from holdgate.quarantine.links import GENESIS, link, note_digest, rows_digest
from holdgate.quarantine.schema import chains, events, incidents, storable
from holdgate.quarantine.verification import Finding, in_order, verify

__all__ = ["GENESIS", "AuditTrail", "Finding", "append", "erase_notes", "link", "note_digest", "rows_digest"]

New = tuple[datetime, str, str]
"""A new event: when, what, and its note."""


def append(connection: Connection, incident_id: str, actor: Actor, new: Sequence[New], *, content: str) -> None:
    """Add events at the end of the writer's chain, inside the transaction of `connection`.

    This must be the transaction's last operation on the incident, whose rows it has locked. `content` are these rows in
    their final state, from binding.py.
    """
    end = writer_of(connection.get_execution_options()).end(connection, len(new))
    add(connection, end, _linked(end, incident_id, actor, new, content))


def record(engine: Engine, incident: Mapping[str, Any], actor: Actor, new: Sequence[New], *, content: str) -> None:
    """Write a new incident with its events into PostgreSQL, in one round trip or two. Raises DatabaseError."""
    with batch(engine) as one:
        writer = writer_of(engine.get_execution_options())
        heads = recording.known_heads(one)
        if heads is not None and len(new) == 1:
            named = writer.more_to_name(heads)
            event = _values(incident["id"], actor, new[0], content) | {"chain": writer.name, "seen": written(named)}
            if added := recording.record(one, incident, event):
                writer.has_named(*added, named)
                return
        end = writer.end_in(one, len(new), insertion(incidents, incident))
        add_in(one, _linked(end, incident["id"], actor, new, content))
        recording.remember(one, end)


def _linked(end: End, incident_id: str, actor: Actor, new: Sequence[New], content: str) -> list[dict[str, Any]]:
    """Return events, each with the hash that links it to the one before."""
    head, rows = end.hash, list[dict[str, Any]]()
    for number, one in zip(end.numbers, new, strict=True):
        values = _values(incident_id, actor, one, content)
        values |= {"number": number, "chain": end.chain, "seen": "" if rows else end.seen}
        head = link(head, one[0], values)
        rows.append({**values, "hash": head})
    return rows


def _values(incident_id: str, actor: Actor, new: New, content: str) -> dict[str, Any]:
    """Return an event without its place in a chain."""
    at, event, given = new
    salt = secrets.token_hex(16)
    note = storable(given)
    return {
        "incident_id": incident_id,
        "event": event,
        "who": storable(actor.who)[:320],
        "how": actor.how,
        "origin": actor.origin[:64],
        "note_digest": note_digest(salt, note),
        "rows_digest": rows_digest(salt, content),
        "at": at,
        "note": note,
        "salt": salt,
    }


def erase_notes(connection: Connection, incident_id: str) -> None:
    """Empty the notes of an incident, inside the transaction of `connection`; the chain does not cover them."""
    connection.execute(update(events).where(events.c.incident_id == incident_id).values(note="", salt=""))


class AuditTrail:
    """Reads the trail. `reader` is an engine for read-only transactions."""

    def __init__(self, reader: Engine) -> None:
        self._reader = reader

    def heads(self) -> dict[str, str]:
        """Return the hash of each chain's newest event, by the chain's name, from the table of chains."""
        with self._reader.connect() as connection:
            return {row.name: row.hash for row in connection.execute(select(chains.c.name, chains.c.hash))}

    def newest(self) -> dict[str, Kept]:
        """Return the newest event of each chain that has one, by the chain's name."""
        same = (events.c.number == chains.c.number) & (events.c.hash == chains.c.hash)
        query = select(events.c.number, chains.c["count"], events.c.hash, chains.c.name).join(chains, same)
        with self._reader.connect() as connection:
            return {row.name: Kept(*row) for row in connection.execute(query.order_by(chains.c.name))}

    def missing(self, known: Iterable[Kept]) -> list[Kept]:
        """Return which events that were once the newest are missing. This is fast; `verify` detects more."""
        wanted = {one.number: one for one in known}
        query = select(events.c.number, events.c.hash).where(events.c.number.in_(sorted(wanted)))
        with self._reader.connect() as connection:
            found = {row.number: row.hash for row in connection.execute(query)}
        return [one for number, one in wanted.items() if found.get(number) != one.hash]

    def verify(self, head: str = "", anchors: Iterable[Anchor] = ()) -> Finding:
        """Recompute everything: tables and triggers, the chains, the rows of each incident.

        The chains must contain `head`, a hash that was kept elsewhere, and all of `anchors`.
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
