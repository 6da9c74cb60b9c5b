"""An attacker who writes into the store's database directly, and knows how the audit trail is made."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, make_url, select, text, update

from holdgate.quarantine import binding, structure
from holdgate.quarantine.chains import NAMED_DIGITS, named_heads
from holdgate.quarantine.links import GENESIS, link, rows_digest
from holdgate.quarantine.schema import chains, events


@contextmanager
def visiting(url: str) -> Iterator[Engine]:
    """Connect to the database directly, past the store."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg") if "postgresql" in url else url)
    yield engine
    engine.dispose()


class Tamperer:
    """An attacker who drops the triggers, changes the tables, and creates the triggers again."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        sqlite = engine.dialect.name == "sqlite"
        self._triggers = structure.SQLITE if sqlite else structure.POSTGRESQL
        self._where = "" if sqlite else " ON events"

    def unbind(self, connection: Connection) -> None:
        """Disable the database's checks of references."""
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            self.unbind(connection)
            for name in self._triggers:
                connection.execute(text(f"DROP TRIGGER {name}{self._where}"))
            yield connection
            for definition in self._triggers.values():
                connection.execute(text(definition))


def relink(connection: Connection, *, rebind: bool, only: str | None = None) -> None:
    """Compute the chains again, or only one, which the others still name in its former state.

    With `rebind`, also compute the digest of each incident's rows in its newest event.
    """
    heads: dict[str, tuple[str, int, int]] = {"": (GENESIS, 0, 0)}
    hashes: dict[int, str] = {}
    rows = connection.execute(select(events).order_by(events.c.number)).all()
    newest = {row.incident_id: row.number for row in rows}
    for row in rows:
        values = dict(row._mapping)
        if rebind and newest[row.incident_id] == row.number:
            values["rows_digest"] = rows_digest(row.salt, binding.content(connection, row.incident_id))
        if row.seen and only is None:
            seen = named_heads(row.seen)
            values["seen"] = json.dumps([[name, number, hashes[number][:NAMED_DIGITS]] for name, number, _ in seen])
        previous, count, _ = heads.get(row.chain, (GENESIS, 0, 0))
        if only in (None, row.chain):
            previous = link(previous, row.at, values)
            new = {"hash": previous, "rows_digest": values["rows_digest"], "seen": values["seen"]}
            connection.execute(update(events).where(events.c.number == row.number).values(**new))
        else:
            previous = row.hash
        hashes[row.number] = previous
        heads[row.chain] = previous, count + 1, row.number
    connection.execute(chains.delete())
    for name, (head, count, number) in heads.items():
        connection.execute(chains.insert().values({"name": name, "number": number, "hash": head, "count": count}))
