"""What programs have sent, as numbers: what each account has sent before, how much recently, and what waits.

The numbers are keyed hashes like those of `relations`: the upper half identifies an account and a kind, the lower half
a recipient, a host or an attachment. Time is in seconds since the epoch.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Table, delete, func, insert, or_, select, text, update

from holdgate.quarantine.database import is_shared
from holdgate.quarantine.relations import number
from holdgate.quarantine.schema import incidents, machine_counts, machine_messages, machine_seen
from holdgate.quarantine.states import OPEN, State

DAY, HOUR = 86400, 3600
SLOT = 300
"""Length in seconds of the periods by which messages are counted: an hour is the last twelve and the current one."""

# A message that has vanished may be held again.
_UNSETTLED = sorted(OPEN | {State.VANISHED})
_CHUNK = 500
_HALF = 1 << 32
_COUNT = text(
    "INSERT INTO machine_counts (key, messages) VALUES (:key, 1) "
    "ON CONFLICT (key) DO UPDATE SET messages = machine_counts.messages + 1"
)
# Known things stay known. A thing that is looked up again after a day counts as new again.
_RECORD_SEEN = text(
    "INSERT INTO machine_seen (key, first, last, known) VALUES (:key, :now, :now, :known) "
    "ON CONFLICT (key) DO UPDATE SET last = excluded.last, known = machine_seen.known OR excluded.known, "
    "first = CASE WHEN machine_seen.known OR machine_seen.first > :since THEN machine_seen.first ELSE :now END"
)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The numbers of one account: its own, the upper halves for each kind of thing, and that of its counts."""

    account: int
    owners: Mapping[str, int]
    counter: int


@dataclass(frozen=True, slots=True)
class Counted:
    """The result for a message: the number of messages in this hour, this one included, and what in it is new.

    `new` maps the number of each thing to its place, from 1, among the things of its kind that are new within 24 hours.
    """

    messages: int
    new: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Known:
    """How much is known about an account: things sent, by kind, those new within 24 hours, messages per hour."""

    known: Mapping[str, int]
    new: Mapping[str, int]
    messages: int
    waiting: int


