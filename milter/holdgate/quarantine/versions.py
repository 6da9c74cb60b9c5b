"""Lets daemons of an older version continue next to those of a newer one that has migrated a shared store.

That is possible after a migration that only adds: tables, indexes, and columns that may stay empty. Any other migration
writes its own revision into the table `compatibility`: then daemons of versions before it can neither start nor write.
An older daemon reads and writes only what it knows. Its events bind the added columns of an incident, because the
newer version compares them.
"""

from functools import cache
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, Table, inspect, select

from holdgate.quarantine.schema import compatibility, incidents, notices, requests

MIGRATIONS = Path(__file__).with_name("migrations")

Bound = tuple[Table, Table, Table]
"""The tables of incidents, requests and notices."""

_BOUND: Bound = (incidents, requests, notices)
_bound_of: dict[str, Bound] = {}


@cache
def head() -> str:
    """Return the revision of this version's schema: the last of the numbered migrations."""
    return max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))[:4]


def is_newer(revision: str | None) -> bool:
    """Return whether a schema is of a later version than this one."""
    return revision is not None and revision.isdigit() and revision > head()


def is_usable(connection: Connection) -> bool:
    """Return whether this version can use a store that a newer version has migrated."""
    return connection.dialect.name == "postgresql" and is_enough(
        connection.execute(select(compatibility.c.oldest)).scalar_one()
    )


def is_enough(oldest: str) -> bool:
    """Return whether this version is not older than the oldest one that can use a store."""
    return oldest <= head()


def bound_tables(connection: Connection, revision: str) -> Bound:
    """Return the tables that events bind in a store of this revision, with the columns that a newer version added."""
    if not is_newer(revision):
        return _BOUND
    if revision not in _bound_of:
        first, second, third = _BOUND
        _bound_of[revision] = (
            _reflected(connection, first),
            _reflected(connection, second),
            _reflected(connection, third),
        )
    return _bound_of[revision]


def _reflected(connection: Connection, table: Table) -> Table:
    added = [one for one in inspect(connection).get_columns(table.name) if one["name"] not in table.c]
    whole = Table(table.name, MetaData())
    for column in table.columns:
        whole.append_column(Column(column.name, column.type, nullable=column.nullable))
    for one in added:
        whole.append_column(Column(one["name"], one["type"], nullable=one["nullable"]))
    return whole
