"""The outbox: notices to send, written in the transaction that makes them necessary.

A notice is sent at least once: it stays in the outbox until its channel has accepted it.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, bindparam, func, insert, select, update

from holdgate.quarantine import history
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Actor, NewNotice, Notice
from holdgate.quarantine.schema import incidents, notices
from holdgate.quarantine.signals import DESK, Signals, queue_of

# The notices of a decision.
_OF_DECISION = ("approved", "rejected", "expired", "withdrawn", "decided", "changed", "lost")

# The notices that must be sent before a queue file is deleted: they return the message, or give the reason.
TO_SENDER = ("rejected", "expired", "withdrawn")

CHANGED = "changed"
"""The message itself, approved with changes: Postfix gets it, and holds it (desk/changing.py)."""

HOLD_QUEUE = "hold queue"
"""The recipient of that notice in the audit trail: its real envelope is that of the held message."""

LOST = "lost"
"""To the sender of a message whose node was retired: it is unknown whether the message was delivered."""

WITH_MESSAGE = (*TO_SENDER, CHANGED)
"""Notices that contain the held message, which the queue agent of its node provides."""

# Longest pause before a notice that its channel refused is retried.
LONGEST_PAUSE = timedelta(minutes=15)

# Built once: these statements are part of each change, and SQLAlchemy takes longer to build one than SQLite to run it.
_DROP = (
    update(notices)
    .where(
        notices.c.incident_id == bindparam("incident"),
        notices.c.sent_at.is_(None),
        notices.c.kind.in_(bindparam("kinds", expanding=True)),
    )
    .values(sent_at=bindparam("dropped_at"))
)


class Outbox:
    """Notices to send.

    `reader` is `engine` with read-only transactions; `here` selects the incidents of this node.
    """

    def __init__(self, engine: Engine, reader: Engine, here: ColumnElement[bool], signals: Signals) -> None:
        self._engine = engine
        self._signals = signals
        self._reader = reader
        self._here = here

    def due(self, now: datetime) -> list[Notice]:
        """Return the unsent notices whose next attempt is due, oldest first.

        An attempt further in the future than the longest pause was scheduled while the clock was wrong: it is due now.
        """
        is_due = (notices.c.next_attempt_at <= now) | (notices.c.next_attempt_at > now + LONGEST_PAUSE)
        wanted = notices.c.sent_at.is_(None) & is_due
        with self._reader.connect() as connection:
            query = select(notices, self._here.label("is_here")).join(incidents).where(wanted)
            rows = connection.execute(query.order_by(notices.c.number)).all()
        return [
            Notice(
                *(row.number, row.incident_id, row.kind, row.recipient, row.attempts, row.note, row.request),
                channel=row.channel or "mail",  # "" in rows of schema 0006 and before
                is_here=bool(row.is_here),
                due_at=row.next_attempt_at,
            )
            for row in rows
        ]

    def is_still_due(self, notice: Notice) -> bool:
        """Return whether a notice has not been sent, dropped or postponed since it was read."""
        same = (notices.c.number == notice.number) & (notices.c.attempts == notice.attempts)
        with self._reader.connect() as connection:
            return (
                connection.execute(select(notices.c.number).where(same, notices.c.sent_at.is_(None))).first()
                is not None
            )

    def awaiting_report(self) -> set[str]:
        """Return the ids of the incidents whose sender has not been notified of the outcome yet."""
        wanted = notices.c.sent_at.is_(None) & notices.c.kind.in_(TO_SENDER)
        with self._reader.connect() as connection:
            return set(connection.execute(select(notices.c.incident_id).where(wanted)).scalars())

    def awaits_change(self, incident_id: str) -> bool:
        """Return whether the changed message of an incident has not been submitted yet."""
        wanted = (notices.c.incident_id == incident_id) & (notices.c.kind == CHANGED) & notices.c.sent_at.is_(None)
        with self._reader.connect() as connection:
            return connection.execute(select(notices.c.number).where(wanted)).first() is not None

    def enqueue(self, incident_id: str, notice: NewNotice, actor: Actor) -> None:
        """Add a notice without a change of the incident: the answer to a mail."""
        with self._engine.begin() as connection:
            history.lock(connection, incident_id)
            enqueue(connection, incident_id, [notice])
            history.write(connection, incident_id, actor, (EventName.ANSWER_QUEUED, notice.note))
        self._signals.notify(DESK)

    def count(self, request: int, kind: str) -> int:
        """Return how many notices of a kind a request has caused."""
        query = select(func.count()).where(notices.c.request == request, notices.c.kind == kind)
        with self._reader.connect() as connection:
            return connection.execute(query).scalar_one()

    def drop(self, notice: Notice, actor: Actor) -> None:
        """Drop a notice that is out of date: a request whose incident was decided meanwhile.

        Nothing is recorded if another desk has sent, dropped or postponed it since it was read.
        """
        self._note(notice, actor, EventName.NOTICE_DROPPED, is_due=True, sent_at=datetime.now(UTC))

    def report_dropped(self, incident_id: str) -> bool:
        """Return whether the report to the sender was not sent, because the sender had refused reports."""
        events = history.of(self._reader, incident_id)
        reports = [one for one in events if one.note.startswith(("rejected to ", "expired to "))]
        ends = [one.event for one in reports if one.event in (EventName.NOTICE_SENT, EventName.NOTICE_DROPPED)]
        return ends[-1:] == [EventName.NOTICE_DROPPED]

    def sent(self, notice: Notice, actor: Actor) -> None:
        """Record that Postfix accepted a notice."""
        self._note(notice, actor, EventName.NOTICE_SENT, sent_at=datetime.now(UTC))

    def failed(self, notice: Notice, actor: Actor, next_attempt_at: datetime) -> None:
        """Record that Postfix did not accept a notice, and when it is retried; otherwise as `drop`."""
        later = {"attempts": notice.attempts + 1, "next_attempt_at": next_attempt_at}
        self._note(notice, actor, EventName.NOTICE_DEFERRED, is_due=True, **later)

    def _note(self, notice: Notice, actor: Actor, event: str, *, is_due: bool = False, **values: Any) -> None:
        same = notices.c.number == notice.number
        if is_due:
            same &= (notices.c.attempts == notice.attempts) & notices.c.sent_at.is_(None)
        by = "" if notice.channel == "mail" else f" over {notice.channel}"
        with self._engine.begin() as connection:
            node = history.lock(connection, notice.incident_id)
            if not connection.execute(update(notices).where(same).values(**values)).rowcount:
                return
            history.write(connection, notice.incident_id, actor, (event, f"{notice.kind} to {notice.recipient}{by}"))
        if "sent_at" in values and notice.kind in WITH_MESSAGE:
            self._signals.notify(queue_of(node))  # the queue agent can delete the message now


def enqueue(connection: Connection, incident_id: str, new: Iterable[NewNotice]) -> bool:
    """Add notices, inside the transaction of `connection`; return whether there were any."""
    now = datetime.now(UTC)
    rows = [{**asdict(one), "incident_id": incident_id, "queued_at": now} for one in new]
    for row in rows:
        row["next_attempt_at"] = row.pop("at") or now
    if rows:
        connection.execute(insert(notices), rows)
    return bool(rows)


def drop_decision(connection: Connection, incident_id: str) -> None:
    """Drop the notices of a decision that is void, inside the transaction of `connection`."""
    _drop(connection, incident_id, _OF_DECISION)


def drop_reports(connection: Connection, incident_id: str) -> None:
    """Drop notices that contain a message that an operator removed, as `drop_decision` does."""
    _drop(connection, incident_id, WITH_MESSAGE)


def _drop(connection: Connection, incident_id: str, kinds: Iterable[str]) -> None:
    connection.execute(_DROP, {"incident": incident_id, "kinds": list(kinds), "dropped_at": datetime.now(UTC)})