class Machines:
    """Reads and writes these tables. `reader` is an engine for read-only transactions."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self._engine = engine
        self._reader = reader

    def count_message(self, ledger: Ledger, items: Mapping[str, Sequence[int]], now: int) -> Counted:
        """Count a message with these things, by kind, and return the result, in one transaction."""
        with self._engine.begin() as connection:
            _lock(connection, ledger)
            self._settle(connection, ledger.account, now)
            connection.execute(_COUNT, {"key": number(ledger.counter, now // SLOT)})
            old = _within(machine_counts, ledger.counter, end=(now - DAY) // SLOT)
            connection.execute(delete(machine_counts).where(old))
            return Counted(_messages(connection, ledger, now), self._record_seen(connection, ledger, items, now))

    def peek(self, ledger: Ledger, items: Mapping[str, Sequence[int]], now: int) -> Counted:
        """Return what the result for a message would be, without counting it."""
        with self._reader.connect() as connection:
            new: dict[int, int] = {}
            for kind, keys in items.items():
                new |= _places(connection, ledger.owners[kind], keys, now)
            return Counted(_messages(connection, ledger, now) + 1, new)

    def refund(self, ledger: Ledger, at: int) -> None:
        """Subtract one message from the period in which it was counted."""
        key = number(ledger.counter, at // SLOT)
        with self._engine.begin() as connection:
            fewer = update(machine_counts).where(machine_counts.c.key == key, machine_counts.c.messages > 0)
            connection.execute(fewer.values(messages=machine_counts.c.messages - 1))

    def learn(self, ledger: Ledger, keys: Iterable[int], now: int) -> None:
        """Store things that an account has sent."""
        with self._engine.begin() as connection:
            _lock(connection, ledger)
            _learn(connection, keys, now)

    def note(self, incident_id: str, account: int, thread: int, to: list[int], contents: list[int], now: int) -> None:
        """Store the contents of a message to be held: `thread` is the number of its Message-ID, 0 for none.

        A copy that Postfix did not accept is submitted again under the same incident (gate/split.py).
        """
        moment = datetime.fromtimestamp(now, UTC)
        with self._engine.begin() as connection:
            connection.execute(delete(machine_messages).where(machine_messages.c.incident_id == incident_id))
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
        """Return how much is known about an account."""
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
        """Remove everything known about an account; return the number of things."""
        with self._engine.begin() as connection:
            connection.execute(delete(machine_messages).where(machine_messages.c.account == ledger.account))
            connection.execute(delete(machine_counts).where(_within(machine_counts, ledger.counter)))
            owners = or_(*(_within(machine_seen, owner) for owner in ledger.owners.values()))
            return connection.execute(delete(machine_seen).where(owners)).rowcount

    def forget_target(self, target: int) -> int:
        """Remove a thing that any account has sent, by the lower half of its number; return the number of rows."""
        low = machine_seen.c.key.op("&")(_HALF - 1)
        with self._engine.begin() as connection:
            return connection.execute(delete(machine_seen).where(low == target)).rowcount

    def purge(self, before: int) -> int:
        """Remove what was last sent, or looked up, before a moment; return the number of rows."""
        moment = datetime.fromtimestamp(before, UTC)
        with self._engine.begin() as connection:
            old = connection.execute(delete(machine_seen).where(machine_seen.c.last < before)).rowcount
            is_over = (machine_messages.c.recorded_at < moment) & machine_messages.c.incident_id.not_in(
                select(incidents.c.id).where(incidents.c.state.in_(sorted(OPEN)))
            )
            return old + connection.execute(delete(machine_messages).where(is_over)).rowcount

    def _record_seen(
        self, connection: Connection, ledger: Ledger, items: Mapping[str, Sequence[int]], now: int
    ) -> dict[int, int]:
        """Return what is new, and store that it was looked up."""
        new: dict[int, int] = {}
        seen: list[int] = []
        for kind, keys in items.items():
            fresh = _places(connection, ledger.owners[kind], keys, now)
            new |= fresh
            seen += [key for key in keys if key not in fresh]
        if new:
            rows = [{"key": key, "now": now, "known": False, "since": now - DAY} for key in sorted(new)]
            connection.execute(_RECORD_SEEN, rows)
        for part in _parts(seen):
            old = machine_seen.c.key.in_(part) & (machine_seen.c.last < now - DAY)
            connection.execute(update(machine_seen).where(old).values(last=now))
        return new

    def _settle(self, connection: Connection, account: int, now: int) -> None:
        """Learn from messages that were released from hold. Messages with another outcome are not learned."""
        waiting = (machine_messages.c.account == account) & ~machine_messages.c.settled
        query = select(
            machine_messages, incidents.c.state, incidents.c.change, incidents.c.recipients.label("addresses")
        )
        query = query.join(incidents, incidents.c.id == machine_messages.c.incident_id)
        for row in connection.execute(query.where(waiting, incidents.c.state.not_in(_UNSETTLED))).all():
            if row.state == State.RELEASED:
                # It is unknown what a moderator removed from a message.
                _learn(connection, [*_sent_to(row), *(() if (row.change or {}).get("kinds") else row.contents)], now)
            this = machine_messages.c.incident_id == row.incident_id
            connection.execute(update(machine_messages).where(this).values(settled=True))


def _sent_to(row: Row[Any]) -> list[int]:
    """Return the numbers of the recipients who got a released message; their order is that of the incident."""
    excluded = set((row.change or {}).get("recipients", ()))
    if not excluded:
        return list(row.recipients)
    if len(row.recipients) != len(row.addresses):
        return []
    return [key for key, address in zip(row.recipients, row.addresses, strict=True) if address not in excluded]


def _lock(connection: Connection, ledger: Ledger) -> None:
    """Lock an account's data until the end of the transaction."""
    if is_shared(connection.engine):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ledger.account})")


def _learn(connection: Connection, keys: Iterable[int], now: int) -> None:
    rows = [{"key": key, "now": now, "known": True, "since": 0} for key in sorted(set(keys))]
    if rows:
        connection.execute(_RECORD_SEEN, rows)


def _places(connection: Connection, owner: int, keys: Sequence[int], now: int) -> dict[int, int]:
    """Return those keys of one owner that are not known, with the place of each among the new ones of today."""
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
    """Return the condition that a row belongs to an owner, between two lower halves."""
    return table.c.key.between(number(owner, begin), number(owner, end))


def _parts(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for place in range(0, len(keys), _CHUNK):
        yield keys[place : place + _CHUNK]
