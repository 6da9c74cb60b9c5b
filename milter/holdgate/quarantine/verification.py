"""Detects changes of the store by other means: its tables and triggers, the chains of events, the bound rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row, Table, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from holdgate.phrases import counted
from holdgate.quarantine import binding, structure, versions
from holdgate.quarantine.anchor import Anchor
from holdgate.quarantine.chains import FIRST, named_heads
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.links import GENESIS, link, note_digest, rows_digest
from holdgate.quarantine.schema import chains, events, incidents, notices, requests

_BATCH = 500
# How many of the newest hashes are kept in memory, because events name the newest of other chains. Others are looked
# up.
_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: how many events it has, and the newest one's hash."""

    count: int
    hash: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a verification: the number of events, the newest one's hash, and what is wrong (or "").

    `chains` are the ends of all chains that have events, by name. `problem` names each broken chain, and where it is
    broken.
    """

    count: int
    head: str
    problem: str = ""
    chains: dict[str, Head] = field(default_factory=dict)


def verify(connection: Connection, anchors: Iterable[Anchor]) -> Finding:
    """Verify everything in one transaction, which sees one moment."""
    try:
        problem = _newer(connection) or structure.problem(connection)
        if problem:
            return Finding(0, GENESIS, problem)
        found = _Trail(connection).verify(anchors)
        return found if found.problem else replace(found, problem=_rows_problem(connection))
    except (SQLAlchemyError, ValueError, TypeError) as error:
        return Finding(0, GENESIS, f"a row cannot be read: {type(error.__cause__ or error).__name__}")


def _newer(connection: Connection) -> str:
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    is_newer = versions.is_newer(revision)
    return (
        f"its schema {revision} is newer than this version of Holdgate; verify with the newer one" if is_newer else ""
    )


def in_order(connection: Connection) -> Iterator[Row[Any]]:
    """Yield all events, oldest first, each with the number of the event that erased its incident (or None)."""
    erased = (
        select(events.c.incident_id, func.max(events.c.number).label("erased_in"))
        .where(events.c.event == EventName.ERASED)
        .group_by(events.c.incident_id)
        .subquery()
    )
    query = select(events, erased.c.erased_in).outerjoin(erased, erased.c.incident_id == events.c.incident_id)
    yield from connection.execute(query.order_by(events.c.number), execution_options={"yield_per": _BATCH})


class _Trail:
    """All chains together, in the order of the numbers; of each one the first problem."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._heads: dict[str, Head] = {}
        self._problems: dict[str, str] = {}
        self._recent: dict[int, tuple[str, str]] = {}

    def verify(self, anchors: Iterable[Anchor]) -> Finding:
        """Verify the chains, the table of their ends, and that all of `anchors` exist."""
        wanted = {anchor.hash: anchor for anchor in anchors if anchor.hash != GENESIS}
        newest, count = GENESIS, 0
        for row in in_order(self._connection):
            count += 1
            wanted.pop(row.hash, None)
            if row.chain in self._problems:
                continue
            head = self._heads.get(row.chain, Head(0, GENESIS))
            if problem := _event_problem(head.hash, row):
                self._problems[row.chain] = f"event {row.number} of {row.incident_id}: {problem}"
                continue
            newest = row.hash
            self._heads[row.chain] = Head(head.count + 1, row.hash)
            self._keep(row)
            self._compare_seen(row)
        self._compare_ends()
        for anchor in wanted.values() if not self._problems else ():
            self._problems[anchor.chain] = (
                f"{anchor.source} is not in the chain: events were rewritten or removed, or an older store was restored"
            )
            break
        problems = (f"chain {name}: {text}" if name else text for name, text in sorted(self._problems.items()))
        return Finding(count, newest, "; ".join(problems), dict(self._heads))

    def _keep(self, row: Row[Any]) -> None:
        self._recent[row.number] = row.chain, row.hash
        if len(self._recent) > _KEPT:
            del self._recent[next(iter(self._recent))]

    def _compare_seen(self, row: Row[Any]) -> None:
        """Compare the events of other chains that an event names with the existing ones."""
        for chain, number, digits in named_heads(row.seen):
            if number >= row.number:
                self._problems.setdefault(row.chain, f"event {row.number} names a later one")
                continue
            found_chain, found_hash = self._recent.get(number) or self._look_up(number)
            if chain in self._problems or (found_chain == chain and found_hash.startswith(digits)):
                continue
            self._problems[chain] = (
                f"event {number} is not the one that event {row.number} of {_named(row.chain)} names"
            )

    def _look_up(self, number: int) -> tuple[str, str]:
        query = select(events.c.chain, events.c.hash).where(events.c.number == number)
        row = self._connection.execute(query).one_or_none()
        return ("", "") if row is None else (row.chain, row.hash)

    def _compare_ends(self) -> None:
        for row in self._connection.execute(select(chains).order_by(chains.c.name)).all():
            head = self._heads.get(row.name, Head(0, GENESIS))
            if row.hash != head.hash or row._mapping["count"] != head.count:
                problem = f"the chain had {counted(row._mapping['count'], 'event')}, and has {head.count}"
                self._problems.setdefault(row.name, problem)
        names = set(self._connection.execute(select(chains.c.name)).scalars())
        for name in ({FIRST} | self._heads.keys()) - names:
            self._problems.setdefault(name, "the table chains has no row for it")


def _named(chain: str) -> str:
    return f"chain {chain}" if chain else "the first chain"


def _event_problem(previous: str, row: Row[Any]) -> str:
    if link(previous, row.at, row._mapping) != row.hash:
        return "it was changed, or one before it is missing"
    if row.salt == "":
        erased = row.erased_in is not None and row.number < row.erased_in
        return "" if row.note == "" and erased else "its note was removed"
    return "" if note_digest(row.salt, row.note) == row.note_digest else "its note was changed"


def _rows_problem(connection: Connection) -> str:
    """Compare the rows of all incidents with the digest in each one's newest event."""
    for table in (requests, notices, events):
        lost = _without_incident(connection, table)
        if lost:
            return f"the table {table.name} has rows of the incident {lost}, which does not exist"
    query = select(incidents).order_by(incidents.c.id)
    found = connection.execute(query, execution_options={"yield_per": _BATCH})
    for rows in found.mappings().partitions(_BATCH):
        newest = _newest(connection, [row["id"] for row in rows])
        for name, content in binding.contents(connection, rows).items():
            event = newest.get(name)
            if event is None or not event.rows_digest:
                return f"incident {name}: no event has a digest of its rows"
            if rows_digest(event.salt, content) != event.rows_digest:
                return f"incident {name}, its requests or its notices were changed after event {event.number}"
    return ""


def _without_incident(connection: Connection, table: Table) -> str | None:
    lost = select(table.c.incident_id).where(table.c.incident_id.not_in(select(incidents.c.id))).limit(1)
    return connection.execute(lost).scalar()


def _newest(connection: Connection, ids: list[str]) -> dict[str, Row[Any]]:
    last = select(func.max(events.c.number)).where(events.c.incident_id.in_(ids)).group_by(events.c.incident_id)
    return {row.incident_id: row for row in connection.execute(select(events).where(events.c.number.in_(last)))}
