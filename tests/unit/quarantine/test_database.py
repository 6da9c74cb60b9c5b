"""Connections: what each transaction begins with on PostgreSQL and SQLite, and the options of the driver."""

import errno
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DisconnectionError, OperationalError

from holdgate.quarantine import database
from holdgate.quarantine.confirming import ConfirmingConnection
from holdgate.quarantine.database import DatabaseError, StoreError

# All nodes must use the same number, in each version.
LOCK = int.from_bytes(b"holdgate")
URL = "postgresql://holdgate:secret@db.corp.example/store"
LIMITS = "SET LOCAL idle_in_transaction_session_timeout = '60s'; SET LOCAL lock_timeout = '10s'"
READING = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {LIMITS}"
WRITING = f"BEGIN ISOLATION LEVEL READ COMMITTED; {LIMITS}"


class Transaction:
    """A connection of SQLAlchemy's that keeps its statements."""

    def __init__(self, dialect: str = "postgresql", answer: object = None, **options: object) -> None:
        self.engine = SimpleNamespace(dialect=SimpleNamespace(name=dialect))
        self.statements: list[str] = []
        self._options = options
        self._answer = answer

    def get_execution_options(self) -> dict[str, object]:
        return self._options

    def exec_driver_sql(self, statement: str) -> SimpleNamespace:
        self.statements.append(statement)
        return SimpleNamespace(scalar_one=lambda: self._answer)


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = database._engine(URL)
    yield made
    made.dispose()


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ({"reads": True}, READING),
        ({}, WRITING),
        ({"reads": False}, WRITING),
        ({"exclusive": True}, f"{WRITING}; SELECT pg_advisory_xact_lock({LOCK})"),
        ({"unsynced": True}, WRITING),
    ],
)
def test_a_postgresql_transaction_begins_with_its_settings(engine: Engine, options: dict[str, Any], first: str) -> None:
    one = Transaction(**options)
    (begin,) = engine.dispatch.begin
    begin(one)
    assert one.statements == [first]


@pytest.mark.parametrize(
    ("options", "statements"),
    [
        ({"reads": True}, ["BEGIN"]),
        ({"reads": True, "unsynced": True}, ["BEGIN"]),
        ({}, ["PRAGMA synchronous = FULL", "BEGIN IMMEDIATE"]),
        ({"unsynced": True}, ["PRAGMA synchronous = NORMAL", "BEGIN IMMEDIATE"]),
        ({"unsynced": False}, ["PRAGMA synchronous = FULL", "BEGIN IMMEDIATE"]),
    ],
)
def test_an_sqlite_writer_takes_the_lock_at_the_beginning(options: dict[str, Any], statements: list[str]) -> None:
    one = Transaction("sqlite", **options)
    (begin,) = database._engine("sqlite://").dispatch.begin
    begin(one)
    assert one.statements == statements


