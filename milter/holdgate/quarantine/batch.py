"""Writes a transaction to PostgreSQL in few round trips: each sends several statements at once.

They are sent as text, with their values, in the simple query protocol
(https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT), which works behind a pooler
in transaction mode too. On a direct connection they are prepared first, so that PostgreSQL plans them once.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import JSON, Connection, Engine, Table
from sqlalchemy.types import TypeDecorator

from holdgate.quarantine import database
from holdgate.quarantine.database import raises_database_error

Statement = tuple[str, Sequence[Any]]
"""SQL with places `$1`, `$2`, …, and their values for the driver."""

_PLACE = re.compile(r"\$(\d+)")
_PREPARED = "holdgate_prepared"
# SQLSTATEs for a prepared statement that the server does not have, or has already.
_IS_POOLED = ("26000", "42P05")


class Batch:
    """Transactions over one connection. Each begins with its first statements, and ends with `commit`."""

    def __init__(self, connection: Connection) -> None:
        from psycopg.adapt import Transformer

        self._driver: Any = connection.connection.driver_connection
        self._literal = Transformer(self._driver).as_literal
        if _PREPARED not in connection.info:
            connection.info[_PREPARED] = {} if _is_direct(self._driver) else None
        self.info = connection.info
        self._begin = [database.BEGIN_WRITING]

    @property
    def is_direct(self) -> bool:
        """Return whether the connection is always with the same process of the server: it is not, behind a pooler."""
        return self.info[_PREPARED] is not None

    def run(self, *statements: Statement) -> list[Any]:
        """Run statements, and return the rows of the last one."""
        return _rows(self._send(statements))

    def commit(self, *statements: Statement) -> list[Any]:
        """Run the last statements, and commit; return the rows of the last one that has any."""
        with self._driver.confirming():
            result = self._send(statements, "COMMIT")
        self._begin = [database.BEGIN_WRITING]
        return _rows(result)

    def _send(self, statements: Sequence[Statement], *end: str) -> Any:
        try:
            texts = [self._text(statement) for statement in statements]
            return self._execute(*texts, *end)
        except self._driver.Error as error:
            if error.sqlstate in _IS_POOLED:  # by a pooler that is not recognised
                self.info[_PREPARED] = None
            raise

    def _execute(self, *texts: str) -> Any:
        begin, self._begin = self._begin, []
        return self._driver.execute("; ".join([*begin, *texts]).encode())

    def _text(self, statement: Statement) -> str:
        """Return a statement with its values."""
        sql, values = statement
        literals = [self._literal(value).decode() for value in values]
        prepared: dict[str, str] | None = self.info[_PREPARED]
        if prepared is None:
            return _PLACE.sub(lambda place: literals[int(place[1]) - 1], sql)
        if sql not in prepared:
            # Apart from the others: if one of them fails, this one is there. In the transaction, which has the limits
            # for locks: PREPARE waits for a locked table, too.
            name = f"holdgate_{len(prepared)}"
            self._execute(f"PREPARE {name} AS {sql}")
            prepared[sql] = name
        return f"EXECUTE {prepared[sql]} ({', '.join(literals)})"


@contextmanager
def batch(engine: Engine) -> Iterator[Batch]:
    """Give a transaction of PostgreSQL; without its `commit`, it is rolled back. Raises DatabaseError."""
    with engine.connect() as connection, raises_database_error(engine):
        yield Batch(connection)


def insertion(table: Table, values: Mapping[str, Any]) -> Statement:
    """Return the statement that adds a row; `values` has each column."""
    return _insertion(table), converted(table, values)


def converted(table: Table, values: Mapping[str, Any], without: tuple[str, ...] = ()) -> list[Any]:
    """Return the values of a row for the driver, in the order of the table's columns, those `without` left out."""
    return [values[name] if convert is None else convert(values[name]) for name, convert in _converters(table, without)]


@cache
def _insertion(table: Table) -> str:
    names = [column.name for column in table.columns]
    places = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places})"


@cache
def _converters(table: Table, without: tuple[str, ...]) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """Return how the value of each column is converted for the driver."""
    return [(column.name, _converter(column.type)) for column in table.columns if column.name not in without]


def _converter(kind: Any) -> Callable[[Any], Any] | None:
    if isinstance(kind, TypeDecorator):
        return lambda value: kind.process_bind_param(value, None)  # type: ignore[arg-type]
    if isinstance(kind, JSON):
        return lambda value: None if value is None and kind.none_as_null else json.dumps(value)
    return None


def _rows(result: Any) -> list[Any]:
    """Return the rows of the last statement that has any."""
    rows: list[Any] = []
    while True:
        if result.description is not None:
            rows = result.fetchall()
        if not result.nextset():
            return rows


def _is_direct(driver: Any) -> bool:
    """Return whether the server's process is the one that the connection names: a pooler names others."""
    (number,) = driver.execute("SELECT pg_backend_pid()").fetchone()
    return bool(number == driver.info.backend_pid)
