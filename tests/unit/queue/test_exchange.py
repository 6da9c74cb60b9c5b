"""A message approved with changes is exchanged for the changed one, after a crash at any step."""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Change, Incident, NewNotice
from holdgate.quarantine.outbox import CHANGED, HOLD_QUEUE
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, open_store
from holdgate.queue.client import UnreachableError
from tests.unit.queue.test_reconcile import MILTER, PERSON, Crash, FakeQueue, new_reconciler

TOKEN = "5f" * 16


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Store:
    path = shutil.copy(empty_store, tmp_path / "holdgate.db")
    return open_store(f"sqlite:///{path}")


def approved(store: Store, queue: FakeQueue, queue_id: str = "4orig", *, is_for_some: bool = False) -> Incident:
    """Return an incident that was approved without an attachment, or for some recipients; its original is held."""
    incident = Incident(queue_id=queue_id, sender="a@corp.example", recipients=["b@partner.example"], policy="p")
    store.record(incident, MILTER)
    queue.add(queue_id, b"X-Holdgate-Incident: %s\n" % incident.id.encode())
    new_reconciler(store, queue).run_once()
    held = store.incident(incident.id)
    assert held is not None
    change = Change(["without-attachments"], original="00", sent="11", token=TOKEN, parts=[1])
    if is_for_some:
        change = Change(["without-recipients"], "00", "00", TOKEN, recipients=["c@partner.example"])
    outbox = [NewNotice(CHANGED, HOLD_QUEUE)]
    return store.change(held, State.APPROVED, PERSON, outbox=outbox, change=asdict(change))


def submit(
    queue: FakeQueue, incident: Incident, queue_id: str = "4copy", *, token: str = TOKEN, mark: str = "aa"
) -> None:
    """Act as the desk: submit the changed message to Postfix, which holds it."""
    header = f"X-Holdgate-Incident: {incident.id}\nX-Holdgate-Changed: {token}-{mark}\n"
    queue.add(queue_id, header.encode())


def sent(store: Store) -> None:
    for notice in store.outbox.due(datetime.now(UTC)):
        store.outbox.sent(notice, PERSON)


def settle(store: Store, queue: FakeQueue, passes: int = 12) -> None:
    reconciler = new_reconciler(store, queue)
    for _ in range(passes):
        reconciler.run_once()


def test_the_original_waits_until_the_changed_message_is_held(store: Store) -> None:
    queue = FakeQueue()
    incident = approved(store, queue)
    settle(store, queue)
    assert list(queue.messages) == ["4orig"]
    assert store.incident(incident.id).state is State.APPROVED
    submit(queue, incident)
    settle(store, queue)
    assert (queue.deleted, queue.delivered) == (["4orig"], ["4copy"])
    assert store.incident(incident.id).state is State.RELEASED


@pytest.mark.parametrize("is_for_some", [False, True], ids=["changed", "for some"])
@pytest.mark.parametrize("kind", ["crash", "failure"])
@pytest.mark.parametrize("when", ["list", "show", "before", "after"])
@pytest.mark.parametrize("count", range(4))
def test_a_crash_at_any_step_neither_repeats_nor_loses_a_message(
    store: Store, when: str, kind: str, count: int, is_for_some: bool
) -> None:
    queue = FakeQueue()
    incident = approved(store, queue, is_for_some=is_for_some)
    submit(queue, incident)
    sent(store)
    queue.fail_at(when, count, kind)
    for _ in range(2):
        try:
            settle(store, queue, 6)
        except (Crash, UnreachableError):
            continue
    assert (queue.deleted, queue.delivered, queue.messages) == (["4orig"], ["4copy"], {})
    assert store.incident(incident.id).state is State.RELEASED


@pytest.mark.parametrize("is_late", [False, True])
def test_a_second_submission_is_deleted(store: Store, is_late: bool) -> None:
    queue = FakeQueue()
    incident = approved(store, queue)
    submit(queue, incident)
    if is_late:
        settle(store, queue)
    submit(queue, incident, "4again", mark="bb")
    settle(store, queue)
    assert len(queue.delivered) == 1
    assert len(queue.deleted) == 2
    assert not queue.messages


