"""Records a new incident with its event in PostgreSQL in one round trip, while a daemon records many.

An event names the newest events of other chains (chains.py), and must read them first. For a second, the next incidents
skip that round trip: their events name the rest of these heads, and the server computes the hash, because it
depends on the head of the chain and on the next number. What another connection has read is not used: after a
failover, the new primary may lack it.
"""

import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from holdgate.quarantine import versions
from holdgate.quarantine.batch import Batch, converted
from holdgate.quarantine.chains import End, NamedHead
from holdgate.quarantine.links import hashed_around
from holdgate.quarantine.schema import events, incidents

# For how many seconds the heads of other chains are not read again.
_FRESH = 1.0

_HEADS = "holdgate_heads"

# What the server computes of an event.
_COMPUTED = ("number", "hash")


def known_heads(batch: Batch) -> Sequence[NamedHead] | None:
    """Return the heads of other chains that this connection has read within the last second, or None."""
    until, heads = batch.info.get(_HEADS, (0.0, None))
    return heads if batch.is_direct and time.monotonic() < until else None


def remember(batch: Batch, end: End) -> None:
    """Remember the heads that were read with the end of a named chain."""
    if batch.is_direct and end.chain:
        batch.info[_HEADS] = time.monotonic() + _FRESH, end.heads


def record(batch: Batch, incident: Mapping[str, Any], event: Mapping[str, Any]) -> tuple[int, int] | None:
    """Write both and commit; return the number of the event before it in its chain, and its own number.

    `event` has all columns except number and hash. Returns None, and writes nothing, if the chain does not exist yet,
    or if only newer versions may write. Raises DatabaseError.
    """
    around = hashed_around(event["at"], event)
    values = [*converted(incidents, incident), *converted(events, event, _COMPUTED)]
    rows = batch.commit((_statement(), [event["chain"], versions.head(), *around, *values]))
    return (rows[0][0], rows[0][1]) if rows else None


@cache
def _statement() -> str:
    """Return the SQL: a number is drawn after the row of the chain is locked.

    Its places are the chain, this version's schema, the text around the two values that are hashed with it, and the
    columns of both rows.
    """
    recorded = [column.name for column in incidents.columns]
    added = [column.name for column in events.columns if column.name not in _COMPUTED]
    places = [f"${number}" for number in range(6, 6 + len(recorded) + len(added))]
    return (
        "WITH chain AS MATERIALIZED (SELECT number, hash FROM chains WHERE name = $1 FOR UPDATE), "
        "next AS MATERIALIZED (SELECT number AS newest, hash AS head, nextval('events_number_seq') AS number "
        "FROM chain WHERE (SELECT oldest FROM compatibility) <= $2), "
        "event AS MATERIALIZED (SELECT newest, number, "
        "encode(sha256(convert_to(CAST($3 AS text) || head || CAST($4 AS text) || number || CAST($5 AS text), "
        "'UTF8')), 'hex') AS hash FROM next), "
        f"recorded AS (INSERT INTO incidents ({', '.join(recorded)}) SELECT {', '.join(places[: len(recorded)])} "
        "FROM event), "
        f"added AS (INSERT INTO events ({', '.join((*_COMPUTED, *added))}) SELECT number, hash, "
        f"{', '.join(places[len(recorded) :])} FROM event), "
        "moved AS (UPDATE chains SET number = event.number, hash = event.hash, count = count + 1 FROM event "
        "WHERE name = $1) "
        "SELECT newest, number FROM event"
    )
