"""What programs have sent, as numbers: what each account has sent before, how much lately, and what waits.

The numbers are keyed hashes as those of `relations`: the upper half is that of an account and a kind, the lower that of
a recipient, a host or an attachment. Time is in seconds since the epoch.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, func, insert, or_, select, text, update

from holdgate.quarantine.database import is_shared
from holdgate.quarantine.relations import number
from holdgate.quarantine.schema import incidents, machine_counts, machine_messages, machine_seen
from holdgate.quarantine.states import OPEN, State

DAY, HOUR = 86400, 3600
SLOT = 300
"""Messages are counted in parts of an hour, of so many seconds: an hour is the last twelve and the one that runs."""

# A message that has vanished may be held again.
_UNSETTLED = sorted(OPEN | {State.VANISHED})
_CHUNK = 500
_HALF = 1 << 32
_COUNT = text(
    "INSERT INTO machine_counts (key, messages) VALUES (:key, 1) "
    "ON CONFLICT (key) DO UPDATE SET messages = machine_counts.messages + 1"
)
# What was known stays known; what is asked for again after a day counts as new again.
_SEE = text(
    "INSERT INTO machine_seen (key, first, last, known) VALUES (:key, :now, :now, :known) "
    "ON CONFLICT (key) DO UPDATE SET last = excluded.last, known = machine_seen.known OR excluded.known, "
    "first = CASE WHEN machine_seen.known OR machine_seen.first > :since THEN machine_seen.first ELSE :now END"
)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The numbers of one account: its own, the upper half of those of each kind of thing, and that of its counts."""

    account: int
    owners: Mapping[str, int]
    counter: int


@dataclass(frozen=True, slots=True)
class Weighed:
    """How a message compares: how many this hour has with it, and what in it is new.

    `new` says of each thing, by its number, which one of its kind it is that is new within 24 hours, from 1.
    """

    messages: int
    new: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Known:
    """How much is known of an account: things that were sent by kind, those new within 24 hours, messages an hour."""

    known: Mapping[str, int]
    new: Mapping[str, int]
    messages: int
    waiting: int


