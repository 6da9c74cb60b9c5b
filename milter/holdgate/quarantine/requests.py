"""The requests of an incident, and a moderator's list with its filters."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Text,
    Update,
    and_,
    bindparam,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from holdgate.quarantine import history
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import OWNER, SENDER, Actor, Answer, Ask, Incident, Request
from holdgate.quarantine.schema import events, incidents, notices, requests
from holdgate.quarantine.states import State

COUNTED = 200
"""The incidents of a list are counted up to this number, because a moderator may have thousands."""

Place = tuple[datetime, str]
"""A place in a list: deadline and id of a waiting incident, else time of arrival and id."""


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents to show to a moderator.

    `waiting` selects those that need their decision, `states` (empty: all) those in a state, `policy` ("": any) those
    of a policy. The subject, the sender, their name or a recipient must contain `words`. `since` is the earliest time
    of arrival.
    """

    waiting: bool = False
    states: frozenset[State] = frozenset()
    policy: str = ""
    words: str = ""
    since: datetime | None = None


class Requests:
    """Requests to moderators, and to senders about their own mail, which are in no moderator's list.

    `reader` is `engine` with read-only transactions.
    """

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self._engine = engine
        self._reader = reader

    def by_number(self, number: int) -> Request | None:
        """Return one request, or None."""
        with self._reader.connect() as connection:
            row = connection.execute(select(requests).where(requests.c.number == number)).one_or_none()
        return None if row is None else request_of(row)

    def of(self, incident_id: str) -> list[Request]:
        """Return all requests about an incident, oldest first."""
        query = select(requests).where(requests.c.incident_id == incident_id).order_by(requests.c.number)
        with self._reader.connect() as connection:
            return [request_of(row) for row in connection.execute(query)]

    def knows(self, moderator: str) -> bool:
        """Return whether a person ever got a request."""
        query = select(requests.c.number).where(_asks(moderator)).limit(1)
        with self._reader.connect() as connection:
            return connection.execute(query).first() is not None

    def count(self, moderator: str, wanted: IncidentFilter) -> int:
        """Return how many incidents of a moderator match the filter, `COUNTED` + 1 for more than `COUNTED`."""
        with self._reader.connect() as connection:
            found = select(incidents.c.id).where(_condition(connection, moderator, wanted)).limit(COUNTED + 1)
            return connection.execute(select(func.count()).select_from(found.subquery())).scalar_one()

    def policies(self, moderator: str) -> list[str]:
        """Return the policies of all incidents for which a moderator ever got a request."""
        query = select(incidents.c.policy).join(requests).where(_asks(moderator)).distinct()
        with self._reader.connect() as connection:
            return sorted(connection.execute(query).scalars())

    def page(
        self, moderator: str, wanted: IncidentFilter, *, limit: int, offset: int = 0, place: Place | None = None
    ) -> list[Incident]:
        """Return a page of a moderator's incidents: waiting ones by deadline, others newest first.

        With `place`, it begins after the incident with these values, at the same cost at any depth of the list.
        """
        key = incidents.c.deadline_at if wanted.waiting else incidents.c.created_at
        with self._reader.connect() as connection:
            query = select(incidents).where(_condition(connection, moderator, wanted)).limit(limit).offset(offset)
            if place is not None:
                here, there = tuple_(key, incidents.c.id), tuple_(*map(literal, place, (key.type, incidents.c.id.type)))
                query = query.where(here > there if wanted.waiting else here < there)
            if wanted.waiting:
                query = query.order_by(key, incidents.c.id)
            else:
                query = query.order_by(key.desc(), incidents.c.id.desc())
            return [incident_of(row) for row in connection.execute(query)]

    def last_event(self, incident_ids: Collection[str], names: Collection[str]) -> dict[str, str]:
        """Return for each incident the last of the events called `names`; those without one are left out."""
        last = (
            select(func.max(events.c.number))
            .where(events.c.incident_id.in_(sorted(incident_ids)), events.c.event.in_(sorted(names)))
            .group_by(events.c.incident_id)
        )
        query = select(events.c.incident_id, events.c.event).where(events.c.number.in_(last))
        with self._reader.connect() as connection:
            return {row.incident_id: row.event for row in connection.execute(query)}

    def deferred(self, moderator: str, incident_ids: Collection[str]) -> dict[str, datetime]:
        """Return until when a moderator has deferred each of these incidents, by their pending reminders."""
        query = select(notices.c.incident_id, notices.c.next_attempt_at).where(
            notices.c.incident_id.in_(sorted(incident_ids)),
            notices.c.kind == "reminder",
            notices.c.recipient == moderator,
            notices.c.sent_at.is_(None),
            notices.c.attempts == 0,
        )
        with self._reader.connect() as connection:
            return {row.incident_id: row.next_attempt_at for row in connection.execute(query)}

    def open_to(self, moderator: str, incident_ids: Collection[str]) -> set[str]:
        """Return which of these incidents a moderator can still answer."""
        # Without the answer in the condition: SQLite would read all open requests of the moderator.
        query = select(requests.c.incident_id, requests.c.answer)
        query = query.where(_asks(moderator), requests.c.incident_id.in_(sorted(incident_ids)))
        with self._reader.connect() as connection:
            rows = connection.execute(query)
            return {row.incident_id for row in rows if row.answer in (None, Answer.OUT_OF_OFFICE)}

    def decided_since(self, person: str, moment: datetime, *, limit: int) -> list[Incident]:
        """Return the incidents that a person sent or was asked about, closed after `moment`, newest first."""
        concerned = or_(
            incidents.c.sender == person,
            incidents.c.id.in_(select(requests.c.incident_id).where(requests.c.moderator == person)),
        )
        ended = or_(incidents.c.decided_at > moment, incidents.c.closed_at > moment)
        query = select(incidents).where(concerned, ended).order_by(incidents.c.decided_at.desc()).limit(limit)
        with self._reader.connect() as connection:
            return [incident_of(row) for row in connection.execute(query)]

    def about_own(self, is_theirs: Callable[[str], bool], since: datetime) -> int:
        """Return how often a person was asked as the sender of a message, or as an application's owner, since then."""
        query = select(requests.c.moderator, func.count()).where(requests.c.role.in_((SENDER, OWNER)))
        query = query.where(requests.c.asked_at > since).group_by(requests.c.moderator)
        with self._reader.connect() as connection:
            return sum(number for person, number in connection.execute(query) if is_theirs(person))

    def opened(self, request: Request, actor: Actor) -> bool:
        """Record the first time that a moderator opens an incident. Return whether it was the first."""
        now = datetime.now(UTC)
        first = (requests.c.number == request.number) & requests.c.opened_at.is_(None)
        with self._engine.begin() as connection:
            history.lock(connection, request.incident_id)
            if connection.execute(update(requests).where(first).values(opened_at=now)).rowcount != 1:
                return False
            history.write(connection, request.incident_id, actor, (EventName.OPENED, ""))
        return True


