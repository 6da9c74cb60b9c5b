"""The store: incidents, requests and notices in SQL. Every change of an incident goes through `change` or `amend`.

An incident changes by compare-and-swap inside one transaction with its event, the requests it makes and the notices it
enqueues, so that of two deciders one wins and the other is told, and a crash leaves either all of it or nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from holdgate import maillog
from holdgate.quarantine import audit, binding
from holdgate.quarantine.audit import AuditTrail
from holdgate.quarantine.database import StoreError, connect, migrate
from holdgate.quarantine.incident import Actor, Answer, Ask, Event, Incident, NewNotice, Notice, Request, Standing
from holdgate.quarantine.replies import Replies
from holdgate.quarantine.requests import Requests, incident_of, unanswered
from holdgate.quarantine.schema import events, incidents, notices, requests, used_seals
from holdgate.quarantine.sessions import EndedSessions
from holdgate.quarantine.states import DECIDED, OPEN, State, may_become

__all__ = ["Actor", "ConflictError", "Store", "StoreError", "migrate", "open_store"]

# What retention empties; who sent what to whom, when, and who decided stay.
_CONTENT: dict[str, Any] = {"subject": "", "header_from": "", "message_id": "", "comment": None, "attachments": []}

# What an incident has each time that its message comes into the hold queue: nobody was asked, and nothing is decided.
_UNDECIDED: dict[str, Any] = dict.fromkeys(
    ("asked_at", "deadline_at", "remind_at", "decided_at", "decided_by", "decided_how", "comment", "closed_at")
) | {"level": 0}

# The mail that tells of a decision.
_TELLS_DECISION = ("approved", "rejected", "expired", "withdrawn", "decided")

# The mail that has to be on its way before a queue file may go: it brings the message back, or says why it does not.
_TELLS_SENDER = ("rejected", "expired", "withdrawn")


class ConflictError(Exception):
    """An incident was changed by somebody else first; `incident` is how it stands now."""

    def __init__(self, incident: Incident) -> None:
        super().__init__(f"incident {incident.id} is {incident.state}")
        self.incident = incident


def open_store(url: str) -> "Store":
    """Connect to an existing store. Raises StoreError where its schema is not this version's."""
    return Store(connect(url))