class Machines:
    """Reads and writes these tables. `reader` is an engine whose transactions only read."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self._engine = engine
        self._reader = reader

    def weigh(self, ledger: Ledger, items: Mapping[str, Sequence[int]], now: int) -> Weighed:
        """Count a message with these things by kind, and return how it compares: all in one transaction."""
        with self._engine.begin() as connection:
            _lock(connection, ledger)
            self._settle(connection, ledger.account, now)
            connection.execute(_COUNT, {"key": number(ledger.counter, now // SLOT)})
            old = _within(machine_counts, ledger.counter, end=(now - DAY) // SLOT)
            connection.execute(delete(machine_counts).where(old))
            return Weighed(_messages(connection, ledger, now), self._see(connection, ledger, items, now))

    def look(self, ledger: Ledger, items: Mapping[str, Sequence[int]], now: int) -> Weighed:
        """Return how a message would compare, which is not sent."""
        with self._reader.connect() as connection:
            new: dict[int, int] = {}
            for kind, keys in items.items():
                new |= _places(connection, ledger.owners[kind], keys, now)
            return Weighed(_messages(connection, ledger, now) + 1, new)

    def refund(self, ledger: Ledger, at: int) -> None:
        """Take one message out of the count of the time at which it was counted."""
        key = number(ledger.counter, at // SLOT)
        with self._engine.begin() as connection:
            fewer = update(machine_counts).where(machine_counts.c.key == key, machine_counts.c.messages > 0)
            connection.execute(fewer.values(messages=machine_counts.c.messages - 1))

    def learn(self, ledger: Ledger, keys: Iterable[int], now: int) -> None:
        """Remember things that an account has sent."""
        with self._engine.begin() as connection:
            _lock(connection, ledger)
            _learn(connection, keys, now)

    def note(self, incident_id: str, account: int, thread: int, to: list[int], contents: list[int], now: int) -> None:
        """Write down what a message that is to be held has: `thread` is the number of its Message-ID, 0 for none."""
        moment = datetime.fromtimestamp(now, UTC)
        with self._engine.begin() as connection:
            connection.execute(
                insert(machine_messages).values(
                    incident_id=incident_id,
                    account=account,
                    thread=thread,
                    recipients=to,
                    contents=contents,
                    recorded_at=moment,
                    settled=False,
                )
            )

    def known(self, ledger: Ledger, now: int) -> Known:
        """Return how much is known of an account."""
        with self._engine.begin() as connection:
            _lock(connection, ledger)
            self._settle(connection, ledger.account, now)
        counts: list[dict[str, int]] = [{}, {}]
        with self._reader.connect() as connection:
            for kind, owner in ledger.owners.items():
                for place, condition in enumerate((machine_seen.c.known, machine_seen.c.first > now - DAY)):
                    query = select(func.count()).select_from(machine_seen)
                    counts[place][kind] = connection.execute(
                        query.where(_within(machine_seen, owner), condition)
                    ).scalar_one()
            waiting = connection.execute(
                select(func.count()).where(machine_messages.c.account == ledger.account, ~machine_messages.c.settled)
            ).scalar_one()
            return Known(counts[0], counts[1], _messages(connection, ledger, now), waiting)

    def forget(self, ledger: Ledger) -> int:
        """Remove all that is known of an account; return how many things that was."""
        with self._engine.begin() as connection:
            connection.execute(delete(machine_messages).where(machine_messages.c.account == ledger.account))
            connection.execute(delete(machine_counts).where(_within(machine_counts, ledger.counter)))
            owners = or_(*(_within(machine_seen, owner) for owner in ledger.owners.values()))
            return connection.execute(delete(machine_seen).where(owners)).rowcount

    def forget_target(self, target: int) -> int:
        """Remove a thing that any account has sent, by the lower half of its number; return how many rows that was."""
        low = machine_seen.c.key.op("&")(_HALF - 1)
        with self._engine.begin() as connection:
            return connection.execute(delete(machine_seen).where(low == target)).rowcount

    def purge(self, before: int) -> int:
        """Remove what was last sent, or asked about, before a moment; return how many rows that was."""
        moment = datetime.fromtimestamp(before, UTC)
        with self._engine.begin() as connection:
            old = connection.execute(delete(machine_seen).where(machine_seen.c.last < before)).rowcount
            is_over = (machine_messages.c.recorded_at < moment) & machine_messages.c.incident_id.not_in(
                select(incidents.c.id).where(incidents.c.state.in_(sorted(OPEN)))
            )
            return old + connection.execute(delete(machine_messages).where(is_over)).rowcount

    def _see(
        self, connection: Connection, ledger: Ledger, items: Mapping[str, Sequence[int]], now: int
    ) -> dict[int, int]:
        """Return what is new, and write down that it was asked about."""
        new: dict[int, int] = {}
        seen: list[int] = []
        for kind, keys in items.items():
            fresh = _places(connection, ledger.owners[kind], keys, now)
            new |= fresh
            seen += [key for key in keys if key not in fresh]
        if new:
            rows = [{"key": key, "now": now, "known": False, "since": now - DAY} for key in sorted(new)]
            connection.execute(_SEE, rows)
        for part in _parts(seen):
            old = machine_seen.c.key.in_(part) & (machine_seen.c.last < now - DAY)
            connection.execute(update(machine_seen).where(old).values(last=now))
        return new

    def _settle(self, connection: Connection, account: int, now: int) -> None:
        """Learn what was held and is released by now. What was refused, or went another way, teaches nothing."""
        waiting = (machine_messages.c.account == account) & ~machine_messages.c.settled
        query = select(machine_messages, incidents.c.state, incidents.c.change.is_not(None).label("is_changed"))
        query = query.join(incidents, incidents.c.id == machine_messages.c.incident_id)
        for row in connection.execute(query.where(waiting, incidents.c.state.not_in(_UNSETTLED))).all():
            if row.state == State.RELEASED:
                # What a moderator took out of a message is not known from it.
                _learn(connection, [*row.recipients, *(() if row.is_changed else row.contents)], now)
            this = machine_messages.c.incident_id == row.incident_id
            connection.execute(update(machine_messages).where(this).values(settled=True))


def _lock(connection: Connection, ledger: Ledger) -> None:
    """Have nobody else change what is kept of an account until the end of the transaction."""
    if is_shared(connection.engine):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ledger.account})")


def _learn(connection: Connection, keys: Iterable[int], now: int) -> None:
    rows = [{"key": key, "now": now, "known": True, "since": 0} for key in sorted(set(keys))]
    if rows:
        connection.execute(_SEE, rows)


def _places(connection: Connection, owner: int, keys: Sequence[int], now: int) -> dict[int, int]:
    """Return those of some keys of one owner that are not known, with the place of each among what is new today."""
    rows: dict[int, tuple[bool, int]] = {}
    for part in _parts(keys):
        query = select(machine_seen.c.key, machine_seen.c.known, machine_seen.c.first)
        rows |= {row[0]: (row[1], row[2]) for row in connection.execute(query.where(machine_seen.c.key.in_(part)))}
    fresh = [key for key in dict.fromkeys(keys) if key not in rows or not rows[key][0]]
    if not fresh:
        return {}
    lately = select(func.count()).select_from(machine_seen).where(_within(machine_seen, owner))
    used: int = connection.execute(lately.where(machine_seen.c.first > now - DAY)).scalar_one()
    used -= sum(key in rows and rows[key][1] > now - DAY for key in fresh)
    return {key: used + place for place, key in enumerate(fresh, 1)}


def _messages(connection: Connection, ledger: Ledger, now: int) -> int:
    """Return how many messages were counted within an hour."""
    lately = _within(machine_counts, ledger.counter, begin=(now - HOUR) // SLOT)
    query = select(func.coalesce(func.sum(machine_counts.c.messages), 0))
    return int(connection.execute(query.where(lately)).scalar_one())


def _within(table: Table, owner: int, *, begin: int = 0, end: int = _HALF - 1) -> ColumnElement[bool]:
    """Return the condition that a row is one of an owner, between two lower halves."""
    return table.c.key.between(number(owner, begin), number(owner, end))


def _parts(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for place in range(0, len(keys), _CHUNK):
        yield keys[place : place + _CHUNK]