def test_the_postgresql_driver_gets_the_connection_options(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    connections: list[dict[str, Any]] = []

    def connect(*_: object, **named: Any) -> SimpleNamespace:
        connections.append(named)
        return SimpleNamespace()

    monkeypatch.setattr(ConfirmingConnection, "connect", connect)
    monkeypatch.setattr(engine.dialect.loaded_dbapi, "connect", connect)
    (listener,) = engine.dialect.dispatch.do_connect
    given, named = engine.dialect.create_connect_args(engine.url)
    assert listener(engine.dialect, None, given, {**named, **database._CONNECTION}).commit_timeout == 10
    database.direct(URL)
    expected = {
        "host": "db.corp.example",
        "user": "holdgate",
        "password": "secret",
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "prepare_threshold": None,
        "autocommit": True,
    }
    assert [{name: one.get(name) for name in expected} for one in connections] == [expected, expected]


def test_a_missing_driver_is_named_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> Engine:
        raise ImportError("no module named psycopg")

    monkeypatch.setattr(database, "create_engine", fails)
    with pytest.raises(StoreError, match=r"db\.corp\.example/store: PostgreSQL needs the driver") as caught:
        database._engine(URL)
    assert "secret" not in str(caught.value)


class Wire:
    """A connection of the driver's, at one end of a pair of sockets."""

    def __init__(self, end: socket.socket, error: Exception | None = None) -> None:
        self._end, self._error = end, error
        self.asked = 0

    def fileno(self) -> int:
        return self._end.fileno()

    def execute(self, _statement: str) -> None:
        self.asked += 1
        if self._error is not None:
            raise self._error


@pytest.mark.parametrize("error", [None, psycopg.OperationalError("terminated"), OSError(errno.EPIPE, "gone")])
def test_a_connection_with_pending_input_is_tested_before_use(engine: Engine, error: Exception | None) -> None:
    (look,) = engine.pool.dispatch.checkout
    here, there = socket.socketpair()
    with here, there:
        wire = Wire(here, error)
        look(wire, None, None)
        assert wire.asked == 0
        there.send(b"the server is shutting down")
        if error is None:
            look(wire, None, None)
        else:
            with pytest.raises(DisconnectionError, match=str(error).replace("[", r"\[")):
                look(wire, None, None)
        assert wire.asked == 1


# -- direct reads -----------------------------------------------------------------------------------------------------


class Raw:
    """A pooled connection of the driver's."""

    def __init__(self, error: Exception | None = None) -> None:
        self.done: list[object] = []
        self._error = error

    def cursor(self) -> "Raw":
        return self

    def execute(self, *given: object) -> None:
        self.done.append(given)
        if self._error is not None:
            raise self._error

    def nextset(self) -> None:
        self.done.append("nextset")

    def fetchall(self) -> list[tuple[int]]:
        return [(1,)]

    def invalidate(self) -> None:
        self.done.append("invalidated")

    def close(self) -> None:
        self.done.append("closed")


def engine_of(dialect: str, raw: Raw) -> Engine:
    made = SimpleNamespace(
        dialect=SimpleNamespace(name=dialect, loaded_dbapi=psycopg), raw_connection=lambda: raw, url=None
    )
    return cast(Engine, made)


def test_a_direct_read_of_postgresql_has_its_limit_in_the_same_query() -> None:
    raw = Raw()
    assert database.read_rows(engine_of("postgresql", raw), "SELECT 1") == [(1,)]
    assert raw.done == [("SET LOCAL lock_timeout = '10s'; SELECT 1",), "nextset", "closed"]


def test_a_direct_read_of_sqlite_has_its_values() -> None:
    raw = Raw()
    assert database.read_rows(engine_of("sqlite", raw), "SELECT ?", [1]) == [(1,)]
    assert raw.done == [("SELECT ?", [1]), "closed"]


def test_a_failed_direct_read_invalidates_its_connection() -> None:
    raw = Raw(psycopg.OperationalError("gone"))
    with pytest.raises(DatabaseError, match="gone"):
        database.read_rows(engine_of("sqlite", raw), "SELECT 1")
    assert raw.done == [("SELECT 1", ()), "invalidated", "closed"]


def test_a_failed_connection_is_the_error() -> None:
    def refuses() -> Raw:
        raise psycopg.OperationalError("refused")

    engine = engine_of("sqlite", Raw())
    engine.raw_connection = refuses  # type: ignore[method-assign, assignment]
    with pytest.raises(DatabaseError, match="refused"):
        database.read_rows(engine, "SELECT 1")


@pytest.mark.parametrize("error", [psycopg.DataError("x"), ValueError("x"), TypeError("x")])
def test_errors_of_the_driver_and_of_values_are_the_database_s(error: Exception) -> None:
    with pytest.raises(DatabaseError, match="x"), database.raises_database_error(engine_of("sqlite", Raw())):
        raise error
    with pytest.raises(KeyError), database.raises_database_error(engine_of("sqlite", Raw())):
        raise KeyError


# -- differences between SQLite and PostgreSQL ------------------------------------------------------------------------


def test_only_a_shared_database_provides_the_time_and_locks() -> None:
    east = datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1)))
    shared, alone = Transaction(answer=east), Transaction("sqlite")
    found = database.clock(cast(Connection, shared))
    assert (found, found.tzinfo) == (east, UTC)
    before = datetime.now(UTC)
    assert before <= database.clock(cast(Connection, alone)) <= datetime.now(UTC)
    for one in (shared, alone):
        database.take_turns(cast(Connection, one))
    assert shared.statements == ["SELECT clock_timestamp()", f"SELECT pg_advisory_xact_lock({LOCK + 1})"]
    assert alone.statements == []


def test_only_an_sqlite_file_is_created_and_only_for_its_group(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    database._make_file(f"sqlite:///{path}")
    assert path.stat().st_mode & 0o777 == 0o660
    path.chmod(0o600)
    database._make_file(f"sqlite:///{path}")
    assert path.stat().st_mode & 0o777 == 0o600, "one that is there is left alone"
    database._make_file(f"postgresql:///{tmp_path}/other.db")
    assert [one.name for one in tmp_path.iterdir()] == ["store.db"]


def test_an_error_is_one_line_without_the_statement() -> None:
    error = OperationalError("SELECT secret", {}, Exception("database\n  is  locked"))
    assert "SELECT secret" in str(error)
    error.__cause__ = Exception("database\n  is  locked")
    assert database.driver_message(error) == "database is locked"


@pytest.mark.parametrize(("shared", "is_empty"), [("postgresql", True), ("sqlite", None)])
def test_postgresql_has_no_log_to_sync_or_truncate(shared: str, is_empty: bool | None) -> None:
    if is_empty:
        assert database.empty_log(engine_of(shared, Raw())) is True
        database.sync(engine_of(shared, Raw()))
    assert database.is_shared(engine_of(shared, Raw())) is bool(is_empty)
