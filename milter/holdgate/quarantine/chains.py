"""The chains of the audit trail: one for each writer, so that writers do not wait for each other.

A writer is a daemon of a node, such as "mx1.corp.example/milter". An event is linked to the one before it in its own
chain. It also names the newest events of other chains that its writer saw, by number and the beginning of their hash,
so that whoever removes or rewrites events of one chain has to rewrite the others too. The first chain, "", is that of
SQLite's file, which has one writer at a time; of commands; and of all events of schema 0016 and before.

Numbers come from one sequence. An event is numbered after the rows of its incident are locked and after the heads that
it names were read: so numbers go up within a chain, along the history of an incident, and from the events that are
named to the one that names them.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_new

from holdgate.quarantine.links import GENESIS
from holdgate.quarantine.schema import UtcDateTime, chains, events

FIRST = ""
"""The name of the first chain."""

SEEN_DIGITS = 32
"""So many hexadecimal digits of a hash name an event of another chain: 128 bits."""

# So many heads of others an event names at most.
_MOST_SEEN = 4

Seen = tuple[str, int, str]
"""The head of another chain: its name, its number, and the beginning of its hash."""

# One statement, to spare round trips. It has read the other heads when it begins; then it waits for the row of its own
# chain, and sees what another transaction left there; and numbers are drawn for each row that comes of this.
_END = text(
    "WITH mine AS MATERIALIZED (SELECT number, hash FROM chains WHERE name = :name FOR UPDATE) "
    "SELECT mine.number, mine.hash, nextval('events_number_seq') AS next, (SELECT CAST(json_agg(json_build_array("
    f"name, number, left(hash, {SEEN_DIGITS}))) AS TEXT) FROM chains WHERE name <> :name) AS others "
    "FROM mine CROSS JOIN generate_series(1, :count)"
)


_COLUMNS = [column.name for column in events.columns]
_ADD = text(
    f"WITH new AS (INSERT INTO events ({', '.join(_COLUMNS)}) VALUES (:{', :'.join(_COLUMNS)})) "
    "UPDATE chains SET number = :number, hash = :hash, count = count + 1 WHERE name = :chain"
).bindparams(bindparam("at", type_=UtcDateTime))


@dataclass(frozen=True, slots=True)
class End:
    """The end of a chain, to which nobody else adds: the newest hash, the numbers of the next events, what they see."""

    chain: str
    hash: str
    numbers: list[int]
    seen: str


class Writer:
    """Adds to one chain. May be used by many threads.

    It remembers which heads it named last, and when: those that have gone on longest without it come first.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._named: dict[str, int] = {}
        self._pending: tuple[int, dict[str, int]] | None = None

    def end(self, connection: Connection, count: int) -> End:
        """Lock the chain until the end of the transaction of `connection`, for `count` more events."""
        if connection.dialect.name == "sqlite":
            # The transaction has the whole database to itself.
            last = select(func.coalesce(func.max(events.c.number), 0)).scalar_subquery()
            head, number = connection.execute(select(chains.c.hash, last).where(chains.c.name == FIRST)).one()
            return End(FIRST, head, list(range(number + 1, number + 1 + count)), "")
        wanted = {"name": self.name, "count": count}
        rows = connection.execute(_END, wanted).all()
        if not rows:
            new = insert_new(chains).values({"name": self.name, "number": 0, "hash": GENESIS, "count": 0})
            connection.execute(new.on_conflict_do_nothing())
            rows = connection.execute(_END, wanted).all()
        numbers = [row.next for row in rows]
        seen = self._see(rows[0].number, json.loads(rows[0].others or "[]"), numbers[-1])
        return End(self.name, rows[0].hash, numbers, json.dumps(seen) if seen else "")

    def _see(self, newest: int, heads: list[Seen], last: int) -> list[Seen]:
        """Return the heads to name, from an event on whose number will be `last`.

        What was named last counts only if that event is still the newest of the chain: it may have been rolled back.
        """
        with self._lock:
            if self._pending is not None:
                number, named = self._pending
                self._named = {**self._named, **named} if number == newest else {}
            changed = [one for one in heads if one[1] and self._named.get(one[0]) != one[1]]
            seen = sorted(changed, key=lambda one: (self._named.get(one[0], 0), one[0]))[:_MOST_SEEN]
            self._pending = last, {name: number for name, number, _ in seen}
            return seen


def add(connection: Connection, end: End, rows: list[dict[str, Any]]) -> None:
    """Write events, and the last of them as the new end of their chain."""
    if connection.dialect.name != "sqlite" and len(rows) == 1:
        connection.execute(_ADD, rows[0])  # one round trip
        return
    connection.execute(insert(events), rows)
    new = {"number": rows[-1]["number"], "hash": rows[-1]["hash"], "count": chains.c["count"] + len(rows)}
    connection.execute(update(chains).where(chains.c.name == end.chain).values(new))


def seen_of(written: str) -> list[Seen]:
    """Return the heads that an event names: chain, number, beginning of the hash. Raises ValueError."""
    return [(str(name), int(number), str(digits)) for name, number, digits in json.loads(written)] if written else []


def writing_as(engine: Engine, name: str) -> Engine:
    """Return `engine` with transactions that add to the chain `name`."""
    return engine.execution_options(writer=Writer(name))


def writer_of(connection: Connection) -> Writer:
    """Return who writes in a transaction: without a name, to the first chain."""
    options: Mapping[str, Any] = connection.get_execution_options()
    found = options.get("writer")
    return found if isinstance(found, Writer) else Writer(FIRST)
