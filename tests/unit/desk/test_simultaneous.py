"""Several people and the deadline decide at the same moment: one decision counts."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from holdgate.desk import asking, moderation
from holdgate.desk.context import Desk
from holdgate.desk.moderation import RefusedError, answer, expire, override, withdraw
from holdgate.quarantine.incident import Actor, Answer, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import ConflictError, open_store
from tests.unit.desk.conftest import MakeDesk

BOSS, OTHER = "boss@corp.example", "other@corp.example"
DECIDED = {State.APPROVED, State.REJECTED, State.EXPIRED}
ROUNDS = 3

Decide = Callable[[Desk, Incident], Incident]


def by(person: str, choice: Answer, *, how: str = "link") -> Decide:
    def decide(desk: Desk, incident: Incident) -> Incident:
        asked = moderation.request_of(desk, incident, person)
        assert asked is not None
        return answer(desk, asked, choice, Actor(person, how))

    return decide


def at_the_deadline(desk: Desk, incident: Incident) -> Incident:
    return expire(desk, incident)


def by_the_sender(desk: Desk, incident: Incident) -> Incident:
    return withdraw(desk, incident, Actor(incident.sender, moderation.WITHDRAWAL))


def by_an_administrator(desk: Desk, incident: Incident) -> Incident:
    return override(desk, incident, Answer.APPROVE, Actor("root", "command"))


SIMULTANEOUS: dict[str, list[Decide]] = {
    "one person clicks twice": [by(BOSS, Answer.APPROVE), by(BOSS, Answer.APPROVE)],
    "one person approves by link and rejects by mail": [
        by(BOSS, Answer.APPROVE),
        by(BOSS, Answer.REJECT, how="mail"),
    ],
    "two people disagree": [by(BOSS, Answer.APPROVE), by(OTHER, Answer.REJECT)],
    "a decision and the deadline": [by(BOSS, Answer.APPROVE), at_the_deadline],
    "a decision, the deadline, the sender and an administrator": [
        by(BOSS, Answer.APPROVE),
        by(OTHER, Answer.REJECT),
        at_the_deadline,
        by_the_sender,
        by_an_administrator,
    ],
}


@pytest.fixture
def new_desk(tmp_path: Path, store_url: str, make_desk: MakeDesk) -> Iterator[Callable[..., Desk]]:
    """Return a function that makes a desk with a connection of its own to one store, on each kind of store."""
    with ExitStack() as stack:

        def make(**options: Any) -> Desk:
            settings = make_desk(moderators=[BOSS, OTHER], **options).settings
            return Desk(stack.enter_context(closing(open_store(store_url))), settings)

        yield make


def held(desk: Desk, number: int) -> Incident:
    now = datetime.now(UTC)
    incident = Incident(
        queue_id=f"4a{number}",
        sender="anna@corp.example",
        recipients=["bob@partner.example"],
        policy="p",
        subject="Figures",
        created_at=now,
        arrival_time=1000,
    )
    desk.store.record(incident, Actor("holdgate-milter", "milter"))
    incident = desk.store.change(incident, State.HELD, Actor("holdgate-queue", "queue"), held_at=now)
    return asking.ask(desk, incident, now)


def at_once(desks: list[Desk], deciders: list[Decide], incident: Incident) -> list[State | None]:
    """Run each decider in a thread with its desk; return the state that each returned, None if it was refused."""
    barrier = threading.Barrier(len(deciders))
    results: list[State | None] = [None] * len(deciders)
    errors: list[BaseException] = []

    def run(place: int) -> None:
        barrier.wait()
        try:
            results[place] = deciders[place](desks[place], replace(incident)).state
        except (RefusedError, ConflictError):
            pass
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(deciders))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return results


@pytest.mark.parametrize("deciders", [pytest.param(one, id=name) for name, one in SIMULTANEOUS.items()])
def test_one_of_several_simultaneous_decisions_counts(new_desk: Callable[..., Desk], deciders: list[Decide]) -> None:
    desks = [new_desk() for _ in deciders]
    for number in range(ROUNDS):
        incident = held(desks[0], number)
        results = at_once(desks, deciders, incident)
        now = desks[0].store.incident(incident.id)
        assert now is not None
        assert now.state in DECIDED
        assert [one for one in results if one is not None] == [now.state]
        events = [event.event for event in desks[0].store.history(incident.id)]
        assert len([one for one in events if one in DECIDED]) == 1
        answers = [one.answer for one in desks[0].store.requests.of(incident.id) if one.answer is not None]
        assert len(answers) <= 1
    assert desks[0].store.audit.verify().problem == ""


@pytest.mark.parametrize("repeated", [1, 2])
def test_two_simultaneous_approvals_of_two_people_count_and_two_of_one_person_do_not(
    new_desk: Callable[..., Desk], repeated: int
) -> None:
    deciders = [by(BOSS, Answer.APPROVE)] * repeated + [by(OTHER, Answer.APPROVE)] * (2 - repeated)
    desks = [new_desk(approvals=2) for _ in deciders]
    for number in range(ROUNDS):
        incident = held(desks[0], number)
        at_once(desks, deciders, incident)
        now = desks[0].store.incident(incident.id)
        assert now is not None
        assert now.state is (State.HELD if repeated == 2 else State.APPROVED)
        who = [
            event.who for event in desks[0].store.history(incident.id) if event.event in ("approval", State.APPROVED)
        ]
        assert sorted(who) == ([BOSS] if repeated == 2 else [BOSS, OTHER])


def test_a_rejection_and_the_last_approval_leave_one_of_them(new_desk: Callable[..., Desk]) -> None:
    desks = [new_desk(approvals=2) for _ in range(2)]
    for number in range(ROUNDS):
        incident = held(desks[0], number)
        results = at_once(desks, [by(BOSS, Answer.APPROVE), by(OTHER, Answer.REJECT)], incident)
        now = desks[0].store.incident(incident.id)
        assert now is not None
        assert now.state is State.REJECTED
        assert results[1] is State.REJECTED