def _asks(moderator: str) -> ColumnElement[bool]:
    """Return the condition that a person was asked as a moderator."""
    return and_(requests.c.moderator == moderator, requests.c.role.not_in((SENDER, OWNER)))


def unanswered() -> ColumnElement[bool]:
    """Return the condition that a request can still be answered; an absent moderator may return."""
    return or_(requests.c.answer.is_(None), requests.c.answer == Answer.OUT_OF_OFFICE)


def _condition(connection: Connection, moderator: str, wanted: IncidentFilter) -> ColumnElement[bool]:
    """Return the condition that a moderator was asked about an incident, and that it matches the filter.

    With few requests, their incidents are looked up. With many, the incidents are read in the order of the page, and
    each is looked up among the requests until the page is full. SQLite does not choose between the two by itself.
    """
    asked = select(requests.c.incident_id).where(_asks(moderator))
    if wanted.waiting:
        asked = asked.where(unanswered())
    some = select(func.count()).select_from(asked.limit(COUNTED + 1).subquery())
    if connection.execute(some).scalar_one() <= COUNTED:
        conditions: list[ColumnElement[bool]] = [incidents.c.id.in_(asked)]
    else:
        conditions = [asked.where(requests.c.incident_id == incidents.c.id).exists()]
    if wanted.waiting:
        conditions.append(incidents.c.state == State.HELD)
    if wanted.states:
        conditions.append(incidents.c.state.in_(sorted(wanted.states)))
    if wanted.policy:
        conditions.append(incidents.c.policy == wanted.policy)
    if wanted.since is not None:
        conditions.append(incidents.c.created_at >= wanted.since)
    conditions += [_contains(word) for word in wanted.words.split()[:8]]
    return and_(*conditions)


def _contains(word: str) -> ColumnElement[bool]:
    """Return the condition that an incident contains a word, in any case.

    SQLite, and PostgreSQL in the locale C, know the case of ASCII letters only, so a word with others is searched in
    four forms. JSON has such letters as escapes.
    """
    forms = {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}
    recipients = cast(incidents.c.recipients, Text)
    columns: tuple[ColumnElement[Any], ...] = (
        *(incidents.c.subject, incidents.c.sender, incidents.c.header_from, incidents.c.id),
    )
    return or_(
        *(column.icontains(form, autoescape=True) for form in forms for column in columns),
        *(recipients.icontains(json.dumps(form)[1:-1], autoescape=True) for form in forms),
    )


def incident_of(row: Row[Any]) -> Incident:
    """Convert a row of the table to an incident."""
    values = dict(row._mapping)
    return Incident(**{**values, "state": State(values["state"])})


def request_of(row: Row[Any]) -> Request:
    """Convert a row of the table to a request."""
    values = dict(row._mapping)
    return Request(**{**values, "answer": Answer(values["answer"]) if values["answer"] else None})


def ask(connection: Connection, incident: Incident, new: Ask, at: datetime) -> int:
    """Write a request, which ends at the incident's deadline, inside the transaction; return its number."""
    values = {**asdict(new), "incident_id": incident.id, "asked_at": at, "deadline_at": incident.deadline_at}
    number = connection.execute(insert(requests).values(values)).inserted_primary_key
    assert number is not None
    return int(number[0])


def answer(connection: Connection, answers: Mapping[int, Answer]) -> None:
    """Write the answers to requests, by number, inside the transaction."""
    for number, one in answers.items():
        values = {"answer": one, "answered_at": datetime.now(UTC)}
        connection.execute(update(requests).where(requests.c.number == number).values(values))


def supersede(connection: Connection, incident_id: str, *, answered: bool) -> None:
    """Invalidate the requests about an incident; with `answered`, those with an answer too."""
    void = {"incident": incident_id, "new_answer": Answer.SUPERSEDED, "at": datetime.now(UTC)}
    connection.execute(_superseded(answered), void)


@cache
def _superseded(answered: bool) -> Update:
    """Return the statement of `supersede`, built once, because it is part of each hold."""
    which = requests.c.incident_id == bindparam("incident")
    void: dict[str, Any] = {"answer": bindparam("new_answer"), "answered_at": bindparam("at")}
    return update(requests).where(which if answered else which & unanswered()).values(void)