class Store:
    """Incidents, their events and the notices we owe. `requests`, `audit` and `sessions` have what belongs to them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(reads=True)
        self.requests = Requests(self._reader)
        self.replies = Replies(engine, self._reader)
        self.audit = AuditTrail(self._reader)
        self.sessions = EndedSessions(engine, self._reader)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # -- incidents ------------------------------------------------------------------------------------------------

    def record(
        self,
        incident: Incident,
        actor: Actor,
        event: str = "recorded",
        note: str = "",
        outbox: Iterable[NewNotice] = (),
        also: Iterable[str] = (),
    ) -> None:
        """Write a new incident, with `event` and the further events `also`, and the notices that it makes us owe.

        Raises StoreError when it could not be written for good.
        """
        try:
            with self._engine.begin() as connection:
                values = asdict(incident)
                connection.execute(insert(incidents).values(**values))
                enqueues = _enqueue(connection, incident.id, outbox)
                content = binding.content_of_new(connection, values, enqueues=enqueues)
                for name, remark in ((event, note), *((one, "") for one in also)):
                    audit.append(connection, incident.id, incident.created_at, name, actor, remark, content=content)
        except SQLAlchemyError as error:
            raise StoreError(type(error.__cause__ or error).__name__) from error

    def incident(self, incident_id: str) -> Incident | None:
        """Return one incident, or None."""
        with self._reader.connect() as connection:
            row = connection.execute(select(incidents).where(incidents.c.id == incident_id)).one_or_none()
        return None if row is None else incident_of(row)

    def find(self, name: str) -> list[Incident]:
        """Return the incidents that a person calls `name`: an incident id in any case, or a queue id."""
        wanted = (incidents.c.id == name.upper()) | (incidents.c.queue_id == name)
        with self._reader.connect() as connection:
            rows = connection.execute(select(incidents).where(wanted).order_by(incidents.c.created_at)).all()
        return [incident_of(row) for row in rows]

    def incidents(
        self, states: Collection[State] | None = None, limit: int | None = None, offset: int = 0
    ) -> list[Incident]:
        """Return incidents in `states` (None: all), oldest first; with `limit`, the newest so many after `offset`."""
        query = select(incidents)
        if states is not None:
            query = query.where(incidents.c.state.in_(sorted(states)))
        query = query.order_by(incidents.c.created_at.desc(), incidents.c.id).limit(limit).offset(offset)
        with self._reader.connect() as connection:
            rows = connection.execute(query).all()
        return [incident_of(row) for row in reversed(rows)]

    def open_incidents(self) -> list[Standing]:
        """Return where every open incident stands, oldest first: of many thousands in little time."""
        columns = [incidents.c[name] for name in ("id", "queue_id", "arrival_time", "state", "created_at")]
        query = select(*columns).where(incidents.c.state.in_(sorted(OPEN))).order_by(incidents.c.created_at)
        with self._reader.connect() as connection:
            return [
                Standing(row.id, row.queue_id, row.arrival_time, State(row.state), row.created_at)
                for row in connection.execute(query)
            ]

    def decided(self) -> set[str]:
        """Return the ids of the incidents whose decision has yet to be carried out."""
        query = select(incidents.c.id).where(incidents.c.state.in_(sorted(DECIDED)))
        with self._reader.connect() as connection:
            return set(connection.execute(query).scalars())

    def count(self) -> dict[State, int]:
        """Return how many incidents stand in each state."""
        query = select(incidents.c.state, func.count()).group_by(incidents.c.state)
        with self._reader.connect() as connection:
            return {State(state): number for state, number in connection.execute(query)}

    def awaiting_request(self) -> list[Incident]:
        """Return the held incidents about which nobody was asked yet, oldest first."""
        return self._held(incidents.c.asked_at.is_(None))

    def awaiting_request_ids(self) -> list[str]:
        """Return their ids alone: of many thousands in little time."""
        wanted = (incidents.c.state == State.HELD) & incidents.c.asked_at.is_(None)
        with self._reader.connect() as connection:
            query = select(incidents.c.id).where(wanted).order_by(incidents.c.created_at)
            return list(connection.execute(query).scalars())

    def overdue(self, now: datetime) -> list[Incident]:
        """Return the held incidents whose deadline has passed."""
        return self._held(incidents.c.deadline_at <= now)

    def to_remind(self, now: datetime) -> list[Incident]:
        """Return the held incidents whose moderators are to be reminded."""
        return self._held(incidents.c.remind_at <= now)

    def _held(self, condition: Any) -> list[Incident]:
        query = select(incidents).where(incidents.c.state == State.HELD, condition).order_by(incidents.c.created_at)
        with self._reader.connect() as connection:
            return [incident_of(row) for row in connection.execute(query)]

    def unerased_policies(self) -> list[str]:
        """Return the policies of finished incidents that still have their content."""
        wanted = incidents.c.erased_at.is_(None) & or_(
            incidents.c.closed_at.is_not(None), incidents.c.state == State.RECORDED
        )
        with self._reader.connect() as connection:
            return list(connection.execute(select(incidents.c.policy).where(wanted).distinct()).scalars())

    def finished_before(self, policy: str, moment: datetime) -> list[str]:
        """Return which incidents of a policy ended before `moment` and still have content, by id, oldest first."""
        ended = or_(
            incidents.c.closed_at < moment,
            (incidents.c.state == State.RECORDED) & (incidents.c.created_at < moment),
        )
        wanted = incidents.c.erased_at.is_(None) & (incidents.c.policy == policy) & ended
        query = select(incidents.c.id).where(wanted).order_by(incidents.c.created_at)
        with self._reader.connect() as connection:
            return list(connection.execute(query).scalars())

    def change(
        self,
        incident: Incident,
        new: State,
        actor: Actor,
        *,
        note: str = "",
        outbox: Iterable[NewNotice] = (),
        answers: Mapping[int, Answer] | None = None,
        also: Iterable[str] = (),
        **values: Any,
    ) -> Incident:
        """Bring `incident` from the state it is known in to `new`, and set further columns by `values`.

        `outbox` are the notices to send because of it, `answers` what requests (by number) are answered with, `also`
        further events. A message that is held, for the first time or again, is undecided: requests and answers of an
        earlier hold are void, and only the history tells what was decided then. Raises ConflictError when
        somebody else changed the incident first, and ValueError for a transition that the table of states lacks.
        """
        if not may_become(incident.state, new):
            raise ValueError(f"no way from {incident.state} to {new}")
        if new is State.HELD:
            values = _UNDECIDED | values
        with self._engine.begin() as connection:
            changed = self._swap(connection, incident, {"state": new, **values})
            if new is State.HELD:
                _forget_decision(connection, incident.id)
            _enqueue(connection, incident.id, outbox)
            _answer(connection, answers or {})
            _tell(connection, incident.id, actor, (new, note), *((one, "") for one in also))
        maillog.incident_changed(
            incident.queue_id, incident=incident.id, old=incident.state, new=new, who=actor.who, method=actor.how
        )
        return changed

    def amend(
        self,
        incident: Incident,
        event: str,
        actor: Actor,
        *,
        note: str = "",
        outbox: Iterable[NewNotice] = (),
        answers: Mapping[int, Answer] | None = None,
        asks: Iterable[Ask] = (),
        supersede: bool = False,
        **values: Any,
    ) -> Incident:
        """Go a step with `incident` that leaves its state: as `change`, and make the requests `asks`.

        Each request enqueues its mail, and ends at the incident's new deadline. With `supersede` requests without an
        answer count no longer. Raises ConflictError when somebody else changed the incident first.
        """
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            changed = self._swap(connection, incident, values)
            _answer(connection, answers or {})
            if supersede:
                _supersede(connection, (requests.c.incident_id == incident.id) & unanswered())
            for ask in asks:
                number = connection.execute(
                    insert(requests).values(
                        **asdict(ask), incident_id=incident.id, asked_at=now, deadline_at=changed.deadline_at
                    )
                ).inserted_primary_key
                assert number is not None
                _enqueue(connection, incident.id, [NewNotice("request", ask.moderator, request=number[0])])
            _enqueue(connection, incident.id, outbox)
            _tell(connection, incident.id, actor, (event, note))
        return changed

    def _swap(self, connection: Connection, incident: Incident, values: Mapping[str, Any]) -> Incident:
        """Write `values`, if the incident is still as `incident` says; return how it is now."""
        same = (incidents.c.id == incident.id) & (incidents.c.revision == incident.revision)
        new = {**values, "revision": incident.revision + 1}
        changed = connection.execute(update(incidents).where(same).values(**new))
        row = connection.execute(select(incidents).where(incidents.c.id == incident.id)).one()
        if changed.rowcount != 1:
            raise ConflictError(incident_of(row))
        return incident_of(row)

    def opened(self, request: Request, actor: Actor) -> bool:
        """Record that a moderator opened an incident; only the first time counts. Say whether this was it."""
        now = datetime.now(UTC)
        first = (requests.c.number == request.number) & requests.c.opened_at.is_(None)
        with self._engine.begin() as connection:
            if connection.execute(update(requests).where(first).values(opened_at=now)).rowcount != 1:
                return False
            _tell(connection, request.incident_id, actor, ("opened", ""))
        return True

    def erase(self, incident: Incident, actor: Actor) -> None:
        """Take the content out of a closed incident: subject, comment, samples, notes of its history."""
        now = datetime.now(UTC)
        findings = [{**finding, "masked": [], "parts": []} for finding in incident.findings]
        with self._engine.begin() as connection:
            self._swap(connection, incident, {**_CONTENT, "reason": "", "findings": findings, "erased_at": now})
            audit.erase_notes(connection, incident.id)
            _tell(connection, incident.id, actor, ("erased", ""))

    # -- seals ----------------------------------------------------------------------------------------------------

    def use_seals(self, digests: Collection[str], expires_at: datetime) -> bool:
        """Note that these were used; False, and nothing is noted, when one of them was before. Raises StoreError."""
        try:
            with self._engine.begin() as connection:
                connection.execute(delete(used_seals).where(used_seals.c.expires_at < datetime.now(UTC)))
                connection.execute(
                    insert(used_seals), [{"digest": digest, "expires_at": expires_at} for digest in sorted(digests)]
                )
        except IntegrityError:
            return False
        except SQLAlchemyError as error:
            raise StoreError(type(error.__cause__ or error).__name__) from error
        return True

    # -- events ---------------------------------------------------------------------------------------------------

    def add_event(self, incident_id: str, event: str, actor: Actor, note: str = "") -> None:
        """Write a line of history that changes no state."""
        with self._engine.begin() as connection:
            _tell(connection, incident_id, actor, (event, note))

    def history(self, incident_id: str) -> list[Event]:
        """Return what happened to an incident, oldest first."""
        query = select(events).where(events.c.incident_id == incident_id).order_by(events.c.number)
        with self._reader.connect() as connection:
            rows = connection.execute(query).all()
        return [Event(row.at, row.event, row.who, row.how, row.note, row.origin) for row in rows]

    # -- notices --------------------------------------------------------------------------------------------------

    def notices_due(self, now: datetime) -> list[Notice]:
        """Return the notices that are not sent yet and whose next attempt has come, oldest first."""
        wanted = notices.c.sent_at.is_(None) & (notices.c.next_attempt_at <= now)
        with self._reader.connect() as connection:
            rows = connection.execute(select(notices).where(wanted).order_by(notices.c.number)).all()
        return [
            Notice(row.number, row.incident_id, row.kind, row.recipient, row.attempts, row.note, row.request)
            for row in rows
        ]

    def owing(self) -> set[str]:
        """Return the ids of all incidents whose sender still has to be told what became of the message."""
        wanted = notices.c.sent_at.is_(None) & notices.c.kind.in_(_TELLS_SENDER)
        with self._reader.connect() as connection:
            return set(connection.execute(select(notices.c.incident_id).where(wanted)).scalars())

    def enqueue_notice(self, incident_id: str, outbox: NewNotice, actor: Actor) -> None:
        """Owe one more notice that belongs to no change: the answer to a mail."""
        with self._engine.begin() as connection:
            _enqueue(connection, incident_id, [outbox])
            _tell(connection, incident_id, actor, ("answer outbox", outbox.note))

    def queued_notices(self, request: int, kind: str) -> int:
        """Return how many notices of a kind a request has led to."""
        query = select(func.count()).where(notices.c.request == request, notices.c.kind == kind)
        with self._reader.connect() as connection:
            return connection.execute(query).scalar_one()

    def notice_obsolete(self, notice: Notice, actor: Actor) -> None:
        """Forget a notice that tells nothing any more: a request whose incident was decided meanwhile."""
        self._note(notice, actor, "notice dropped", sent_at=datetime.now(UTC))

    def report_dropped(self, incident_id: str) -> bool:
        """Say whether the report to the sender was not sent, because the message asked for none."""
        reports = [one for one in self.history(incident_id) if one.note.startswith(("rejected to ", "expired to "))]
        ends = [one.event for one in reports if one.event in ("notice sent", "notice dropped")]
        return ends[-1:] == ["notice dropped"]

    def notice_sent(self, notice: Notice, actor: Actor) -> None:
        """Record that Postfix took a notice."""
        self._note(notice, actor, "notice sent", sent_at=datetime.now(UTC))

    def notice_failed(self, notice: Notice, actor: Actor, next_attempt_at: datetime) -> None:
        """Record that Postfix did not take a notice, and when it is tried again."""
        self._note(notice, actor, "notice put off", attempts=notice.attempts + 1, next_attempt_at=next_attempt_at)

    def _note(self, notice: Notice, actor: Actor, event: str, **values: Any) -> None:
        same = notices.c.number == notice.number
        with self._engine.begin() as connection:
            connection.execute(update(notices).where(same).values(**values))
            _tell(connection, notice.incident_id, actor, (event, f"{notice.kind} to {notice.recipient}"))


def _tell(connection: Connection, incident_id: str, actor: Actor, *remark: tuple[str, str]) -> None:
    """Write events, each with its note, as the last thing that a transaction does: they bind what it wrote."""
    content = binding.content(connection, incident_id)
    for event, note in remark:
        audit.append(connection, incident_id, datetime.now(UTC), event, actor, note, content=content)


def _enqueue(connection: Connection, incident_id: str, outbox: Iterable[NewNotice]) -> bool:
    """Write the notices that we owe; say whether there were any."""
    now = datetime.now(UTC)
    rows = [{**asdict(one), "incident_id": incident_id, "queued_at": now, "next_attempt_at": now} for one in outbox]
    if rows:
        connection.execute(insert(notices), rows)
    return bool(rows)


def _supersede(connection: Connection, which: ColumnElement[bool]) -> None:
    void = {"answer": Answer.SUPERSEDED, "answered_at": datetime.now(UTC)}
    connection.execute(update(requests).where(which).values(void))


def _forget_decision(connection: Connection, incident_id: str) -> None:
    """Make all requests about an incident void, and drop the mail that would tell of a decision on it."""
    _supersede(connection, requests.c.incident_id == incident_id)
    unsent = (notices.c.incident_id == incident_id) & notices.c.sent_at.is_(None)
    told = update(notices).where(unsent & notices.c.kind.in_(_TELLS_DECISION))
    connection.execute(told.values(sent_at=datetime.now(UTC)))


def _answer(connection: Connection, answers: Mapping[int, Answer]) -> None:
    for number, answer in answers.items():
        connection.execute(
            update(requests).where(requests.c.number == number).values(answer=answer, answered_at=datetime.now(UTC))
        )
