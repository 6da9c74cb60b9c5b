"""The reconciler with crashes in any order: each message has one outcome, and no notice is wrong."""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.exc import OperationalError

from holdgate.config import DeskSettings, ModerationSettings, PolicySettings, Settings
from holdgate.desk import asking, moderation
from holdgate.desk.context import Desk
from holdgate.node import Machine
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Answer, Event, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Actor, ConflictError, Store, open_store
from holdgate.queue.adopt import Adopter
from holdgate.queue.client import Key, Listing, QueueClient, QueueError, UnreachableError
from holdgate.queue.postfix import HeldMessage
from holdgate.queue.reconcile import Reconciler
from tests.support.store_calls import calls_about

SETTINGS = Settings(
    desk=DeskSettings(own_domains=["corp.example"]),
    policy=PolicySettings(file=Path(__file__).parents[3] / "etc/policies.toml"),
)
FOUR_EYES = SETTINGS.model_copy(
    update={"moderation": ModerationSettings(moderators=["boss@corp.example", "second@corp.example"], approvals=2)}
)
PERSON = Actor("moderator@corp.example", "test")
MILTER = Actor("holdgate-milter", "milter")


class Crash(BaseException):
    """The process is killed here."""


class FakeQueue(QueueClient):
    """A hold queue in memory that can fail, or crash its caller, before or after it has acted."""

    def __init__(self) -> None:
        self.messages: dict[str, HeldMessage] = {}
        self.headers_of: dict[str, bytes] = {}
        self.damaged: set[str] = set()
        self.listings = 0
        self.listed: dict[str, dict[str, HeldMessage]] = {}
        self.delivered: list[str] = []
        self.deleted: list[str] = []
        self.failures: list[str] = []
        self._failing = ("", 0, "")

    def add(self, queue_id: str, header: bytes = b"", sender: str = "a@corp.example") -> None:
        self.messages[queue_id] = HeldMessage(queue_id, 1000, 10, sender, ["b@partner.example"])
        self.headers_of[queue_id] = header

    def fail_at(self, when: str, count: int, kind: str) -> None:
        """Fail, or crash the caller, once: at the step named `when`, after `count` others of this name."""
        self._failing = (when, count, kind)

    def _raise_at(self, when: str) -> None:
        name, left, kind = self._failing
        if when == name:
            self._failing = (name, left - 1, kind)
            if left == 0:
                raise Crash if kind == "crash" else UnreachableError("the agent does not answer")
        if self.failures and self.failures[0].startswith(when):
            kind = self.failures.pop(0).partition(" ")[2]
            raise Crash if kind == "crash" else UnreachableError("the agent does not answer")

    def held_unless(self, stamp: str | None, version: str = "") -> Listing | None:
        self._raise_at("list")
        self.listings += 1
        there = self.messages.values()
        before = self.listed.get(version)
        self.listed[str(self.listings)] = dict(self.messages)
        if before is None:
            return Listing(list(there), None, "", str(self.listings))
        new = [one for one in there if before.get(one.queue_id) != one]
        return Listing(new, sorted(before.keys() - self.messages.keys()), "", str(self.listings))

    def headers(self, keys: list[Key]) -> list[bytes | QueueError | None]:
        self._raise_at("show")
        return [QueueError("damaged") if key[0] in self.damaged else self.headers_of.get(key[0]) for key in keys]

    def show(self, queue_id: str, _arrival_time: int, *, header_only: bool = False) -> bytes | None:
        self._raise_at("show")
        return self.headers_of[queue_id] + b"\nHello\n" if queue_id in self.messages else None

    def release_all(self, keys: list[Key]) -> list[bool | QueueError]:
        return self._act(keys, self.delivered)

    def delete_all(self, keys: list[Key]) -> list[bool | QueueError]:
        return self._act(keys, self.deleted)

    def _act(self, keys: list[Key], done: list[str]) -> list[bool | QueueError]:
        self._raise_at("before")
        outcomes: list[bool | QueueError] = []
        for queue_id, arrival_time in keys:
            if queue_id in self.damaged:
                outcomes.append(QueueError("damaged"))
                continue
            held = self.messages.get(queue_id)
            is_held = held is not None and held.arrival_time == arrival_time
            outcomes.append(is_held and self.messages.pop(queue_id) is held)
            if outcomes[-1]:
                done.append(queue_id)
        self._raise_at("after")
        return outcomes


def new_reconciler(
    store: Store,
    queue: FakeQueue,
    missing_after: float = 3600,
    *,
    adopt_uninspected: bool = False,
    interval: timedelta = timedelta(0),
    poll_after: Callable[[], float] = lambda: 0.0,
    has_name: Callable[[], bool] = lambda: True,
    signs: Callable[[], bool] = lambda: False,
) -> Reconciler:
    return Reconciler(
        store,
        queue,
        action=("X-Netskope-Action", "Quarantine"),
        missing_after=timedelta(seconds=missing_after),
        interval=interval,
        adopt_uninspected=adopt_uninspected,
        poll_after=poll_after,
        has_name=has_name,
        signs=signs,
    )


