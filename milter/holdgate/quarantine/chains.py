"""The chains of the audit trail: one for each writer, so that writers do not wait for each other.

A writer is a daemon of a node, such as "mx1.corp.example/milter". An event is linked to the one before it in its own
chain. It also names the newest events of other chains that its writer saw, by number and the beginning of their hash.
So a person who removes or rewrites events of one chain must rewrite the others too. The first chain, "", is that of
SQLite's file, which has one writer at a time; of commands; and of all events of schema 0016 and earlier.

Numbers come from one sequence. An event gets its number after the rows of its incident are locked and the heads that it
names were read. So numbers increase within a chain, along the history of an incident, and from the named events to the
one that names them.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, TextClause, bindparam, func, insert, select, text, update

from holdgate.quarantine.batch import Batch, Statement, insertion
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.links import GENESIS
from holdgate.quarantine.schema import UtcDateTime, chains, events
from holdgate.quarantine.versions import is_enough

FIRST = ""
"""The name of the first chain."""

NAMED_DIGITS = 32
"""How many hexadecimal digits of its hash name an event of another chain: 128 bits."""

# Maximum number of other heads that an event names.
_MOST_NAMED = 4

NamedHead = tuple[str, int, str]
"""The head of another chain: its name, its number, and the beginning of its hash."""

# One statement, to save round trips. It reads the other heads when it begins. Then it waits for the row of its own
# chain, and sees the state that another transaction left; a number is drawn for each resulting row.
_END = (
    "WITH chain AS MATERIALIZED (SELECT number, hash FROM chains WHERE name = $1 FOR UPDATE) "
    "SELECT chain.number, chain.hash, nextval('events_number_seq'), (SELECT CAST(json_agg(json_build_array("
    f"name, number, left(hash, {NAMED_DIGITS}))) AS TEXT) FROM chains WHERE name <> $1), "
    "(SELECT oldest FROM compatibility) FROM chain"
)
# For several events. PostgreSQL cannot know how many, and would make a new plan each time.
_ENDS = f"{_END} CROSS JOIN generate_series(1, $2)"

_COLUMNS = [column.name for column in events.columns]
_ADD = text(
    f"WITH new AS (INSERT INTO events ({', '.join(_COLUMNS)}) VALUES (:{', :'.join(_COLUMNS)})) "
    "UPDATE chains SET number = :number, hash = :hash, count = count + 1 WHERE name = :chain"
).bindparams(bindparam("at", type_=UtcDateTime))
_NEW = f"INSERT INTO chains VALUES ($1, 0, '{GENESIS}', 0) ON CONFLICT DO NOTHING"
_MOVE = "UPDATE chains SET number = $2, hash = $3, count = count + $4 WHERE name = $1"


_END_OF_FILE = select(chains.c.hash, select(func.coalesce(func.max(events.c.number), 0)).scalar_subquery()).where(
    chains.c.name == FIRST
)
_INSERT = insert(events)
_MOVE_END = (
    update(chains)
    .where(chains.c.name == bindparam("of_chain"))
    .values(number=bindparam("to_number"), hash=bindparam("to_hash"), count=chains.c["count"] + bindparam("added"))
)


@dataclass(frozen=True, slots=True)
class End:
    """The locked end of a chain: the newest hash, the numbers of the next events, the heads that they name.

    `heads` are all those of other chains.
    """

    chain: str
    hash: str
    numbers: list[int]
    seen: str
    heads: tuple[NamedHead, ...] = ()


class Writer:
    """Adds to one chain. Thread-safe.

    It remembers when it last named each head: those that were not named for the longest time come first.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._named: dict[str, int] = {}
        self._pending: tuple[int, dict[str, int]] | None = None

    def end(self, connection: Connection, count: int) -> End:
        """Lock the chain until the end of the transaction of `connection`, for `count` more events."""
        if connection.dialect.name == "sqlite":
            # The transaction has exclusive access to the database.
            head, number = connection.execute(_END_OF_FILE).one()
            return End(FIRST, head, list(range(number + 1, number + 1 + count)), "")
        wanted = {"name": self.name} | ({"count": count} if count > 1 else {})
        query = _named(_END if count == 1 else _ENDS)
        rows = connection.execute(query, wanted).all()
        if not rows:
            connection.execute(_named(_NEW), {"name": self.name})
            rows = connection.execute(query, wanted).all()
        return self._end(rows)

    def end_in(self, batch: Batch, count: int, *before: Statement) -> End:
        """Do the same in a batch, after the statements `before`."""
        end: Statement = (_END, (self.name,)) if count == 1 else (_ENDS, (self.name, count))
        return self._end(batch.run(*before, end) or batch.run((_NEW, (self.name,)), end))

    def _end(self, rows: Sequence[Any]) -> End:
        number, head, _, others, oldest = rows[0]
        if not is_enough(oldest):
            raise DatabaseError("the store was migrated by a newer version of Holdgate: install it on this machine")
        numbers = [row[2] for row in rows]
        heads: list[NamedHead] = json.loads(others or "[]")
        seen = written(self._heads_to_name(number, heads, numbers[-1]))
        return End(self.name, head, numbers, seen, tuple(heads))

    def _heads_to_name(self, newest: int, heads: Sequence[NamedHead], last: int) -> list[NamedHead]:
        """Return the heads to name, in an event whose number will be `last`.

        The last named heads count only if their event is still the newest of the chain: it may have been rolled back.
        """
        with self._lock:
            self._settle(newest)
            seen = self._not_named(heads, self._named)
            self._pending = last, {name: number for name, number, _ in seen}
            return seen

    def more_to_name(self, heads: Sequence[NamedHead]) -> list[NamedHead]:
        """Return the heads to name in a further event, of heads that were read before; then call `has_named`."""
        with self._lock:
            pending = self._pending[1] if self._pending else {}
            return self._not_named(heads, {**self._named, **pending})

    def has_named(self, newest: int, last: int, named: Sequence[NamedHead]) -> None:
        """Remember that the event `last` names these heads; `newest` is the one before it in the chain."""
        with self._lock:
            self._settle(newest)
            self._pending = last, {name: number for name, number, _ in named}

    def _settle(self, newest: int) -> None:
        if self._pending is not None:
            number, named = self._pending
            self._named = {**self._named, **named} if number == newest else {}

    @staticmethod
    def _not_named(heads: Sequence[NamedHead], named: Mapping[str, int]) -> list[NamedHead]:
        changed = [one for one in heads if one[1] and named.get(one[0]) != one[1]]
        return sorted(changed, key=lambda one: (named.get(one[0], 0), one[0]))[:_MOST_NAMED]


