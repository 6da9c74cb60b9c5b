"""Classes of a program's mail that a moderator has allowed with an approval, until they expire or are revoked.

An allowance belongs to one account and to the recipients of the approved message: for answers in its thread, or for all
mail. It is written together with its event in the audit trail.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, delete, insert, select, update

from holdgate.quarantine import history
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Actor
from holdgate.quarantine.schema import allowances, machine_messages

"""The names of these events."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """One class: who allowed it, with which incident. `is_thread`: only answers in that thread."""

    number: int
    incident_id: str
    is_thread: bool
    who: str
    created_at: datetime
    ends_at: datetime


class Allowances:
    """Reads and writes the table. `reader` is an engine for read-only transactions."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self._engine = engine
        self._reader = reader

    def may_be_of(self, incident_id: str) -> tuple[bool, bool]:
        """Return whether an incident is of a program, and whether its message has a Message-ID for a thread."""
        query = select(machine_messages.c.thread).where(machine_messages.c.incident_id == incident_id)
        with self._reader.connect() as connection:
            row = connection.execute(query).one_or_none()
        return row is not None, row is not None and row.thread != 0

    def grant(
        self, incident_id: str, actor: Actor, now: datetime, until: datetime, note: str, *, is_thread: bool
    ) -> bool:
        """Allow a class; return whether that is new. An incident has one of each kind at a time."""
        of_incident = allowances.c.incident_id == incident_id
        kind = allowances.c.thread != 0 if is_thread else allowances.c.thread == 0
        with self._engine.begin() as connection:
            history.lock(connection, incident_id)
            source = connection.execute(
                select(machine_messages).where(machine_messages.c.incident_id == incident_id)
            ).one()
            if is_thread and not source.thread:
                raise ValueError("the message has no Message-ID")
            active = select(allowances.c.number).where(of_incident, kind, _is_active(now))
            if connection.execute(active).first() is not None:
                return False
            connection.execute(
                insert(allowances).values(
                    incident_id=incident_id,
                    account=source.account,
                    thread=source.thread if is_thread else 0,
                    recipients=source.recipients,
                    who=actor.who,
                    created_at=now,
                    ends_at=until,
                )
            )
            history.write(connection, incident_id, actor, (EventName.ALLOWANCE_GRANTED, note))
        return True

    def revoke(self, number: int, actor: Actor, now: datetime) -> bool:
        """End an allowance; return whether it was active."""
        this = (allowances.c.number == number) & _is_active(now)
        with self._engine.begin() as connection:
            incident_id = connection.execute(select(allowances.c.incident_id).where(this)).scalar()
            if incident_id is None:
                return False
            history.lock(connection, incident_id)
            if not connection.execute(update(allowances).where(this).values(revoked_at=now)).rowcount:
                return False
            history.write(connection, incident_id, actor, (EventName.ALLOWANCE_REVOKED, f"allowance {number}"))
        return True

    def active(self, now: datetime) -> list[Allowance]:
        """Return the active allowances, in order of expiry."""
        query = select(allowances).where(_is_active(now)).order_by(allowances.c.ends_at, allowances.c.number)
        with self._reader.connect() as connection:
            return [_allowance(row) for row in connection.execute(query)]

    def passing(
        self, account: int, threads: Collection[int], recipients: Sequence[int], now: datetime
    ) -> frozenset[int]:
        """Return those recipients for whom mail of this class is allowed; `threads` are the threads that it answers."""
        query = select(allowances.c.thread, allowances.c.recipients)
        found: set[int] = set()
        with self._reader.connect() as connection:
            for thread, allowed in connection.execute(query.where(allowances.c.account == account, _is_active(now))):
                if thread == 0 or thread in threads:
                    found.update(allowed)
        return frozenset(found.intersection(recipients))

    def purge(self, before: datetime) -> int:
        """Remove allowances that ended before a moment; the audit trail keeps their events."""
        with self._engine.begin() as connection:
            return connection.execute(delete(allowances).where(allowances.c.ends_at < before)).rowcount


def _is_active(now: datetime) -> ColumnElement[bool]:
    return (allowances.c.ends_at > now) & allowances.c.revoked_at.is_(None)


def _allowance(row: Row[Any]) -> Allowance:
    return Allowance(row.number, row.incident_id, row.thread != 0, row.who, row.created_at, row.ends_at)