class Crashes(RuleBasedStateMachine):
    """Messages arrive, people decide, operators change the queue, processes are killed: in any order."""

    def __init__(self, url: str, interval: timedelta) -> None:
        super().__init__()
        self.interval = interval
        self.store = open_store(url)
        self.queue = FakeQueue()
        self.count = 0
        self.deleted_by_hand: dict[str, HeldMessage] = {}
        self.sent: list[tuple[str, str, int]] = []

    def teardown(self) -> None:
        self.store.close()

    @initialize()
    def start(self) -> None:
        self.reconciler = new_reconciler(self.store, self.queue, interval=self.interval)

    @rule(reaches_queue=st.sampled_from([True, True, True, False]))
    def message(self, reaches_queue: bool) -> None:
        self.count += 1
        incident = Incident(
            queue_id=f"4id{self.count}", sender="a@corp.example", recipients=["b@partner.example"], policy="p"
        )
        self.store.record(incident, MILTER)
        if reaches_queue:
            self.queue.add(incident.queue_id, b"X-Holdgate-Incident: %s\n" % incident.id.encode())

    @rule(choice=st.sampled_from([Answer.APPROVE, Answer.REJECT]), which=st.integers(0, 9))
    def decide(self, choice: Answer, which: int) -> None:
        waiting = self.store.incidents([State.HELD])
        if waiting:
            moderation.override(Desk(self.store, SETTINGS), waiting[which % len(waiting)], choice, PERSON, "because")

    @rule(who=st.integers(0, 9))
    def approve(self, who: int) -> None:
        desk = Desk(self.store, FOUR_EYES)
        for incident in self.store.agenda.awaiting_request():
            asking.ask(desk, incident, datetime.now(UTC))
        known = [one for incident in self.store.incidents() for one in self.store.requests.of(incident.id)]
        if known:
            request = known[who % len(known)]
            with contextlib.suppress(moderation.RefusedError):
                moderation.answer(desk, request, Answer.APPROVE, Actor(request.moderator, "page"))

    @rule()
    def deadline(self) -> None:
        for incident in self.store.incidents([State.HELD]):
            moderation.expire(Desk(self.store, SETTINGS), incident)

    @rule()
    def desk(self) -> None:
        for notice in self.store.outbox.due(datetime.now(UTC)):
            # The sender gets one notice per hold, also if they got one for an earlier hold.
            if notice.recipient == "a@corp.example":
                self.sent.append((notice.incident_id, notice.kind, self.holding(notice.incident_id)))
            self.store.outbox.sent(notice, PERSON)

    @rule(when=st.sampled_from(["list", "show", "before", "after"]), kind=st.sampled_from(["crash", "fail"]))
    def failures(self, when: str, kind: str) -> None:
        self.queue.failures = [f"{when} {kind}"]

    @rule(passes=st.sampled_from([1, 4]))
    def reconcile(self, passes: int) -> None:
        try:
            for _ in range(passes):
                self.reconciler.run_once()
        except QueueError:
            pass
        except Crash:
            self.reconciler = new_reconciler(self.store, self.queue, interval=self.interval)

    @precondition(lambda self: self.queue.messages)
    @rule(which=st.integers(0, 9))
    def operator_deletes(self, which: int) -> None:
        queue_id = sorted(self.queue.messages)[which % len(self.queue.messages)]
        self.deleted_by_hand[queue_id] = self.queue.messages.pop(queue_id)

    @precondition(lambda self: self.queue.messages)
    @rule(which=st.integers(0, 9))
    def operator_releases_and_holds_again(self, which: int) -> None:
        self.operator_deletes(which)
        self.reconcile(passes=4)
        for incident in self.store.incidents([State.VANISHED]):
            if incident.queue_id in self.deleted_by_hand:
                self.queue.messages[incident.queue_id] = self.deleted_by_hand.pop(incident.queue_id)

    def events_since_the_last_hold(self, incident_id: str) -> list[Event]:
        """Return what happened to an incident since it was held last."""
        events = self.store.history(incident_id)
        return events[max(place for place, event in enumerate(events) if event.event in ("recorded", "held")) :]

    def holding(self, incident_id: str) -> int:
        return sum(event.event == "held" for event in self.store.history(incident_id))

    @invariant()
    def no_message_is_delivered_unapproved_or_twice(self) -> None:
        for queue_id in self.queue.delivered:
            (incident,) = self.store.find(queue_id)
            events = self.events_since_the_last_hold(incident.id)
            approving = {event.who for event in events if event.event in ("approval", "approved")}
            assert "approved" in {event.event for event in events}
            assert PERSON.who in approving or len(approving) == FOUR_EYES.moderation.approvals
        assert len(set(self.queue.delivered)) == len(self.queue.delivered)

    @invariant()
    def no_message_is_deleted_before_its_sender_is_notified(self) -> None:
        notified = {(incident_id, holding) for incident_id, kind, holding in self.sent if kind != "approved"}
        by_queue_id = {incident.queue_id: incident.id for incident in self.store.incidents()}
        deleted = {by_queue_id[queue_id] for queue_id in self.queue.deleted}
        assert {(incident_id, self.holding(incident_id)) for incident_id in deleted} <= notified
        assert len(set(self.sent)) == len(self.sent)

    @invariant()
    def a_closed_incident_has_the_actual_outcome(self) -> None:
        for incident in self.store.incidents([State.RELEASED]):
            assert incident.queue_id in self.queue.delivered or incident.queue_id in self.deleted_by_hand
        for incident in self.store.incidents([State.RETURNED]):
            assert incident.queue_id not in self.queue.messages
            assert incident.id in {incident_id for incident_id, _, _ in self.sent}
        for incident in self.store.incidents([State.VANISHED]):
            assert incident.queue_id not in self.queue.delivered

    @invariant()
    def held_incidents_are_undecided(self) -> None:
        for incident in self.store.incidents([State.HELD]):
            decided = (incident.decided_at, incident.decided_by, incident.decided_how, incident.comment)
            assert decided == (None, None, None, None)
            assert incident.held_at is not None
            for request in self.store.requests.of(incident.id):
                assert request.asked_at >= incident.held_at or request.answer is Answer.SUPERSEDED


@pytest.mark.slow(seconds=5)
@pytest.mark.parametrize("interval", [timedelta(0), timedelta(hours=1)], ids=["everything", "changes"])
def test_the_outcome_is_the_same_with_crashes_in_any_order(
    new_store_url: Callable[[], str], interval: timedelta
) -> None:
    run_state_machine_as_test(
        lambda: Crashes(new_store_url(), interval),  # type: ignore[arg-type]  # hypothesis calls it, and asks for a class
        settings=settings(max_examples=60, stateful_step_count=30, suppress_health_check=list(HealthCheck)),
    )


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url)
    yield opened
    opened.close()


def decide(store: Store, incident: Incident, choice: Answer) -> Incident:
    return moderation.override(Desk(store, SETTINGS), incident, choice, PERSON)


def settle(reconciler: Reconciler) -> None:
    for _ in range(5):
        reconciler.run_once()


@pytest.mark.parametrize("choice", [Answer.APPROVE, Answer.REJECT])
@pytest.mark.parametrize("kind", ["crash", "fail"])
@pytest.mark.parametrize("when", ["list", "before", "after"])
def test_a_decision_is_carried_out_once_after_any_crash(store: Store, when: str, kind: str, choice: Answer) -> None:
    queue = FakeQueue()
    incident = Incident(queue_id="4a", sender="a@corp.example", recipients=["b@partner.example"], policy="p")
    store.record(incident, MILTER)
    queue.add("4a")
    settle(new_reconciler(store, queue))
    decide(store, store.find(incident.id)[0], choice)
    for notice in store.outbox.due(datetime.now(UTC)):
        store.outbox.sent(notice, PERSON)
    queue.failures = [f"{when} {kind}"]
    with contextlib.suppress(QueueError, Crash):
        new_reconciler(store, queue).run_once()
    assert queue.failures == []
    settle(new_reconciler(store, queue))
    approved = choice is Answer.APPROVE
    assert store.find(incident.id)[0].state is (State.RELEASED if approved else State.RETURNED)
    assert (queue.delivered, queue.deleted) == ((["4a"], []) if approved else ([], ["4a"]))


def test_a_released_message_that_an_operator_holds_again_stays_held(store: Store) -> None:
    queue = FakeQueue()
    reconciler = new_reconciler(store, queue)
    incident = Incident(queue_id="4a", sender="a@corp.example", recipients=["b@partner.example"], policy="p")
    store.record(incident, MILTER)
    header = b"X-Holdgate-Incident: %s\nX-Netskope-Action: Quarantine\n" % incident.id.encode()
    queue.add("4a", header)
    settle(reconciler)
    decide(store, store.find(incident.id)[0], Answer.APPROVE)
    settle(reconciler)
    queue.add("4a", header)
    settle(reconciler)
    assert [i.state for i in store.incidents()] == [State.RELEASED]
    assert queue.messages.keys() == {"4a"}