def add(connection: Connection, end: End, rows: list[dict[str, Any]]) -> None:
    """Write events, and the last of them as the new end of their chain."""
    if connection.dialect.name != "sqlite" and len(rows) == 1:
        connection.execute(_ADD, rows[0])  # one round trip
        return
    connection.execute(_INSERT, rows)
    last = {"of_chain": end.chain, "to_number": rows[-1]["number"], "to_hash": rows[-1]["hash"], "added": len(rows)}
    connection.execute(_MOVE_END, last)


def add_in(batch: Batch, rows: list[dict[str, Any]]) -> None:
    """Do the same in a batch, and commit it."""
    last = rows[-1]
    move: Statement = _MOVE, (last["chain"], last["number"], last["hash"], len(rows))
    batch.commit(*(insertion(events, row) for row in rows), move)


@cache
def _named(sql: str) -> TextClause:
    return text(sql.replace("$1", ":name").replace("$2", ":count"))


def written(named: Sequence[NamedHead]) -> str:
    """Return heads in the form in which an event names them."""
    return json.dumps(named) if named else ""


def named_heads(written: str) -> list[NamedHead]:
    """Return the heads that an event names: chain, number, beginning of the hash. Raises ValueError."""
    return [(str(name), int(number), str(digits)) for name, number, digits in json.loads(written)] if written else []


def writing_as(engine: Engine, name: str) -> Engine:
    """Return `engine` with transactions that add to the chain `name`."""
    return engine.execution_options(writer=Writer(name))


def writer_of(options: Mapping[str, Any]) -> Writer:
    """Return the writer of an engine or a connection with these options; without a name it adds to the first chain."""
    found = options.get("writer")
    return found if isinstance(found, Writer) else Writer(FIRST)