def test_a_lost_submission_is_repeated(store: Store) -> None:
    queue = FakeQueue()
    incident = approved(store, queue)
    sent(store)
    settle(store, queue)
    assert list(queue.messages) == ["4orig"]
    assert store.outbox.awaits_change(incident.id)
    assert EventName.CHANGED_MESSAGE_LOST in [one.event for one in store.history(incident.id)]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_submission_counts_as_lost_after_three_listings_without_it(store: Store, is_there: bool) -> None:
    """So is the original, if an operator removed it: then nothing is submitted again."""
    queue = FakeQueue()
    incident = approved(store, queue)
    sent(store)
    if not is_there:
        queue.messages.clear()
    reconciler = new_reconciler(store, queue)
    for _ in range(2):
        reconciler.run_once()
    assert [one.event for one in store.history(incident.id)][-1] not in (EventName.CHANGED_MESSAGE_LOST, "vanished")
    reconciler.run_once()
    end = EventName.CHANGED_MESSAGE_LOST if is_there else State.VANISHED
    assert [one.event for one in store.history(incident.id)][-1] == end


def test_a_changed_message_that_arrived_late_is_no_longer_awaited(store: Store) -> None:
    queue = FakeQueue()
    incident = approved(store, queue)
    sent(store)
    reconciler = new_reconciler(store, queue)
    reconciler.run_once()
    assert reconciler._exchange.waits, "Postfix took it, and it is not in the hold queue"
    submit(queue, incident)
    queue.damaged = {"4orig"}  # the exchange cannot be completed
    for _ in range(2):
        reconciler.run_once()
    assert not reconciler._exchange.waits


@pytest.mark.parametrize("is_submitted", [False, True])
def test_the_changed_message_is_deleted_if_an_operator_removed_the_original(store: Store, is_submitted: bool) -> None:
    queue = FakeQueue()
    incident = approved(store, queue)
    if is_submitted:
        submit(queue, incident)
    del queue.messages["4orig"]
    settle(store, queue)
    assert (queue.delivered, queue.messages) == ([], {})
    assert store.incident(incident.id).state is State.VANISHED


@pytest.mark.parametrize(
    "forge",
    [
        lambda queue, incident: submit(queue, incident, token="00" * 16),
        lambda queue, incident: queue.add(
            "4copy", f"X-Holdgate-Incident: {incident.id}\nX-Holdgate-Changed: {TOKEN}\n".encode()
        ),
        lambda queue, incident: queue.add("4copy", f"X-Holdgate-Changed: {TOKEN}-aa\n".encode()),
    ],
)
def test_a_message_without_the_token_is_not_accepted_as_the_changed_message(
    store: Store, forge: Callable[[FakeQueue, Incident], None]
) -> None:
    queue = FakeQueue()
    incident = approved(store, queue)
    forge(queue, incident)
    settle(store, queue)
    assert queue.delivered == []
    assert "4orig" in queue.messages


def test_a_changed_message_that_an_operator_holds_again_stays_held(store: Store) -> None:
    queue = FakeQueue()
    incident = approved(store, queue)
    submit(queue, incident)
    settle(store, queue)
    submit(queue, incident)
    settle(store, queue)
    assert "4copy" in queue.messages
    assert "4copy" not in queue.deleted


@pytest.mark.parametrize("damaged", ["4orig3", "4copy3"])
def test_a_message_that_always_fails_does_not_delay_others(store: Store, damaged: str) -> None:
    """The original cannot be deleted, or the changed message cannot be released."""
    queue = FakeQueue()
    incidents = []
    for number in range(11):
        incidents.append(approved(store, queue, f"4orig{number}"))
    for number, incident in enumerate(incidents):
        submit(queue, incident, f"4copy{number}")
    sent(store)
    queue.damaged = {damaged}
    settle(store, queue)
    assert [one.queue_id for one in store.incidents([State.APPROVED])] == ["4orig3"]
    assert len(store.incidents([State.RELEASED])) == 10
    assert sorted(queue.delivered) == sorted(f"4copy{number}" for number in range(11) if number != 3)
    queue.damaged.clear()
    settle(store, queue)
    assert len(store.incidents([State.RELEASED])) == 11
    assert len(queue.delivered) == len(queue.deleted) == 11
