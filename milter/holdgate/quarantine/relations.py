"""The table of who writes to whom: a number for each relation, its weight and the day when it was last seen.

Only `holdgate.relations`, which has the key, can compute the numbers. The upper half identifies the owner of the
relation, so all relations of one owner are adjacent. A weight halves with time; it is stored as of the day when it was
written.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Delete, Engine, bindparam, delete, func, select

from holdgate.quarantine.database import is_shared, read_rows
from holdgate.quarantine.schema import relations

T = TypeVar("T")

SLICES = 1024
"""The number of equal parts into which the numbers are divided, for work that must not block others."""

_CHUNK = 500
# For each owner the query has a SELECT; SQLite takes 500 of them (https://www.sqlite.org/limits.html).
_OWNERS = 200
# The lock of learning processes, on PostgreSQL: they do not block others.
_LEARNERS = 0x6C6561726E  # "learn"
_HALF = 1 << 32
_LEAST = -(1 << 63)
_INSERT = "INSERT INTO relations (key, weight, day)"
_REPLACE = "ON CONFLICT (key) DO UPDATE SET weight = excluded.weight, day = excluded.day"
_COLUMNS = "SELECT key, weight, day FROM relations"
# Each runs once for each of the `SLICES`, so it is built once.
_DELETE_BETWEEN = delete(relations).where(relations.c.key.between(bindparam("first"), bindparam("last")))
_DELETE_OLD = _DELETE_BETWEEN.where(relations.c.day < bindparam("before"))
_DELETE_TARGETS = _DELETE_BETWEEN.where(
    relations.c.key.op("&")(_HALF - 1).in_(bindparam("targets", expanding=True)),
)


@lru_cache(256)
def _sqlite_query(keys: int, owners: int, most: int) -> str:
    """Return the query for so many numbers and the first relations of so many owners."""
    parts = [f"{_COLUMNS} WHERE key IN ({', '.join('?' * keys)})"] if keys else []
    parts += [f"SELECT * FROM ({_COLUMNS} WHERE key BETWEEN ? AND ? LIMIT {most})"] * owners
    return " UNION ALL ".join(parts)


def _postgresql_query(keys: Collection[int], owners: Collection[int], most: int) -> str:
    """Return the same query for PostgreSQL. The numbers are in its text: one round trip, and nothing to prepare."""
    parts = [f"{_COLUMNS} WHERE key = ANY ('{{{','.join(map(str, keys))}}}'::bigint[])"] if keys else []
    if owners:
        first = ",".join(str(number(owner, 0)) for owner in owners)
        found = f"{_COLUMNS} WHERE key BETWEEN o AND o + {_HALF - 1} ORDER BY key LIMIT {most}"
        parts.append(f"SELECT t.* FROM unnest('{{{first}}}'::bigint[]) AS o CROSS JOIN LATERAL ({found}) AS t")
    return " UNION ALL ".join(parts)


@dataclass(frozen=True, slots=True)
class Weight:
    """The weight of a relation on its last day, in days since the epoch."""

    weight: float
    day: int

    def on(self, day: int, half_life: float) -> float:
        """Return the remaining weight on a day; `half_life` is in days. On days before its last one it is unchanged."""
        return float(self.weight * 0.5 ** (max(day - self.day, 0) / half_life))

    def plus(self, weight: float, day: int, half_life: float) -> "Weight":
        """Return it with what was seen on a day, which may be before its last one."""
        if day >= self.day:
            return Weight(self.on(day, half_life) + weight, day)
        return Weight(self.weight + Weight(weight, day).on(self.day, half_life), self.day)


def number(owner: int, target: int) -> int:
    """Return the number of the relation of an owner with a target, each of 32 bits, signed, as databases store it."""
    return _LEAST + owner * _HALF + target


class Relations:
    """Reads and writes the table. `reader` is an engine for read-only transactions."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self._engine = engine
        self._reader = reader

    def of(self, keys: Collection[int]) -> dict[int, Weight]:
        """Return the weights of the existing ones."""
        found: dict[int, Weight] = {}
        for part in parts(sorted(keys)):
            found.update(self.look(part, (), 0)[0])
        return found

    def look(
        self, keys: Collection[int], owners: Collection[int], most: int
    ) -> tuple[dict[int, Weight], dict[int, dict[int, Weight]]]:
        """Return the weights of some numbers, and the first relations of each owner, `most` of each, by their targets.

        It is one statement, passed to the driver as it is, because the milter does this for each message.
        """
        keys, found = frozenset(keys), dict[int, Weight]()
        gone: dict[int, dict[int, Weight]] = {owner: {} for owner in owners}
        if not keys and not owners:
            return found, gone
        if len(keys) > _CHUNK or len(owners) > _OWNERS:
            several = list(owners)
            for place in range(0, len(several), _OWNERS):
                gone |= self.look((), several[place : place + _OWNERS], most)[1]
            return self.of(keys), gone
        if is_shared(self._reader):
            rows = read_rows(self._reader, _postgresql_query(keys, owners, most))
        else:
            bounds = [bound for owner in owners for bound in (number(owner, 0), number(owner + 1, 0) - 1)]
            rows = read_rows(self._reader, _sqlite_query(len(keys), len(owners), most), [*keys, *bounds])
        for key, weight, day in rows:
            if key in keys:
                found[key] = Weight(weight, day)
            owner, target = divmod(key - _LEAST, _HALF)
            if owner in gone:
                gone[owner][target] = Weight(weight, day)
        return found, gone

    def add(self, seen: Mapping[int, Weight], half_life: float) -> set[int]:
        """Add what was seen, in one transaction; return the numbers that are new."""
        with self._engine.begin() as connection:
            if is_shared(self._engine):
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LEARNERS})")
            before = self._read(connection, seen.keys())
            rows = []
            for key in sorted(seen):
                new = seen[key]
                if (old := before.get(key)) is not None:
                    new = old.plus(new.weight, new.day, half_life)
                rows.append((key, new.weight, new.day))
            self._write(connection, rows)
        return seen.keys() - before.keys()

    def purge(self, before: int, part: int) -> int:
        """Remove what was last seen before a day, in one of the `SLICES`; return the number of rows."""
        return self._delete(_DELETE_OLD, **_slice(part), before=before)

    def forget(self, owners: Collection[int], targets: Collection[int]) -> Iterator[int]:
        """Remove all relations of these owners, and all others with these targets; yield the counts, part by part.

        For the targets the complete table is read, because they have no index.
        """
        for owner in owners:
            yield self._delete(_DELETE_BETWEEN, **_between(owner, owner + 1))
        if targets:
            for part in range(SLICES):
                yield self._delete(_DELETE_TARGETS, **_slice(part), targets=list(targets))

    def forget_all(self) -> int:
        """Remove everything."""
        return self._delete(delete(relations))

    def has_any(self) -> bool:
        """Return whether there is any relation."""
        with self._reader.connect() as connection:
            return connection.execute(select(relations.c.key).limit(1)).first() is not None

    def count(self) -> int:
        """Return how many relations there are."""
        with self._reader.connect() as connection:
            return connection.execute(select(func.count()).select_from(relations)).scalar_one()

    def _delete(self, statement: Delete, **values: Any) -> int:
        with self._engine.begin() as connection:
            return connection.execute(statement, values).rowcount

    def _read(self, connection: Connection, keys: Collection[int]) -> dict[int, Weight]:
        found: dict[int, Weight] = {}
        for part in parts(sorted(keys)):
            if is_shared(self._engine):
                rows = connection.exec_driver_sql(_postgresql_query(part, (), 0))
            else:
                rows = connection.exec_driver_sql(_sqlite_query(len(part), 0, 0), tuple(part))
            found.update((row[0], Weight(row[1], row[2])) for row in rows)
        return found

    def _write(self, connection: Connection, rows: Sequence[tuple[int, float, int]]) -> None:
        """Insert or replace rows. In PostgreSQL a statement for each of them would take much longer."""
        if not is_shared(self._engine):
            if rows:
                connection.exec_driver_sql(f"{_INSERT} VALUES (?, ?, ?) {_REPLACE}", list(rows))
            return
        for part in parts(rows):
            arrays = (",".join(map(str, column)) for column in zip(*part, strict=True))
            keys, weights, days = (f"'{{{array}}}'" for array in arrays)
            columns = f"unnest({keys}::bigint[], {weights}::real[], {days}::integer[])"
            connection.exec_driver_sql(f"{_INSERT} SELECT * FROM {columns} {_REPLACE}")


def parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield rows in parts, each small enough for one statement."""
    for place in range(0, len(rows), _CHUNK):
        yield rows[place : place + _CHUNK]


def _slice(part: int) -> dict[str, int]:
    """Return the bounds of the numbers of one of the `SLICES`."""
    step = (1 << 32) // SLICES
    return _between(part * step, (part + 1) * step)


def _between(owner: int, end: int) -> dict[str, int]:
    """Return the bounds of the numbers whose owner is at least `owner` and less than `end`."""
    return {"first": number(owner, 0), "last": number(end, 0) - 1}
