"""Says whether anybody changed the store past us: its tables and triggers, the chain of events, the rows they bind."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, func, select
from sqlalchemy.exc import SQLAlchemyError

from holdgate.quarantine import binding, structure
from holdgate.quarantine.anchor import Anchor
from holdgate.quarantine.links import GENESIS, link, note_digest, rows_digest
from holdgate.quarantine.schema import chain, events, incidents, notices, requests

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a verification: how many events there are, the newest one's hash, and what is wrong (or "")."""

    count: int
    head: str
    problem: str = ""


def verify(connection: Connection, anchors: Iterable[Anchor]) -> Finding:
    """Verify all inside one transaction, which sees one moment."""
    try:
        problem = structure.problem(connection)
        if problem:
            return Finding(0, GENESIS, problem)
        found = _verify_chain(connection, anchors)
        return found if found.problem else Finding(found.count, found.head, _rows_problem(connection))
    except (SQLAlchemyError, ValueError, TypeError) as error:
        return Finding(0, GENESIS, f"a row cannot be read: {type(error.__cause__ or error).__name__}")


def in_order(connection: Connection) -> Iterator[Row[Any]]:
    """Yield all events, oldest first, each with the number of the event by which its incident was erased (or None)."""
    erased = (
        select(events.c.incident_id, func.max(events.c.number).label("erased_in"))
        .where(events.c.event == "erased")
        .group_by(events.c.incident_id)
        .subquery()
    )
    query = select(events, erased.c.erased_in).outerjoin(erased, erased.c.incident_id == events.c.incident_id)
    yield from connection.execute(query.order_by(events.c.number), execution_options={"yield_per": _BATCH})


def _verify_chain(connection: Connection, anchors: Iterable[Anchor]) -> Finding:
    wanted = {anchor.hash: anchor for anchor in anchors if anchor.hash != GENESIS}
    previous, count = GENESIS, 0
    for row in in_order(connection):
        problem = _event_problem(previous, row)
        if problem:
            return Finding(count, previous, f"event {row.number} of {row.incident_id}: {problem}")
        previous, count = row.hash, count + 1
        wanted.pop(row.hash, None)
    heads = connection.execute(select(chain.c.hash, chain.c["count"])).all()
    if len(heads) != 1:
        return Finding(count, previous, f"the table chain has {len(heads)} rows")
    if tuple(heads[0]) != (previous, count):
        return Finding(count, previous, f"the chain had {heads[0].count} events, {count} are there")
    if wanted:
        missing = next(iter(wanted.values()))
        return Finding(
            count,
            previous,
            f"{missing.source} is not in the chain: events were rewritten or cut off, or an older store put back",
        )
    return Finding(count, previous)


def _event_problem(previous: str, row: Row[Any]) -> str:
    if link(previous, row.at, row._mapping) != row.hash:
        return "it was changed, or one before it is missing"
    if row.salt == "":
        erased = row.erased_in is not None and row.number < row.erased_in
        return "" if row.note == "" and erased else "its note was taken away"
    return "" if note_digest(row.salt, row.note) == row.note_digest else "its note was changed"


def _rows_problem(connection: Connection) -> str:
    """Compare the rows of all incidents with what the newest event of each says of them."""
    for table in (requests, notices, events):
        lost = _without_incident(connection, table)
        if lost:
            return f"the table {table.name} has rows of the incident {lost}, which is not there"
    query = select(incidents).order_by(incidents.c.id)
    found = connection.execute(query, execution_options={"yield_per": _BATCH})
    for rows in found.mappings().partitions(_BATCH):
        newest = _newest(connection, [row["id"] for row in rows])
        for name, content in binding.contents(connection, rows).items():
            event = newest.get(name)
            if event is None or not event.rows_digest:
                return f"incident {name}: no event says how it should be"
            if rows_digest(event.salt, content) != event.rows_digest:
                return f"incident {name}, its requests or its notices were changed after event {event.number}"
    return ""


def _without_incident(connection: Connection, table: Table) -> str | None:
    lost = select(table.c.incident_id).where(table.c.incident_id.not_in(select(incidents.c.id))).limit(1)
    return connection.execute(lost).scalar()


def _newest(connection: Connection, ids: list[str]) -> dict[str, Row[Any]]:
    last = select(func.max(events.c.number)).where(events.c.incident_id.in_(ids)).group_by(events.c.incident_id)
    return {row.incident_id: row for row in connection.execute(select(events).where(events.c.number.in_(last)))}
