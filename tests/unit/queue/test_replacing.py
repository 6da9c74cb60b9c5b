"""A program's amended message replaces the held one, after a crash at any step."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.replacements import REPLACEMENT, UNDER_WAY, BusyError, OtherContentError, Replacement
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, open_store
from holdgate.queue.client import UnreachableError
from holdgate.queue.replacing import Replacing
from tests.unit.queue.test_reconcile import MILTER, PERSON, Crash, FakeQueue, new_reconciler

PROGRAM = Actor("billing", REPLACEMENT)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Store:
    path = shutil.copy(empty_store, tmp_path / "holdgate.db")
    return open_store(f"sqlite:///{path}")


def held(store: Store, queue: FakeQueue, queue_id: str = "4orig") -> Incident:
    incident = Incident(queue_id=queue_id, sender="a@corp.example", recipients=["b@partner.example"], policy="p")
    store.record(incident, MILTER)
    queue.add(queue_id, b"X-Holdgate-Incident: %s\n" % incident.id.encode())
    new_reconciler(store, queue).run_once()
    found = store.incident(incident.id)
    assert found is not None
    return found


def begin(store: Store, incident: Incident, key: str = "key") -> Replacement:
    return store.replacements.begin(incident.id, key, "digest", PROGRAM, NOW)


def submit(queue: FakeQueue, replacement: Replacement, queue_id: str = "4new", more: str = "") -> None:
    """Do what Postfix and the milter do with the amended message."""
    queue.add(queue_id, f"X-Holdgate-Status: complete\nX-Holdgate-Replaces: {replacement.mark}\n{more}".encode())


def withdraw(store: Store, incident: Incident) -> Incident:
    now = datetime.now(UTC)
    decided: dict[str, Any] = {"decided_at": now, "decided_by": PROGRAM.who, "decided_how": REPLACEMENT}
    return store.change(incident, State.REJECTED, PROGRAM, **decided)


def settle(store: Store, queue: FakeQueue, passes: int = 8) -> None:
    reconciler = new_reconciler(store, queue)
    for _ in range(passes):
        reconciler.run_once()


def state(store: Store, incident: Incident) -> State:
    found = store.incident(incident.id)
    assert found is not None
    return found.state


def test_the_held_message_stays_until_it_is_withdrawn(store: Store) -> None:
    queue = FakeQueue()
    incident = held(store, queue)
    replacement = begin(store, incident)
    submit(queue, replacement)
    settle(store, queue)
    assert sorted(queue.messages) == ["4new", "4orig"]
    (taken,) = store.replacements.accepted_while_held()
    assert taken.queue_id == "4new"
    withdraw(store, incident)
    settle(store, queue)
    assert (queue.deleted, queue.delivered, queue.messages) == (["4orig"], ["4new"], {})
    assert state(store, incident) is State.RETURNED
    assert store.replacements.accepted_while_held() == []


@pytest.mark.parametrize("kind", ["crash", "failure"])
@pytest.mark.parametrize("when", ["list", "show", "before", "after"])
@pytest.mark.parametrize("count", range(4))
def test_a_crash_at_any_step_neither_repeats_nor_loses_a_message(
    store: Store, when: str, kind: str, count: int
) -> None:
    queue = FakeQueue()
    incident = held(store, queue)
    submit(queue, begin(store, incident))
    withdraw(store, incident)
    queue.fail_at(when, count, kind)
    for _ in range(2):
        try:
            settle(store, queue, 6)
        except (Crash, UnreachableError):
            continue
    assert (queue.deleted, queue.delivered, queue.messages) == (["4orig"], ["4new"], {})
    assert state(store, incident) is State.RETURNED


def test_an_amended_message_that_a_policy_holds_gets_its_own_incident(store: Store) -> None:
    queue = FakeQueue()
    incident = held(store, queue)
    replacement = begin(store, incident)
    new = Incident(queue_id="", sender="a@corp.example", recipients=[], policy="p", message_digest="11")
    store.record(new, MILTER)
    store.replacements.held(replacement, new.id)
    submit(queue, replacement, more=f"X-Holdgate-Held: yes\nX-Holdgate-Incident: {new.id}\n")
    settle(store, queue)
    assert state(store, new) is State.PENDING, "nobody is asked while the first one waits"
    withdraw(store, incident)
    settle(store, queue)
    assert (queue.deleted, queue.delivered, list(queue.messages)) == (["4orig"], [], ["4new"])
    assert state(store, new) is State.HELD
    found = store.incident(new.id)
    assert found is not None
    assert found.queue_id == "4new"


@pytest.mark.parametrize("decision", [State.APPROVED, State.REJECTED, State.EXPIRED])
def test_a_decision_made_before_the_replacement_counts(store: Store, decision: State) -> None:
    queue = FakeQueue()
    incident = held(store, queue)
    submit(queue, begin(store, incident))
    settle(store, queue, 1)
    current = store.incident(incident.id)
    assert current is not None
    store.change(current, decision, PERSON, decided_at=NOW, decided_by="boss@corp.example", decided_how="page")
    settle(store, queue)
    assert "4new" in queue.deleted
    assert queue.delivered == (["4orig"] if decision is State.APPROVED else [])
    assert queue.messages == {}


def test_the_last_of_two_submissions_counts(store: Store) -> None:
    queue = FakeQueue()
    incident = held(store, queue)
    submit(queue, begin(store, incident), "4first")
    submit(queue, begin(store, incident), "4second")
    settle(store, queue)
    assert (queue.deleted, sorted(queue.messages)) == (["4first"], ["4orig", "4second"])
    withdraw(store, incident)
    settle(store, queue)
    assert queue.delivered == ["4second"]


def test_an_amended_message_that_an_operator_holds_again_stays_held(store: Store) -> None:
    queue = FakeQueue()
    incident = held(store, queue)
    replacement = begin(store, incident)
    submit(queue, replacement)
    withdraw(store, incident)
    settle(store, queue)
    assert queue.delivered == ["4new"]
    submit(queue, replacement)
    settle(store, queue)
    assert (queue.delivered, list(queue.messages)) == (["4new"], ["4new"])


@pytest.mark.parametrize("mark", ["", "7K3M-Q9TX-2ABC", "{id} -", "{id} {wrong}-{copy}", "{id} {token}", "x" * 300])
def test_an_invalid_replacement_field_has_no_effect(store: Store, mark: str) -> None:
    queue = FakeQueue()
    incident = held(store, queue)
    one = begin(store, incident)
    text = mark.format(id=incident.id, token=one.token, copy=one.copy, wrong="0" * 32)
    assert store.replacements.marked(text) is None
    queue.add("4forged", f"X-Holdgate-Replaces: {text}\nX-Holdgate-Status: complete\n".encode())
    settle(store, queue)
    assert sorted(queue.messages) == ["4forged", "4orig"]


def test_a_key_belongs_to_one_message_and_a_message_has_one_key_at_a_time(store: Store) -> None:
    incident = held(store, FakeQueue())
    replacements = store.replacements
    first = replacements.begin(incident.id, "a", "1", PROGRAM, NOW)
    with pytest.raises(OtherContentError):
        replacements.begin(incident.id, "a", "2", PROGRAM, NOW)
    with pytest.raises(BusyError):
        replacements.begin(incident.id, "b", "2", PROGRAM, NOW + UNDER_WAY - timedelta(seconds=1))
    second = replacements.begin(incident.id, "b", "2", PROGRAM, NOW + UNDER_WAY)
    assert (first.token, first.copy != second.copy) == (second.token, True)
    assert not replacements.accepted(first, "4first"), "another one counts"
    assert replacements.accepted(second, "4second")
    with pytest.raises(BusyError):
        replacements.begin(incident.id, "c", "3", PROGRAM, NOW + UNDER_WAY * 2)
    assert replacements.begin(incident.id, "b", "2", PROGRAM, NOW).queue_id == "4second"


def test_a_replacement_that_postfix_rejected_is_removed_and_an_accepted_one_stays(store: Store) -> None:
    incident = held(store, FakeQueue())
    replacements = store.replacements
    replacements.cancel(replacements.begin(incident.id, "a", "1", PROGRAM, NOW))
    assert replacements.of([incident.id]) == {}
    taken = replacements.begin(incident.id, "b", "2", PROGRAM, NOW)
    replacements.accepted(taken, "4new")
    replacements.cancel(taken)
    assert list(replacements.of([incident.id])) == [incident.id]
    assert (replacements.purge(NOW), replacements.purge(NOW + timedelta(seconds=1))) == (0, 1)


@pytest.mark.parametrize("is_withdrawn", [False, True])
def test_an_amended_message_that_was_not_inspected_is_never_released(store: Store, *, is_withdrawn: bool) -> None:
    """The listener has no milter: moderators decide about the amended message."""
    queue = FakeQueue()
    incident = held(store, queue)
    replacement = begin(store, incident)
    if is_withdrawn:
        withdraw(store, incident)
    queue.add("4new", f"X-Holdgate-Replaces: {replacement.mark}\n".encode())
    settle(store, queue)
    if not is_withdrawn:
        assert sorted(queue.messages) == ["4new", "4orig"]
        withdraw(store, incident)
    settle(store, queue)
    assert (queue.deleted, queue.delivered, list(queue.messages)) == (["4orig"], [], ["4new"])
    (adopted,) = [one for one in store.incidents([State.HELD]) if one.queue_id == "4new"]
    assert (adopted.status, adopted.policy) == ("failed", "adopted")
    assert store.replacements.of([incident.id])[incident.id].is_done


@pytest.mark.parametrize("damaged", ["4orig3", "4new3"])
def test_a_message_that_always_fails_does_not_delay_others(store: Store, damaged: str) -> None:
    """The held message cannot be deleted, or the amended one cannot be read."""
    queue = FakeQueue()
    incidents = [held(store, queue, f"4orig{number}") for number in range(11)]
    for number, incident in enumerate(incidents):
        submit(queue, begin(store, incident), f"4new{number}")
    settle(store, queue)
    for incident in incidents:
        withdraw(store, incident)
    queue.damaged = {damaged}
    settle(store, queue)
    others = {f"4new{number}" for number in range(11) if number != 3}
    assert set(queue.delivered) >= others
    assert len(store.incidents([State.RETURNED])) == (10 if damaged == "4orig3" else 11)
    queue.damaged.clear()
    settle(store, queue)
    assert sorted(queue.delivered) == sorted(f"4new{number}" for number in range(11))
    assert len(queue.deleted) == len(store.incidents([State.RETURNED])) == 11


@pytest.mark.parametrize(
    ("more", "is_settled"),
    [
        ("X-Holdgate-Status: complete\n", True),
        ("X-Holdgate-Status: complete\nX-Holdgate-Held: yes\n", False),  # it is held under a separate incident
        ("", False),  # it is adopted in the same pass
    ],
)
def test_an_amended_message_that_is_not_released_is_an_ordinary_held_message(
    store: Store, more: str, is_settled: bool
) -> None:
    queue = FakeQueue()
    incident = held(store, queue)
    replacement = begin(store, incident)
    queue.add("4new")
    message, header = queue.messages["4new"], f"{more}X-Holdgate-Replaces: {replacement.mark}\n".encode()
    replacing = Replacing(store, queue)
    assert replacing.step(message, header), "it waits for the held one"
    assert store.replacements.of([incident.id])[incident.id].queue_id == "4new"
    store.change(withdraw(store, incident), State.RETURNED, PERSON)
    assert replacing.step(message, header) is is_settled
    assert queue.delivered == (["4new"] if is_settled else [])
    assert not replacing.step(message, header), "it is done"
    assert replacing.is_uninspected(header) is (more == "")
    assert not replacing.step(message, b"Subject: x\n")
    assert not replacing.is_uninspected(b"Subject: x\n")
    assert not replacing.is_uninspected(f"X-Holdgate-Replaces: {replacement.mark}0\n".encode())


@pytest.mark.parametrize("damaged", ["4new", "4orig"])
def test_an_amended_message_that_cannot_be_moved_stays_and_is_retried(store: Store, damaged: str) -> None:
    queue = FakeQueue()
    incident = held(store, queue)
    submit(queue, begin(store, incident))
    settle(store, queue)
    withdraw(store, incident)
    queue.damaged = {damaged}
    settle(store, queue)
    assert damaged in queue.messages
    assert "4new" in queue.messages, "it is not released before the first one is deleted"
    queue.damaged = set()
    settle(store, queue)
    assert (queue.deleted, queue.delivered, queue.messages) == (["4orig"], ["4new"], {})
