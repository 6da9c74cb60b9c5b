"""Incidents are closed by where their message went, once, and only as they were read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from holdgate import metrics
from holdgate.quarantine.incident import Actor, Incident, Standing
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, open_store
from holdgate.queue.closing import Closing

BOSS = Actor("boss@corp.example", "page")
AGENT = Actor("holdgate-queue", "queue")
HELD_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url)
    yield opened
    opened.close()


def made(store: Store, state: State, queue_id: str = "4abc") -> Standing:
    """Record an incident that came to a state in the usual way."""
    incident = Incident(queue_id, "anna@corp.example", ["bob@partner.example"], "p", created_at=HELD_AT)
    store.record(incident, AGENT)
    if state is not State.PENDING:
        incident = store.change(incident, State.HELD, AGENT, held_at=HELD_AT)
    if state not in (State.PENDING, State.HELD):
        decision: dict[str, Any] = {
            "decided_at": HELD_AT + timedelta(hours=1),
            "decided_by": BOSS.who,
            "decided_how": BOSS.how,
        }
        store.change(incident, state, BOSS, note="", comment="why", **decision)
    return read(store, incident.id)


def read(store: Store, incident_id: str) -> Standing:
    (one,) = [one for one in store.open_incidents() if one.id == incident_id]
    return one


def now(store: Store, one: Standing) -> Incident:
    found = store.incident(one.id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("state", "begun", "awaits_report", "end", "note"),
    [
        (State.PENDING, False, False, State.VANISHED, "never seen in the hold queue"),
        (State.HELD, False, False, State.VANISHED, "gone from the hold queue"),
        (State.APPROVED, True, False, State.RELEASED, ""),
        (State.APPROVED, False, False, State.VANISHED, "gone from the hold queue"),
        (State.REJECTED, False, False, State.RETURNED, ""),
        (State.REJECTED, False, True, State.VANISHED, "gone from the hold queue"),
        (State.EXPIRED, False, False, State.RETURNED, ""),
        (State.EXPIRED, False, True, State.VANISHED, "gone from the hold queue"),
    ],
)
def test_the_final_state_of_an_incident_whose_message_is_missing(
    store: Store, state: State, begun: bool, awaits_report: bool, end: State, note: str
) -> None:
    one = made(store, state)
    closing = Closing(store)
    if begun:
        assert not closing.begin(one)
    closing.close_missing(one, awaits_report=awaits_report)
    found = now(store, one)
    assert found.state is end
    assert found.closed_at is not None
    assert abs(found.closed_at - datetime.now(UTC)) < timedelta(minutes=5)
    assert store.history(one.id)[-1].note == note
    # A decision that was not carried out is not the message's outcome.
    kept = end is not State.VANISHED or state is State.APPROVED
    if state not in (State.PENDING, State.HELD):
        assert (found.decided_by, found.comment) == ((BOSS.who, "why") if kept else (None, None))


def test_a_copy_that_postfix_did_not_accept_is_not_logged_as_never_held(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    one = made(store, State.PENDING, queue_id="")
    Closing(store).close_missing(one, awaits_report=False)
    assert now(store, one).state is State.VANISHED
    assert store.history(one.id)[-1].note == "Postfix did not accept the copy; its client retries"
    assert "never-held" not in caplog.text


@pytest.mark.parametrize(
    ("state", "event", "label"),
    [(State.PENDING, "never-held", "never-held"), (State.HELD, "gone-undecided", "vanished")],
)
def test_a_missing_message_is_logged_and_counted_once(
    store: Store, caplog: pytest.LogCaptureFixture, state: State, event: str, label: str
) -> None:
    one = made(store, state)
    before = metrics.RECONCILED.labels(label)._value.get()
    for _ in range(2):
        Closing(store).close_missing(one, awaits_report=False)
    assert caplog.text.count(f"{event}: incident={one.id}") == 1
    assert metrics.RECONCILED.labels(label)._value.get() == before + 1


def test_an_incident_that_changed_after_it_was_read_is_not_closed(store: Store) -> None:
    one = made(store, State.HELD)
    store.change(now(store, one), State.APPROVED, BOSS)
    closing = Closing(store)
    assert closing.unchanged(one) is None
    assert not closing.close(one, State.VANISHED)
    closing.close_vanished(one)
    assert now(store, one).state is State.APPROVED
    assert closing.unchanged(read(store, one.id)) == now(store, one)


def test_a_release_begins_once_per_hold(store: Store) -> None:
    one = made(store, State.APPROVED)
    closing = Closing(store)
    assert [closing.begin(one) for _ in range(3)] == [False, True, True]
    assert [event.event for event in store.history(one.id)].count("release begun") == 1
    closing.close(one, State.VANISHED)
    held = store.change(now(store, one), State.HELD, AGENT)
    store.change(held, State.APPROVED, BOSS)
    assert not closing.begin(read(store, one.id)), "it is held again, and released again"


def test_a_completed_decision_is_counted_with_its_method_and_duration(store: Store) -> None:
    counted, seconds = metrics.DECISIONS.labels("approved", "page"), metrics.DECISION_SECONDS
    before, summed = counted._value.get(), seconds._sum.get()
    one = made(store, State.APPROVED)
    Closing(store).close(one, State.RELEASED)
    assert counted._value.get() == before + 1
    assert seconds._sum.get() == summed + 3600
    # A message without a decision is not counted as decided.
    Closing(store).close(made(store, State.HELD, "4def"), State.VANISHED)
    assert seconds._sum.get() == summed + 3600
