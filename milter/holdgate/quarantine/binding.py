"""The rows that an event binds: those of its incident after the event, so that changes by other means are detected.

Bound are the incident and all requests and notices about it, completely. Each transaction that changes one of them ends
with an event, whose digest of these rows is part of the chain. The rows must match the newest event of their incident.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Table, bindparam, literal_column, select

from holdgate.quarantine import versions
from holdgate.quarantine.schema import incidents, notices, requests, storable

_SCHEMA: ColumnElement[str] = literal_column("(SELECT version_num FROM alembic_version)").label("schema")
_INCIDENT = select(incidents, _SCHEMA).where(incidents.c.id == bindparam("incident"))

Row = Mapping[str, Any] | RowMapping


def content(connection: Connection, incident_id: str) -> str:
    """Return the rows of an incident in the bound form, in their state inside this transaction."""
    row = connection.execute(_INCIDENT, {"incident": incident_id}).one()
    incident_table, request_table, notice_table = versions.bound_tables(connection, row.schema)
    if incident_table is not incidents:
        row = connection.execute(select(incident_table).where(incident_table.c.id == incident_id)).one()
    return _text(
        plain(incident_table, row._mapping),
        _of(connection, request_table, incident_id),
        _of(connection, notice_table, incident_id),
    )


def content_of_new(incident: Row, outbox: Iterable[Row] = ()) -> str:
    """Return the same for a new incident and its notices, which `notices_of` returns."""
    return _text(plain(incidents, incident), [], outbox)


def notices_of(connection: Connection, incident_id: str) -> list[Row]:
    """Return the notices about an incident in the bound form, in their state inside this transaction."""
    return _of(connection, notices, incident_id)


def contents(
    connection: Connection, rows: Sequence[Row], tables: tuple[Table, Table, Table] = (incidents, requests, notices)
) -> dict[str, str]:
    """Return the same for many incidents, by id; `rows` are the incidents'. A migration passes its own tables."""
    table, asked, outbox = tables
    ids = [row["id"] for row in rows]
    found: dict[str, tuple[list[Row], list[Row]]] = {name: ([], []) for name in ids}
    for which, part in enumerate((asked, outbox)):
        query = select(part).where(part.c.incident_id.in_(ids)).order_by(part.c.number)
        for row in connection.execute(query):
            found[row.incident_id][which].append(plain(part, row._mapping))
    return {row["id"]: _text(plain(table, row), *found[row["id"]]) for row in rows}


def plain(table: Table, row: Row) -> dict[str, Any]:
    """Return a row as plain values for JSON, without empty ones.

    So a column that a later schema adds, empty in existing rows, does not change their digests.
    """
    values = ((column, row[column.name]) for column in table.columns)
    return {column.name: _plain(value) for column, value in values if not _is_nothing(value, nullable=column.nullable)}


def _is_nothing(value: Any, *, nullable: bool | None) -> bool:
    return value is None or (not nullable and value in ("", 0, [], {}))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        naive = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        return naive.isoformat(timespec="microseconds")
    return storable(value) if isinstance(value, str) else value


def _of(connection: Connection, table: Table, incident_id: str) -> list[Row]:
    found = connection.execute(_about(table), {"incident": incident_id})
    return [plain(table, row._mapping) for row in found]


@lru_cache(maxsize=8)
def _about(table: Table) -> Select[Any]:
    """Return the query for the rows of a table about an incident, built once, because each event asks for them."""
    return select(table).where(table.c.incident_id == bindparam("incident")).order_by(table.c.number)


def _text(incident: Row, asked: Iterable[Row], outbox: Iterable[Row]) -> str:
    return json.dumps([incident, list(asked), list(outbox)], sort_keys=True)
