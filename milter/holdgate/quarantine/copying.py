"""Copies a store into another database: all rows unchanged, with the audit trail, from SQLite to PostgreSQL or back.

Until the copy is complete and verified, its schema is marked as incomplete, so that no daemon opens it. An interrupted
copy is resumed.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Integer, Table, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from holdgate.quarantine import database
from holdgate.quarantine.audit import AuditTrail
from holdgate.quarantine.database import StoreError
from holdgate.quarantine.schema import chains, claims, compatibility, desks, metadata, nodes

# The revision of an incomplete copy's schema.
_MARK = "copying"
_BATCH = 500
# Data about running processes, and what each database has of its own, is not copied; the ends of the chains are copied
# last.
_LEFT_OUT = {claims.name, compatibility.name, desks.name, chains.name}


@dataclass(frozen=True, slots=True)
class Step:
    """The progress of a copy: the table, and how many of all rows are copied."""

    table: str
    done: int
    total: int


def copy(source_url: str, target_url: str) -> Generator[Step, None, None]:
    """Copy a store into an empty database, and verify the copy; yield after each batch. Raises StoreError.

    No daemon may use either store meanwhile.
    """
    if source_url == target_url:
        raise StoreError("both URLs name the same store")
    source = database.connect(source_url, exact=True)
    try:
        revision = _prepare(target_url, source)
        target = database.open_any(target_url)
        try:
            yield from _copy(source, target)
            _finish(source, target, revision)
        finally:
            target.dispose()
    except SQLAlchemyError as error:
        raise StoreError(
            f"the copy stopped: {database.driver_message(error)}; run the command again to continue"
        ) from error
    finally:
        source.dispose()


def _revision_of(url: str, engine: Engine) -> str | None:
    try:
        return database.revision(engine)
    except SQLAlchemyError as error:
        raise database.unusable(url, error) from error


def _prepare(url: str, source: Engine) -> str:
    """Create an empty store and mark it, unless it is an incomplete copy; return the revision of the schema."""
    engine = database.open_any(url)
    try:
        with source.execution_options(reads=True).connect() as connection:
            revision: str = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
            used = connection.execute(select(nodes.c.name).where(nodes.c.expires_at > database.clock(connection)))
            if name := used.scalar():
                raise StoreError(f"the node {name} uses the store that is to be copied; stop its daemons first")
        if _revision_of(url, engine) == _MARK:
            return revision
        database.migrate(url)
        with engine.begin() as connection:
            if connection.execute(select(func.count()).select_from(metadata.tables["incidents"])).scalar_one():
                raise StoreError(f"{database.shown(url)}: this store has incidents; name an empty database")
            connection.execute(nodes.delete())  # the first node, which `holdgate migrate` wrote
            connection.execute(text("UPDATE alembic_version SET version_num = :mark"), {"mark": _MARK})
    finally:
        engine.dispose()
    return revision


def _tables() -> list[Table]:
    """Return the tables to copy, each after those that it refers to."""
    return [table for table in metadata.sorted_tables if table.name not in _LEFT_OUT]


def _copy(source: Engine, target: Engine) -> Generator[Step, None, None]:
    with source.execution_options(reads=True).connect() as reading:
        total = sum(_count(reading, table) for table in _tables())
        done = 0
        for table in _tables():
            (key,) = table.primary_key.columns
            with target.execution_options(reads=True).connect() as connection:
                done += _count(connection, table)
                last = connection.execute(select(func.max(_ordered(connection, key)))).scalar()
            yield Step(table.name, done, total)
            while rows := _rows(reading, table, last):
                with target.begin() as connection:
                    connection.execute(insert(table), rows)
                done += len(rows)
                last = rows[-1][key.name]
                yield Step(table.name, done, total)


def _rows(connection: Connection, table: Table, last: Any) -> list[dict[str, Any]]:
    """Return the next rows after the key `last`, in byte order, which is the same in both databases."""
    (key,) = table.primary_key.columns
    query = select(table).order_by(_ordered(connection, key)).limit(_BATCH)
    if last is not None:
        query = query.where(_ordered(connection, key) > last)
    return [dict(row._mapping) for row in connection.execute(query)]


def _ordered(connection: Connection, key: Any) -> Any:
    """Return a key that is compared by its bytes, as SQLite compares all text."""
    is_number = isinstance(key.type, Integer)
    return key if is_number or connection.dialect.name == "sqlite" else key.collate("C")


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _finish(source: Engine, target: Engine, revision: str) -> None:
    """Compare the counts, copy the ends of the chains, verify the trail, and let daemons open the copy."""
    reads = {"reads": True}
    with source.execution_options(**reads).connect() as one, target.execution_options(**reads).connect() as other:
        ends = [dict(row._mapping) for row in one.execute(select(chains))]
        for table in _tables():
            if (wanted := _count(one, table)) != (found := _count(other, table)):
                raise StoreError(f"the table {table.name} has {found} rows in the copy, and {wanted} in the original")
    with target.begin() as connection:
        connection.execute(chains.delete())
        connection.execute(insert(chains), ends)
        if connection.dialect.name == "postgresql":
            _set_sequences(connection)
    found_problem = AuditTrail(target.execution_options(**reads)).verify().problem
    if found_problem:
        raise StoreError(
            f"the copy does not verify: {found_problem}. Was the original in use? Stop its daemons, run holdgate audit "
            "verify on it, and copy it into a new, empty database"
        )
    with target.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def _set_sequences(connection: Connection) -> None:
    """Have PostgreSQL number new rows after the copied ones."""
    for table in _tables():
        (key,) = table.primary_key.columns
        if isinstance(key.type, Integer):
            sequence = f"pg_get_serial_sequence('{table.name}', '{key.name}')"
            newest = f"(SELECT coalesce(max({key.name}), 0) + 1 FROM {table.name})"
            connection.execute(text(f"SELECT setval({sequence}, {newest}, false)"))