def test_a_forged_incident_id_on_another_message_is_not_accepted(store: Store) -> None:
    queue = FakeQueue()
    closed = Incident(queue_id="4other", sender="x@corp.example", recipients=["y@partner.example"], policy="p")
    store.record(closed, MILTER)
    queue.add("4other")
    queue.add("4new", b"X-Holdgate-Incident: %s\n" % closed.id.encode())
    settle(new_reconciler(store, queue))
    adopted = next(incident for incident in store.incidents() if incident.queue_id == "4new")
    assert adopted.id != closed.id
    assert (adopted.state, adopted.policy) == (State.HELD, "adopted")


@pytest.mark.parametrize(
    ("header", "is_kept"),
    [
        (b"X-Holdgate-Incident: 7K3M-Q9TX-2ABC\nX-Holdgate-Status: complete\n", True),
        (b"X-Holdgate-Incident: 7K3M-Q9TX-2ABC\n", False),  # the milter did not inspect it
        (b"X-Holdgate-Incident: 7K3M-Q9TX-2ABU\nX-Holdgate-Status: complete\n", False),
        (b"X-Holdgate-Incident: 7K3M-Q9TX-2ABC-1\nX-Holdgate-Status: complete\n", False),
    ],
    ids=["lost", "forged", "a letter that no id has", "too long"],
)
def test_an_incident_that_the_store_has_lost_gets_its_id_again(store: Store, header: bytes, is_kept: bool) -> None:
    queue = FakeQueue()
    queue.add("4a", header)
    queue.add("4b", header)
    settle(new_reconciler(store, queue))
    names = [incident.id for incident in store.incidents()]
    assert len(set(names)) == 2
    assert ("7K3M-Q9TX-2ABC" in names) is is_kept


HELD_BY_POSTFIX = b"From: anna@corp.example\nSubject: card 4111 1111 1111 1111\n"
HELD_BY_HAND = HELD_BY_POSTFIX + b"X-Holdgate-Status: complete\n"


@pytest.mark.parametrize(
    ("header", "adopt", "adopted"),
    [(HELD_BY_POSTFIX, True, True), (HELD_BY_POSTFIX, False, False), (HELD_BY_HAND, True, False)],
)
def test_mail_that_bypassed_the_milter_is_adopted_if_the_setting_says_so(
    store: Store, header: bytes, adopt: bool, adopted: bool
) -> None:
    queue = FakeQueue()
    queue.add("4a", header)
    settle(new_reconciler(store, queue, adopt_uninspected=adopt))
    assert [(i.state, i.policy, i.status, i.reason, i.subject) for i in store.incidents()] == [
        (
            State.HELD,
            "adopted",
            "failed",
            "not inspected, it did not come through the milter",
            "card **** **** **** 1111",
        )
    ] * adopted


@pytest.mark.parametrize(
    ("header", "subject", "header_from"),
    [
        (b"Subject: Z\xc3\xbcrich\nFrom: J\xc3\xbcrg <j@corp.example>\n", "Z\u00fcrich", "J\u00fcrg <j@corp.example>"),
        (b"Subject: Z\xfcrich\nFrom: J\xfcrg\n", "Z\ufffdrich", "J\ufffdrg"),
        (b"Subject: =?utf-8?q?=00?=\nFrom: \xff\n", "\ufffd", "\ufffd"),
        (b"Subject: =?unknown-8bit?b?/w==?=\nFrom:\n", "\ufffd", ""),
    ],
)
def test_raw_bytes_in_a_header_do_not_stop_an_adoption(
    store: Store, header: bytes, subject: str, header_from: str
) -> None:
    queue = FakeQueue()
    queue.add("4a", b"X-Holdgate-Incident: gone\n" + header)
    settle(new_reconciler(store, queue))
    assert [(i.state, i.subject, i.header_from) for i in store.incidents()] == [(State.HELD, subject, header_from)]


def held_before(store: Store, queue: FakeQueue) -> Incident:
    """Have a message held under a policy, and remove it from the hold queue manually."""
    incident = Incident(
        queue_id="4a",
        sender="a@corp.example",
        recipients=["b@partner.example"],
        policy="cards",
        action="quarantine",
        profiles={"payment": "high"},
    )
    store.record(incident, MILTER)
    queue.add("4a")
    settle(new_reconciler(store, queue))
    assert [one.state for one in store.incidents()] == [State.HELD]
    del queue.messages["4a"]
    return incident


