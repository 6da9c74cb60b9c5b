"""Daemons are woken when there is work for them; where signals are not received, they poll."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from holdgate.desk.loops import Loop, Loops
from holdgate.quarantine import database, signals
from holdgate.quarantine.incident import Actor, Ask, Incident, NewNotice
from holdgate.quarantine.signals import DESK, Listener, queue_of
from holdgate.quarantine.states import State
from holdgate.quarantine.store import ConflictError, Store, migrate, open_store
from testbed.pgbouncer import PgBouncer
from testbed.ports import wait_for
from testbed.postgres import PostgresServer

pytestmark = pytest.mark.postgresql

ACTOR = Actor("boss@corp.example", "page")
NODE = "mx1.corp.example"


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    made = postgres.new_database()
    migrate(made)
    return made


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url, NODE, role="desk")
    yield opened
    opened.close()


class Recorder:
    """Records all signals from its creation on."""

    def __init__(self, url: str) -> None:
        self._connection = database.direct(url)
        self._connection.execute("LISTEN holdgate")

    def words(self, store: Store) -> set[str]:
        """Return the signals since the last time."""
        for thread in threading.enumerate():
            if thread.name == "signals":  # it may be overtaken by the next one
                thread.join()
        store.signals.notify("end")
        words: set[str] = set()
        while "end" not in words:
            words |= {
                word
                for notice in self._connection.notifies(timeout=20, stop_after=1)
                for word in notice.payload.split()
            }
        return words - {"end"}

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def recorder(url: str) -> Iterator[Recorder]:
    with closing(Recorder(url)) as made:
        yield made


class Subscriber:
    """A listener for some signals that already listens, and its waker."""

    def __init__(self, store: Store, url: str, *words: str) -> None:
        self.listener = store.listener(*words, url=url)
        self.waker = self.listener.waker()
        self.listener.start()
        wait_for(lambda: self.listener.is_listening, "the listener to hear itself")
        assert self.waker.wait(20)


@pytest.fixture
def listeners() -> Iterator[list[Listener]]:
    made: list[Listener] = []
    yield made
    for one in made:
        one.close()


def held(number: int = 0) -> Incident:
    incident = Incident(
        queue_id=f"4{number}", sender="a@corp.example", recipients=["b@partner.example"], policy="p", node=NODE
    )
    return replace(incident, state=State.HELD)


def test_a_decision_signals_the_agent_of_its_node(store: Store, recorder: Recorder) -> None:
    for number, decision in enumerate((State.APPROVED, State.REJECTED, State.EXPIRED)):
        incident = held(number)
        store.record(incident, ACTOR)
        assert recorder.words(store) == {DESK}
        store.change(incident, decision, ACTOR)
        assert recorder.words(store) == {queue_of(NODE)}


def test_a_request_or_notice_to_send_signals_the_desks(store: Store, recorder: Recorder) -> None:
    store.record(replace(held(), state=State.PENDING), ACTOR)
    assert recorder.words(store) == set()
    incident = replace(held(1), state=State.PENDING)
    store.record(incident, ACTOR, outbox=[NewNotice("alert", "boss@corp.example")])
    assert recorder.words(store) == {DESK}
    incident = store.change(incident, State.HELD, ACTOR)
    assert recorder.words(store) == {DESK}
    now = datetime.now(UTC)
    incident = store.amend(incident, "asked", ACTOR, asks=[Ask("boss@corp.example", "moderator")], deadline_at=now)
    assert recorder.words(store) == {DESK}
    incident = store.change(incident, State.REJECTED, ACTOR, outbox=[NewNotice("rejected", "a@corp.example")])
    assert recorder.words(store) == {DESK, queue_of(NODE)}
    store.outbox.enqueue(incident.id, NewNotice("answer", "a@corp.example"), ACTOR)
    assert recorder.words(store) == {DESK}
    store.add_event(incident.id, "revealed", ACTOR)
    store.change(incident, State.RETURNED, ACTOR)
    assert recorder.words(store) == set()


def test_a_sent_report_signals_the_agent(store: Store, recorder: Recorder) -> None:
    incident = held()
    store.record(incident, ACTOR)
    store.change(incident, State.REJECTED, ACTOR, outbox=[NewNotice("rejected", "a@corp.example")])
    recorder.words(store)
    (notice,) = store.outbox.due(datetime.now(UTC))
    store.outbox.failed(notice, ACTOR, datetime.now(UTC))
    assert recorder.words(store) == set()
    store.outbox.sent(notice, ACTOR)
    assert recorder.words(store) == {queue_of(NODE)}


def test_a_decision_that_conflicts_sends_no_signal(store: Store, recorder: Recorder) -> None:
    incident = held()
    store.record(incident, ACTOR)
    store.change(incident, State.APPROVED, ACTOR)
    recorder.words(store)
    with pytest.raises(ConflictError):
        store.change(incident, State.REJECTED, ACTOR, outbox=[NewNotice("rejected", "a@corp.example")])
    assert recorder.words(store) == set()


def test_a_listener_is_woken_by_its_own_words(
    store: Store, url: str, recorder: Recorder, listeners: list[Listener]
) -> None:
    mine, other = Subscriber(store, url, queue_of(NODE)), Subscriber(store, url, queue_of("mx2.corp.example"))
    listeners += [mine.listener, other.listener]
    store.signals.notify(queue_of(NODE), DESK)
    assert mine.waker.wait(20)
    store.signals.notify(queue_of(NODE), queue_of("mx2.corp.example"))
    assert mine.waker.wait(20)  # once: the signal before it did not count twice
    assert other.waker.wait(20)


def test_simultaneous_signals_are_sent_together(store: Store, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gathering = threading.Event()
    monkeypatch.setattr(time, "sleep", lambda _: gathering.wait(20))
    with closing(database.direct(url)) as connection:
        connection.execute("LISTEN holdgate")
        for number in range(20):
            incident = held(number)
            store.record(incident, ACTOR)
            store.change(incident, State.APPROVED, ACTOR)
        gathering.set()
        store.signals.close()
        received = [notice.payload for notice in connection.notifies(timeout=1)]
    assert received == [f"desk queue:{NODE}"]


def test_a_listener_whose_connection_ends_connects_again(
    store: Store, url: str, postgres: PostgresServer, listeners: list[Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "_RECONNECT", 0.05)
    agent = Subscriber(store, url, queue_of(NODE))
    listeners.append(agent.listener)
    postgres.end_connections()
    wait_for(lambda: not agent.listener.is_listening, "the listener to see it")
    wait_for(lambda: agent.listener.is_listening, "the listener to hear again")
    wait_for(lambda: agent.waker.wait(0), "the wake-up after a lost signal")
    incident = held()
    store.record(incident, ACTOR)
    store.change(incident, State.APPROVED, ACTOR)
    assert agent.waker.wait(20)


def test_another_database_user_can_only_wake_a_daemon(
    store: Store, url: str, listeners: list[Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "_PROOF_INTERVAL", 0.1)
    agent = Subscriber(store, url, queue_of(NODE))
    listeners.append(agent.listener)
    hostile = ("", " ", "proof:", f"proof:{'0' * 16}", "x" * 7999, "queue:\x01\x7f\u2028", "Drop " * 1500, "queue:")
    with closing(database.direct(url)) as outsider:  # the server lets each user of the database do this
        for number in range(3000):
            outsider.execute("SELECT pg_notify('holdgate', %s)", [hostile[number % len(hostile)]])
            assert agent.listener.is_listening
    assert not agent.waker.wait(0), "none of these words is its own"
    incident = held()
    store.record(incident, ACTOR)
    store.change(incident, State.APPROVED, ACTOR)
    assert agent.waker.wait(20)
    assert agent.listener.is_listening


def test_a_dead_connection_without_an_error_is_replaced(
    store: Store, url: str, listeners: list[Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "_PROOF_INTERVAL", 0.1)
    monkeypatch.setattr(signals, "_PROOF_TIMEOUT", 0.3)
    monkeypatch.setattr(signals, "_RECONNECT", 0.05)
    made: list[Any] = []

    def direct(given: str) -> Any:
        made.append(database.direct(given))
        return made[-1]

    monkeypatch.setattr(signals, "direct", direct)
    agent = Subscriber(store, url, queue_of(NODE))
    listeners.append(agent.listener)
    # As behind a firewall that has dropped the connection: it is open, and nothing arrives.
    monkeypatch.setattr(made[0], "notifies", lambda **_: iter(()))
    wait_for(lambda: len(made) > 1 and agent.listener.is_listening, "another connection")
    wait_for(lambda: agent.waker.wait(0), "the wake-up after a lost signal")
    incident = held()
    store.record(incident, ACTOR)
    store.change(incident, State.APPROVED, ACTOR)
    assert agent.waker.wait(20)


def test_signals_need_a_direct_connection_behind_a_pooler(
    postgres: PostgresServer,
    url: str,
    listeners: list[Listener],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pooler = PgBouncer(url, connections=2)
    pooler.start()
    store = open_store(pooler.url, NODE, role="desk")
    try:
        agent = Subscriber(store, url, queue_of(NODE))
        listeners.append(agent.listener)
        incident = held()
        store.record(incident, ACTOR)
        store.change(incident, State.APPROVED, ACTOR)
        assert agent.waker.wait(20)
        monkeypatch.setattr(signals, "_PROOF_TIMEOUT", 0.3)
        unnotified = store.listener(queue_of(NODE), url=pooler.url)
        listeners.append(unnotified)
        unnotified.start()
        wait_for(lambda: "LISTEN receives nothing" in caplog.text, "the listener to say that it receives nothing")
        assert not unnotified.is_listening
        assert unnotified.pause(1.0) == 1.0
        assert agent.listener.pause(1.0) == 5.0
        unnotified.close()
    finally:
        store.close()
        pooler.stop()


def test_a_signalled_loop_does_not_wait_for_its_interval(
    store: Store, url: str, listeners: list[Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals.NotifyListener, "poll_interval", 3600.0)
    listener = store.listener(DESK, url=url)
    listeners.append(listener)
    passes: list[datetime] = []
    loops = Loops([Loop("requests", lambda now: bool(passes.append(now)), 3600.0, wakes_on_signal=True)], listener)
    loops.start()
    listener.start()
    wait_for(lambda: listener.is_listening, "the listener to hear itself")
    wait_for(lambda: len(passes) >= 2, "the pass after lost signals")
    before = len(passes)
    store.record(held(), ACTOR)
    wait_for(lambda: len(passes) > before, "a pass for the message that was held")
    loops.close()