def test_a_held_message_that_disappears_without_a_decision_is_logged(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    queue = FakeQueue()
    incident = held_before(store, queue)
    settle(new_reconciler(store, queue))
    output = [record.getMessage() for record in caplog.records if "gone-undecided" in record.getMessage()]
    assert output == [f"4a: gone-undecided: incident={incident.id} to=<b@partner.example>"]


@pytest.mark.parametrize(
    ("header", "policy"),
    [
        (b"X-Holdgate-Incident: ID\nX-Holdgate-Status: complete\n", "cards"),
        (b"X-Holdgate-Incident: ID\n", "adopted"),  # it did not pass through the milter, and can name any id
        (b"X-Holdgate-Incident: OTHER\nX-Holdgate-Status: complete\n", "adopted"),
    ],
)
def test_a_requeued_message_is_held_under_its_policy_and_needs_a_new_decision(
    store: Store, header: bytes, policy: str
) -> None:
    queue = FakeQueue()
    incident = held_before(store, queue)
    queue.add("4b", header.replace(b"ID", incident.id.encode()))
    settle(new_reconciler(store, queue))
    (second,) = (one for one in store.incidents() if one.queue_id == "4b")
    assert (second.state, second.policy, second.profiles) == (
        State.HELD,
        policy,
        incident.profiles if policy == "cards" else {},
    )
    (note,) = (event.note for event in store.history(second.id) if event.event == "adopted")
    assert (incident.id in note) == (policy == "cards")


@pytest.mark.parametrize("choice", [Answer.APPROVE, Answer.REJECT])
def test_an_adopted_message_is_adopted_once(store: Store, choice: Answer) -> None:
    queue = FakeQueue()
    reconciler = new_reconciler(store, queue, adopt_uninspected=True)
    queue.add("4a", HELD_BY_POSTFIX)
    settle(reconciler)
    (incident,) = store.incidents()
    message = queue.messages.pop("4a")
    settle(reconciler)
    queue.messages["4a"] = message  # it was released manually, and is put on hold again
    settle(reconciler)
    assert [(i.id, i.state) for i in store.incidents()] == [(incident.id, State.HELD)]
    decide(store, incident, choice)
    for notice in store.outbox.due(datetime.now(UTC)):
        store.outbox.sent(notice, PERSON)
    settle(reconciler)
    approved = choice is Answer.APPROVE
    assert (queue.delivered, queue.deleted) == ((["4a"], []) if approved else ([], ["4a"]))
    queue.messages["4a"] = message
    settle(new_reconciler(store, queue, adopt_uninspected=True))
    assert [i.state for i in store.incidents()] == [State.RELEASED if approved else State.RETURNED]
    # A queue id that is used again is another message.
    queue.messages["4a"] = replace(message, arrival_time=2000)
    settle(new_reconciler(store, queue, adopt_uninspected=True))
    assert len(store.incidents()) == 2


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_a_message_that_is_never_held_is_noticed_even_if_the_clock_was_wrong(
    store: Store, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """Whether the clock was correct when it arrived, an hour slow or an hour fast."""
    at = datetime.now(UTC) + timedelta(hours=hours)
    incident = Incident(
        queue_id="4a", sender="a@corp.example", recipients=["b@partner.example"], policy="p", created_at=at
    )
    store.record(incident, MILTER)
    now = [1000.0]
    monkeypatch.setattr("holdgate.queue.reconcile.time.monotonic", lambda: now[0])
    reconciler = new_reconciler(store, FakeQueue(), missing_after=7200)
    settle(reconciler)
    assert [one.state for one in store.incidents()] == [State.PENDING]
    now[0] += 7199
    settle(reconciler)
    assert [one.state for one in store.incidents()] == [State.PENDING]
    now[0] += 2
    settle(reconciler)
    assert [one.state for one in store.incidents()] == [State.VANISHED]


def test_a_vanished_message_that_comes_back_is_held_again(store: Store) -> None:
    queue = FakeQueue()
    reconciler = new_reconciler(store, queue, missing_after=0)
    incident = Incident(queue_id="4a", sender="a@corp.example", recipients=["b@partner.example"], policy="p")
    store.record(incident, MILTER)
    settle(reconciler)
    assert store.find(incident.id)[0].state is State.VANISHED
    queue.add("4a", b"X-Holdgate-Incident: %s\n" % incident.id.encode())
    settle(reconciler)
    again = store.find(incident.id)[0]
    assert (again.state, again.closed_at) == (State.HELD, None)


def test_no_message_counts_as_missing_while_another_machine_uses_the_name(store: Store) -> None:
    queue, has_name = FakeQueue(), False
    late = new_reconciler(store, queue, missing_after=0, has_name=lambda: has_name)
    machine = new_reconciler(store, queue, missing_after=0)
    for name in ("4a", "4b", "4c"):
        incident = Incident(queue_id=name, sender="a@corp.example", recipients=["b@partner.example"], policy="p")
        store.record(incident, MILTER)
        queue.add(name, b"X-Holdgate-Incident: %s\n" % incident.id.encode())
    settle(machine)
    decide(store, store.find("4a")[0], Answer.APPROVE)
    changed = {"kinds": ["redact"], "original": "", "sent": "", "token": "t" * 32}
    store.change(store.find("4b")[0], State.APPROVED, PERSON, change=changed)
    store.record(Incident(queue_id="4d", sender="a@corp.example", recipients=["b@partner.example"], policy="p"), MILTER)
    queue.messages.clear()  # they are in the other machine's hold queue
    settle(late)
    found = {one.queue_id: one.state for one in store.incidents()}
    assert found == {"4a": State.APPROVED, "4b": State.APPROVED, "4c": State.HELD, "4d": State.PENDING}
    has_name = True
    settle(late)
    assert {one.state for one in store.incidents()} == {State.VANISHED}


def test_an_earlier_decision_does_not_count_for_a_vanished_message(store: Store) -> None:
    queue = FakeQueue()
    reconciler = new_reconciler(store, queue)
    incident = Incident(queue_id="4a", sender="a@corp.example", recipients=["b@partner.example"], policy="p")
    store.record(incident, MILTER)
    queue.add("4a", b"X-Holdgate-Incident: %s\n" % incident.id.encode())
    settle(reconciler)
    decide(store, store.find(incident.id)[0], Answer.APPROVE)
    message = queue.messages.pop("4a")
    settle(reconciler)
    assert (store.find(incident.id)[0].state, store.find(incident.id)[0].decided_by) == (State.VANISHED, PERSON.who)
    queue.messages["4a"] = message
    settle(reconciler)
    again = store.find(incident.id)[0]
    assert again.state is State.HELD
    assert (again.decided_by, again.decided_how, again.decided_at, again.comment) == (None, None, None, None)


def approve(desk: Desk, incident: Incident, who: str) -> Incident:
    request = moderation.request_of(desk, incident, who)
    assert request is not None
    return moderation.answer(desk, request, Answer.APPROVE, Actor(who, "page"), "Fine.")


def held_again(desk: Desk, queue: FakeQueue, approver: str) -> Incident:
    """Hold a message, approve it once, have an operator remove and restore it, and send its requests again."""
    store, reconciler = desk.store, new_reconciler(desk.store, queue)
    store.record(Incident(queue_id="4a", sender="a@corp.example", recipients=["b@partner.example"], policy="p"), MILTER)
    (incident,) = store.incidents()
    queue.add("4a", b"X-Holdgate-Incident: %s\n" % incident.id.encode())
    settle(reconciler)
    approve(desk, asking.ask(desk, store.find("4a")[0], datetime.now(UTC)), approver)
    message = queue.messages.pop("4a")
    settle(reconciler)
    assert store.find("4a")[0].state is State.VANISHED
    queue.messages["4a"] = message
    settle(reconciler)
    return asking.ask(desk, store.find("4a")[0], datetime.now(UTC))


def moderated(store: Store, **moderation: Any) -> Desk:
    return Desk(store, SETTINGS.model_copy(update={"moderation": ModerationSettings(**moderation)}))


def test_a_message_that_returns_after_it_vanished_needs_a_new_decision(store: Store) -> None:
    queue = FakeQueue()
    desk = moderated(store, moderators=["boss@corp.example"], fallback=["desk@corp.example"])
    again = held_again(desk, queue, "boss@corp.example")
    assert (again.state, again.decided_at, again.decided_by, again.decided_how, again.comment) == (
        State.HELD,
        *[None] * 4,
    )
    assert [(one.moderator, one.answer) for one in store.requests.of(again.id)] == [
        ("boss@corp.example", Answer.SUPERSEDED),
        ("boss@corp.example", None),
    ]
    # The earlier comment stays only in the history.
    assert "Fine." in [event.note for event in store.history(again.id)]
    assert approve(desk, again, "boss@corp.example").state is State.APPROVED
    settle(new_reconciler(store, queue))
    assert queue.delivered == ["4a"]


def test_an_approval_given_before_a_message_vanished_does_not_count_later(store: Store) -> None:
    both = ["boss@corp.example", "second@corp.example"]
    desk = moderated(store, moderators=both, approvals=2)
    again = held_again(desk, FakeQueue(), both[0])
    assert [one.moderator for one in store.requests.of(again.id) if one.is_open] == both
    assert approve(desk, again, both[1]).state is State.HELD
    assert approve(desk, again, both[0]).state is State.APPROVED


def test_a_moderator_asked_before_can_be_deputy_when_the_message_returns(store: Store) -> None:
    desk = moderated(
        store, moderators=["boss@corp.example", "second@corp.example"], approvals=2, fallback=["second@corp.example"]
    )
    again = held_again(desk, FakeQueue(), "second@corp.example")
    alone = moderated(store, moderators=["boss@corp.example"], fallback=["second@corp.example"])
    again = asking.ask(alone, again, datetime.now(UTC))
    (request,) = [one for one in store.requests.of(again.id) if one.is_open]
    assert asking.reassign(alone, request, Answer.BOUNCED, "test")
    assert [one.moderator for one in store.requests.of(again.id) if one.is_open] == ["second@corp.example"]


def test_an_approval_after_a_rejection_is_a_conflict(store: Store) -> None:
    queue = FakeQueue()
    reconciler = new_reconciler(store, queue)
    incident = Incident(queue_id="4a", sender="a@corp.example", recipients=["b@partner.example"], policy="p")
    store.record(incident, MILTER)
    queue.add("4a")
    settle(reconciler)
    held = store.find(incident.id)[0]
    decide(store, held, Answer.REJECT)
    with pytest.raises(moderation.RefusedError):
        decide(store, held, Answer.APPROVE)


# -- one item of ten that fails -------------------------------------------------------------------------------------


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock for the runners that the test moves."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def several(store: Store, queue: FakeQueue) -> Reconciler:
    """Bring eleven messages into the hold queue, with their incidents held."""
    for number in range(11):
        incident = Incident(
            queue_id=f"4id{number}", sender="a@corp.example", recipients=["b@partner.example"], policy="p"
        )
        store.record(incident, MILTER)
        queue.add(incident.queue_id, b"X-Holdgate-Incident: %s\n" % incident.id.encode())
    reconciler = new_reconciler(store, queue)
    settle(reconciler)
    assert len(store.incidents([State.HELD])) == 11
    return reconciler


@pytest.mark.parametrize("choice", [Answer.APPROVE, Answer.REJECT])
def test_a_queue_file_that_cannot_be_moved_does_not_delay_others(store: Store, choice: Answer) -> None:
    queue = FakeQueue()
    reconciler = several(store, queue)
    for incident in store.incidents([State.HELD]):
        decide(store, incident, choice)
    for notice in store.outbox.due(datetime.now(UTC)):
        store.outbox.sent(notice, PERSON)
    queue.damaged = {"4id3"}
    settle(reconciler)
    done = State.RELEASED if choice is Answer.APPROVE else State.RETURNED
    assert len(store.incidents([done])) == 10
    (left,) = store.incidents([State.APPROVED, State.REJECTED])
    assert left.queue_id == "4id3"


def test_a_failed_release_is_retried_and_recorded_once(store: Store, no_pauses: list[float]) -> None:
    queue = FakeQueue()
    reconciler = several(store, queue)
    incident = store.find("4id3")[0]
    decide(store, incident, Answer.APPROVE)
    queue.damaged = {"4id3"}
    for _ in range(30):
        no_pauses[0] += 60
        reconciler.run_once()
    assert [event.event for event in store.history(incident.id)].count("release begun") == 1
    queue.damaged.clear()
    no_pauses[0] += 60
    settle(reconciler)
    assert queue.delivered == ["4id3"]
    assert store.find("4id3")[0].state is State.RELEASED


def test_a_release_from_an_earlier_hold_does_not_explain_a_missing_message(store: Store) -> None:
    """Its release had begun, then it was held again. If it is missing now, an operator removed it."""
    queue = FakeQueue()
    reconciler = several(store, queue)
    incident = decide(store, store.find("4id3")[0], Answer.APPROVE)
    queue.damaged = {"4id3"}
    settle(reconciler)
    store.change(incident, State.VANISHED, PERSON)
    queue.damaged.clear()
    settle(reconciler)
    decide(store, store.find("4id3")[0], Answer.APPROVE)
    del queue.messages["4id3"]
    settle(reconciler)
    assert store.find("4id3")[0].state is State.VANISHED


def test_an_unreadable_message_does_not_delay_the_adoption_of_others(
    store: Store, no_pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    queue = FakeQueue()
    for number in range(11):
        queue.add(f"4id{number}", b"X-Holdgate-Incident: lost\n")
    queue.damaged = {"4id3"}
    reconciler = new_reconciler(store, queue)
    settle(reconciler)
    assert len(store.incidents([State.HELD])) == 10
    output = [record.getMessage() for record in caplog.records if "work-failed" in record.getMessage()]
    assert output == ["4id3: work-failed: stage=adopt item=4id3/1000 error=damaged attempts=1"]
    queue.damaged.clear()
    no_pauses[0] += 1
    settle(reconciler)
    assert len(store.incidents([State.HELD])) == 11


# A kind of work of the queue agent, with the state in which it leaves an incident.
KINDS = {
    "release": State.RELEASED,
    "delete": State.RETURNED,
    "adopt": State.HELD,
    "arrive": State.HELD,
    "lose": State.VANISHED,
}


def prepared(kind: str, store: Store, queue: FakeQueue) -> Reconciler:
    """Give the queue agent eleven items of one kind to do, about the messages "4id0" to "4id10"."""
    reconciler = new_reconciler(store, queue) if kind in ("adopt", "arrive") else several(store, queue)
    if kind == "adopt":
        for number in range(11):
            queue.add(f"4id{number}", b"X-Holdgate-Incident: lost\n")
    elif kind == "arrive":
        for number in range(11):
            store.record(Incident(f"4id{number}", "a@corp.example", ["b@partner.example"], "p"), MILTER)
            queue.add(f"4id{number}", b"")
    elif kind == "lose":
        queue.messages.clear()
    else:
        for incident in store.incidents([State.HELD]):
            decide(store, incident, Answer.APPROVE if kind == "release" else Answer.REJECT)
        for notice in store.outbox.due(datetime.now(UTC)):
            store.outbox.sent(notice, PERSON)
    return reconciler


@pytest.mark.slow(seconds=0.5)  # each call of each kind of work has a separate store
@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_of_any_store_call_does_not_delay_other_messages(
    empty_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    no_pauses: list[float],
    kind: str,
) -> None:
    def done(store: Store) -> set[str]:
        return {one.queue_id for one in store.incidents([KINDS[kind]])}

    def attempt(failing: str, error: Exception) -> tuple[set[str], int]:
        """Do the work while a call about the fourth fails; return the calls about it, and how many others are done."""
        for left in tmp_path.glob("holdgate.db*"):  # its write-ahead log too
            left.unlink()
        shutil.copy(empty_store, tmp_path / "holdgate.db")
        store, queue = open_store(f"sqlite:///{tmp_path}/holdgate.db"), FakeQueue()
        reconciler = prepared(kind, store, queue)
        before = done(store)
        bad = {"4id3", *(one.id for one in store.find("4id3"))}
        seen: set[str] = set()

        def reach(name: str) -> None:
            seen.add(name)
            if name == failing:
                raise error

        with monkeypatch.context() as patch:
            calls_about(patch, bad, reach)
            for _ in range(6):
                no_pauses[0] += 60
                reconciler.run_once()
        others = len(done(store) - before - {"4id3"})
        no_pauses[0] += 60
        settle(reconciler)
        assert len(done(store)) == 11, failing
        assert len(queue.delivered) == (11 if kind == "release" else 0)
        assert len(queue.deleted) == (11 if kind == "delete" else 0)
        store.close()
        return seen, others

    conflict, failures = ConflictError(Incident("4", "", [], "p")), OperationalError("x", {}, Exception())
    calls, count = attempt("", conflict)
    assert count == 10
    assert calls
    for call, error in product(sorted(calls), (conflict, failures)):
        assert attempt(call, error)[1] == 10, (call, error)


# -- cost of a pass -------------------------------------------------------------------------------------------------


class SettledQueue(FakeQueue):
    """Says, as the agent does, whether anything changed since it was asked last."""

    def held_unless(self, stamp: str | None, version: str = "") -> Listing | None:
        now = "+" + ",".join(sorted(self.messages))
        found = None if stamp == now else super().held_unless(stamp, version)
        return None if found is None else replace(found, stamp=now)


def test_nothing_is_compared_while_nothing_changes(
    store: Store, monkeypatch: pytest.MonkeyPatch, no_pauses: list[float]
) -> None:
    queue = SettledQueue()
    several(store, queue)
    compared: list[int] = []
    real = Store.open_incidents
    monkeypatch.setattr(Store, "open_incidents", lambda self: compared.append(1) or real(self))
    reconciler = new_reconciler(store, queue, interval=timedelta(minutes=1))
    queue.listings = 0
    no_pauses[0] += 1
    settle(reconciler)
    assert (len(compared), queue.listings) == (1, 1)
    # Each change of queue or store is seen at once,
    decide(store, store.find("4id3")[0], Answer.APPROVE)
    reconciler.run_once()
    assert queue.delivered == ["4id3"]
    del queue.messages["4id4"]
    settle(reconciler)
    assert store.find("4id4")[0].state is State.VANISHED
    # and at a slow beat the queue is listed all the same.
    settle(reconciler)
    before = queue.listings
    settle(reconciler)
    assert queue.listings == before
    no_pauses[0] += 60
    settle(reconciler)
    assert queue.listings == before + 1


def test_the_reconciler_waits_for_a_change_unless_work_remains(store: Store, no_pauses: list[float]) -> None:
    """The agent waits with its stamp; without one, the next pass follows after a moment."""
    queue = SettledQueue()
    signals = 60.0  # the store signals new work, and need not be asked for so long
    reconciler = new_reconciler(store, queue, interval=timedelta(hours=9), poll_after=lambda: signals)
    settle(reconciler)
    assert reconciler.stamp == "+"
    reconciler.poll()
    assert reconciler.stamp == "", "the store is to be asked"
    incident = Incident(queue_id="4a", sender="a@corp.example", recipients=["b@partner.example"], policy="p")
    store.record(incident, MILTER)
    settle(reconciler)
    assert reconciler.stamp == "", "its message must come into the hold queue, or be missed"
    queue.add("4a", b"X-Holdgate-Incident: %s\n" % incident.id.encode())
    settle(reconciler)
    assert store.find(incident.id)[0].state is State.HELD
    assert reconciler.stamp == "+4a"
    no_pauses[0] += 60
    assert reconciler.stamp == "", "no signal came for so long"
    settle(reconciler)
    assert reconciler.stamp == "+4a"
    del queue.messages["4a"]
    reconciler.run_once()
    assert reconciler.stamp == "", "a held message is missing"
    settle(reconciler)
    assert store.find(incident.id)[0].state is State.VANISHED
    assert reconciler.stamp == "+"


def test_a_pass_reads_only_the_incidents_that_changed(
    store: Store, monkeypatch: pytest.MonkeyPatch, no_pauses: list[float]
) -> None:
    queue = SettledQueue()
    several(store, queue)
    reconciler = new_reconciler(store, queue, interval=timedelta(minutes=1))
    settle(reconciler)
    read: list[list[str]] = []
    real = Store.open_among
    monkeypatch.setattr(Store, "open_among", lambda self, names: read.append(sorted(names)) or real(self, names))
    monkeypatch.setattr(Store, "open_incidents", lambda _: 1 / 0)
    one, other = store.find("4id1")[0], store.find("4id3")[0]
    decide(store, one, Answer.APPROVE)
    settle(reconciler)
    decide(store, other, Answer.REJECT)
    settle(reconciler)
    assert {name for names in read for name in names} == {one.id, other.id}
    assert queue.delivered == ["4id1"]
    for notice in store.outbox.due(datetime.now(UTC)):
        store.outbox.sent(notice, PERSON)
    settle(reconciler)
    assert queue.deleted == ["4id3"]


def test_a_failed_comparison_is_repeated_even_if_nothing_changed(
    store: Store, monkeypatch: pytest.MonkeyPatch, no_pauses: list[float]
) -> None:
    queue = SettledQueue()
    queue.add("4a", b"X-Holdgate-Incident: lost\n")
    reconciler = new_reconciler(store, queue, interval=timedelta(minutes=1))
    with monkeypatch.context() as patch:
        patch.setattr(Store, "open_incidents", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            reconciler.run_once()
    reconciler.run_once()
    assert len(store.incidents([State.HELD])) == 1


def test_a_decision_interrupts_the_adoption_of_many_messages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    # It is the decision that ends the round, not the time on a machine that does much else.
    monkeypatch.setattr("holdgate.queue.reconcile._QUICK_BUDGET", 3_600.0)

    class Deciding(FakeQueue):
        def headers(self, keys: list[Key]) -> list[bytes | QueueError | None]:
            for incident in store.incidents([State.HELD])[:1]:
                decide(store, incident, Answer.APPROVE)
            return super().headers(keys)

    queue = Deciding()
    for number in range(100):
        queue.add(f"4id{number}", b"X-Holdgate-Incident: lost\n")
    reconciler = new_reconciler(store, queue)
    reconciler.run_once()
    assert len(store.incidents()) == 10
    assert reconciler.has_more
    reconciler.run_once()
    assert len(queue.delivered) == 1
    for _ in range(19):
        reconciler.run_once()
    assert len(store.incidents()) == 100
    assert not reconciler.has_more


@pytest.mark.parametrize("many", ["deletions", "arrivals", "losses"])
def test_a_decision_interrupts_any_long_step_of_a_pass(
    store: Store, monkeypatch: pytest.MonkeyPatch, many: str, no_pauses: list[float]
) -> None:
    """It is carried out at the beginning of the next pass, before the queue is listed."""
    queue = FakeQueue()
    reconciler = several(store, queue)
    waiting = store.incidents([State.HELD])
    settle(reconciler)
    for number in range(9):
        store.record(Incident(f"4new{number}", "a@corp.example", ["b@partner.example"], "p"), MILTER)
        queue.add(f"4new{number}")
    if many == "deletions":
        monkeypatch.setattr("holdgate.queue.reconcile._BATCH", 1)
        for incident in waiting[1:]:
            decide(store, incident, Answer.REJECT)
        for notice in store.outbox.due(datetime.now(UTC)):
            store.outbox.sent(notice, PERSON)
        queue.messages = {name: one for name, one in queue.messages.items() if not name.startswith("4new")}
    elif many == "losses":
        queue.messages = {name: one for name, one in queue.messages.items() if name == waiting[0].queue_id}
        reconciler.run_once()
        reconciler.run_once()
    real = Store.change
    steps: list[str] = []

    def change(self: Store, incident: Incident, new: State, *rest: Any, **more: Any) -> Incident:
        changed = real(self, incident, new, *rest, **more)
        steps.append(incident.id)
        if len(steps) == 1:
            decide(self, waiting[0], Answer.APPROVE)
        return changed

    with monkeypatch.context() as patch:
        patch.setattr(Store, "change", change)
        reconciler.run_once()
    assert len([one for one in steps if one != waiting[0].id]) == 1
    assert reconciler.has_more
    queue.failures = ["list fail"]
    with pytest.raises(UnreachableError):
        reconciler.run_once()
    assert queue.delivered == [waiting[0].queue_id]


def test_a_message_missing_before_its_release_is_not_recorded_as_released(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    queue = FakeQueue()
    reconciler = several(store, queue)
    decide(store, store.find("4id3")[0], Answer.APPROVE)
    del queue.messages["4id3"]  # by an operator, since the last listing
    reconciler.run_once()
    assert store.find("4id3")[0].state is State.VANISHED
    assert "4id3: gone-undecided" in caplog.text


@pytest.mark.parametrize("end", ["rejected", "expired"])
def test_a_message_removed_before_its_sender_was_notified_is_not_recorded_as_returned(
    store: Store, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    queue = FakeQueue()
    reconciler = several(store, queue)
    for name in ("4id3", "4id4"):
        if end == "rejected":
            decide(store, store.find(name)[0], Answer.REJECT)
        else:
            moderation.expire(Desk(store, SETTINGS), store.find(name)[0])
    notified, gone = (store.find(name)[0] for name in ("4id4", "4id3"))
    for notice in store.outbox.due(datetime.now(UTC)):
        if notice.incident_id == notified.id:
            store.outbox.sent(notice, PERSON)
    del queue.messages["4id3"], queue.messages["4id4"]  # postsuper -H, and both are delivered
    settle(reconciler)
    assert store.find("4id4")[0].state is State.RETURNED
    now = store.find("4id3")[0]
    assert (now.state, now.decided_by, now.decided_how, now.decided_at) == (State.VANISHED, None, None, None)
    assert [event.event for event in store.history(gone.id)][-2:] == [end, "vanished"]
    due = [notice.kind for notice in store.outbox.due(datetime.now(UTC)) if notice.incident_id == gone.id]
    assert not {"rejected", "expired", "withdrawn"} & set(due)
    assert "4id3: gone-undecided" in caplog.text


def test_a_pass_returns_whether_the_agent_and_the_store_answered(store: Store) -> None:
    queue = FakeQueue()
    reconciler = several(store, queue)
    assert reconciler.run_once()
    for incident in store.incidents([State.HELD]):
        decide(store, incident, Answer.APPROVE)
    queue.damaged = {"4id3"}
    assert reconciler.run_once()
    for number in range(200):
        queue.add(f"4new{number}", b"X-Holdgate-Incident: lost\n")
    queue.failures = ["show fail"] * 9
    assert not reconciler.run_once()


def test_two_nodes_with_the_same_queue_id_each_handle_their_own_message(store_url: str) -> None:
    if store_url.startswith("sqlite"):
        pytest.skip("a file has one node")
    stores, queues = [open_store(store_url, name) for name in ("a", "b")], [FakeQueue(), FakeQueue()]
    incidents = []
    for store, queue in zip(stores, queues, strict=True):
        incident = Incident(queue_id="4same", sender="a@corp.example", recipients=["b@partner.example"], policy="p")
        store.record(incident, MILTER)
        queue.add("4same", b"X-Holdgate-Incident: %s\n" % incident.id.encode())
        incidents.append(incident)
    reconcilers = [new_reconciler(*pair) for pair in zip(stores, queues, strict=True)]
    for reconciler in reconcilers:
        reconciler.run_once()
    desk = Desk(stores[1], SETTINGS)  # any desk decides for all nodes
    held = [stores[0].incident(one.id) or one for one in incidents]
    assert [one.state for one in held] == [State.HELD, State.HELD]
    moderation.override(desk, held[0], Answer.APPROVE, PERSON)
    for _ in range(5):
        for reconciler in reconcilers:
            reconciler.run_once()
    assert (queues[0].delivered, queues[1].delivered) == (["4same"], [])
    after = [stores[0].incident(one.id) or one for one in incidents]
    assert [one.state for one in after] == [State.RELEASED, State.HELD]
    assert stores[0].audit.verify().problem == ""
    for store in stores:
        store.close()


@pytest.mark.parametrize(
    ("is_used", "state", "sender", "queue_id", "is_moved"),
    [
        (False, State.HELD, "a@corp.example", "4a", True),
        (False, State.VANISHED, "a@corp.example", "4a", True),
        # Closed: an operator put it on hold again on the old node, and no moderator is asked again.
        (False, State.RETURNED, "a@corp.example", "4a", False),
        # The other node runs, or the message is another one: there is a separate request for each.
        (True, State.HELD, "a@corp.example", "4a", False),
        (False, State.HELD, "eve@corp.example", "4a", False),
        (False, State.HELD, "a@corp.example", "4b", False),
    ],
)
def test_the_incident_of_a_node_that_no_machine_uses_moves_with_its_message(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    is_used: bool,
    state: State,
    sender: str,
    queue_id: str,
    is_moved: bool,
) -> None:
    incident = Incident(
        queue_id="4a", sender="a@corp.example", recipients=["b@partner.example"], policy="p", node="old", state=state
    )
    store.record(incident, MILTER)
    store.node = "new"
    monkeypatch.setattr(Store, "is_here", lambda _, one: one.node == "new")
    monkeypatch.setattr(Store, "of_message", lambda *_: [])  # of this node
    monkeypatch.setattr(store.nodes, "is_used", lambda name: is_used and name == "old")
    adopter = Adopter(store, action=("X-Netskope-Action", "Quarantine"), adopt_uninspected=False)
    header = b"X-Holdgate-Status: complete\nX-Holdgate-Incident: %s\n" % incident.id.encode()
    adopted = adopter.adopt(HeldMessage(queue_id, 1000, 10, sender, ["b@partner.example"]), header)
    found = store.incident(incident.id)
    assert found is not None
    assert found.node == ("new" if is_moved else "old")
    events = [(one.event, one.note) for one in store.history(incident.id)]
    assert ((EventName.NODE_CHANGED, "from node old to new") in events) is is_moved
    if is_moved:
        assert (adopted, found.state) == (True, State.HELD)
    else:
        assert adopted == (state is State.HELD)
        assert found.state is state


def test_a_hold_queue_that_moved_to_another_node_keeps_its_incidents(store_url: str) -> None:
    if store_url.startswith("sqlite"):
        pytest.skip("a file has one node")
    old, new, queue = open_store(store_url, "old"), open_store(store_url, "new"), FakeQueue()
    machine = Machine("1" * 32, "one.corp.example", "1.0")
    old.nodes.acquire("old", machine)
    new.nodes.acquire("new", Machine("2" * 32, "two.corp.example", "1.0"))
    incident = Incident(queue_id="4a", sender="a@corp.example", recipients=["b@partner.example"], policy="p")
    old.record(incident, MILTER)
    queue.add("4a", b"X-Holdgate-Status: complete\nX-Holdgate-Incident: %s\n" % incident.id.encode())
    new_reconciler(old, queue).run_once()
    # A copy of a message whose node runs is another message: there is a separate request for it.
    copy = FakeQueue()
    copy.add("4a", queue.headers_of["4a"])
    new_reconciler(new, copy).run_once()
    assert [one.node for one in new.find("4a")] == ["old", "new"]
    old.nodes.release("old", machine)
    third = open_store(store_url, "third")
    new_reconciler(third, queue).run_once()
    moved = third.incident(incident.id)
    assert moved is not None
    assert (moved.node, moved.state) == ("third", State.HELD)
    assert [one.event for one in third.history(incident.id)][-1] == EventName.NODE_CHANGED
    assert third.audit.verify().problem == ""
    for store in (old, new, third):
        store.close()


# -- copies for recipients who wait ---------------------------------------------------------------------------------


def copy(store: Store, **values: Any) -> Incident:
    known = {"queue_id": "", "sender": "a@corp.example", "recipients": ["b@partner.example"], "policy": "pii-outbound"}
    known |= {"already_sent": ["c@corp.example"], "message_digest": "0" * 64, "node": store.node}
    incident = Incident(**(known | values))
    store.record(incident, MILTER)
    return incident


def marked(incident: Incident) -> bytes:
    return f"X-Netskope-Action: Quarantine\nX-Holdgate-Status: complete\nX-Holdgate-Incident: {incident.id}\n".encode()


def test_a_copy_with_an_unrecorded_queue_id_is_matched_to_its_incident(store: Store) -> None:
    incident, queue = copy(store), FakeQueue()
    queue.add("4COPY1", marked(incident))
    new_reconciler(store, queue).run_once()
    (found,) = store.incidents()
    assert (found.id, found.state, found.queue_id, found.arrival_time) == (incident.id, State.HELD, "4COPY1", 1000)


@pytest.mark.parametrize("known", ["", "4COPY1", "4COPY2"])
def test_one_of_two_copies_of_an_incident_is_deleted(store: Store, known: str) -> None:
    incident, queue = copy(store, queue_id=known), FakeQueue()
    queue.add("4COPY1", marked(incident))
    queue.add("4COPY2", marked(incident))
    one = new_reconciler(store, queue)
    for _ in range(3):
        one.run_once()
    (found,) = store.incidents()
    assert found.state is State.HELD
    assert list(queue.messages) == [found.queue_id]
    assert len(queue.deleted) == 1
    assert known in ("", found.queue_id)


def test_a_second_copy_waits_until_the_first_is_seen(store: Store) -> None:
    incident, queue = copy(store, queue_id="4COPY1"), FakeQueue()
    queue.add("4COPY2", marked(incident))
    one = new_reconciler(store, queue)
    one.run_once()
    assert list(queue.messages) == ["4COPY2"]
    assert [found.state for found in store.incidents()] == [State.PENDING]


def test_a_requeued_copy_does_not_count_as_a_second_copy(store: Store) -> None:
    incident, queue = copy(store, queue_id="4COPY1"), FakeQueue()
    queue.add("4COPY1", marked(incident))
    one = new_reconciler(store, queue)
    one.run_once()
    queue.add("4AGAIN", marked(incident))
    del queue.messages["4COPY1"], queue.headers_of["4COPY1"]
    for _ in range(4):
        one.run_once()
    assert list(queue.messages) == ["4AGAIN"]
    assert [found.queue_id for found in store.incidents([State.HELD])] == ["4AGAIN"]


def test_a_copy_that_arrives_late_is_held_again(store: Store) -> None:
    incident, queue = copy(store), FakeQueue()
    store.change(incident, State.VANISHED, MILTER)
    queue.add("4LATE", marked(incident))
    new_reconciler(store, queue).run_once()
    (found,) = store.incidents()
    assert (found.state, found.queue_id) == (State.HELD, "4LATE")


def test_another_senders_message_does_not_count_as_a_copy(store: Store) -> None:
    incident, queue = copy(store, queue_id="4COPY1"), FakeQueue()
    queue.add("4COPY1", marked(incident))
    queue.add("4OTHER", marked(incident), sender="eve@corp.example")
    one = new_reconciler(store, queue)
    for _ in range(2):
        one.run_once()
    assert list(queue.messages) == ["4COPY1", "4OTHER"]
    assert queue.deleted == []


def test_a_copy_that_postfix_did_not_accept_is_not_logged_as_missing(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    copy(store, created_at=datetime.now(UTC) - timedelta(days=1))
    new_reconciler(store, FakeQueue()).run_once()
    assert [found.state for found in store.incidents()] == [State.VANISHED]
    assert "never-held" not in caplog.text


def test_the_message_of_a_closed_incident_is_no_longer_awaited(store: Store) -> None:
    queue = FakeQueue()
    incident = Incident(queue_id="4a", sender="a@corp.example", recipients=["b@partner.example"], policy="p")
    store.record(incident, MILTER)
    queue.add("4a", b"X-Holdgate-Incident: %s\n" % incident.id.encode())
    reconciler = new_reconciler(store, queue)
    reconciler.run_once()
    queue.messages.clear()
    for _ in range(8):
        reconciler.run_once()
        found = store.incident(incident.id)
        assert found is not None
        # While it is looked for, there is a pass after the next listing; then passes are rare again.
        assert reconciler._missing.waits is (found.state is State.HELD)
    assert found.state is State.VANISHED
