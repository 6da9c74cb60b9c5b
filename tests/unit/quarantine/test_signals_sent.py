"""Signals on a shared database, with a connection that the test writes: when they are sent, and what wakes."""

import threading
import time
from collections.abc import Collection, Iterator
from functools import partial
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from holdgate.quarantine import signals
from holdgate.quarantine.signals import Listener, NotifyListener, Signals, Waker, queue_of
from testbed.ports import PATIENCE, wait_for

ENGINE = cast(Engine, SimpleNamespace())


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The words of each signal."""
    found: list[list[str]] = []
    monkeypatch.setattr(signals, "is_shared", lambda _: True)
    monkeypatch.setattr(signals, "send", lambda _engine, words: found.append(sorted(words)))
    return found


# -- sending ----------------------------------------------------------------------------------------------------------


def test_simultaneous_signals_are_sent_together_and_later_ones_separately(
    sent: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    gathering, go = threading.Event(), threading.Event()

    def gather(_: float) -> None:
        gathering.set()
        go.wait(PATIENCE)

    monkeypatch.setattr(signals, "time", SimpleNamespace(sleep=gather))
    one = Signals(ENGINE)
    one.notify("desk")
    assert gathering.wait(PATIENCE)
    one.notify("queue:a", "desk")
    go.set()
    wait_for(lambda: sent == [["desk", "queue:a"]], "the signal")
    wait_for(lambda: one._thread is None, "its end")
    one.notify("desk")
    one.close()
    assert sent == [["desk", "queue:a"], ["desk"]]


def test_nothing_is_sent_without_a_word_or_after_closing(sent: list[list[str]]) -> None:
    one = Signals(ENGINE)
    one.notify()
    one.close()
    one.notify("desk")
    assert one._thread is None
    assert sent == []


def test_a_store_in_a_file_sends_no_signals(sent: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "is_shared", lambda _: False)
    one = Signals(ENGINE)
    one.notify("desk")
    one.close()
    assert sent == []


def test_a_signal_that_cannot_be_sent_does_not_block_later_ones(
    sent: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Collection[str]] = []

    def fails(_engine: Engine, words: Collection[str]) -> None:
        tried.append(words)
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(signals, "send", fails)
    one = Signals(ENGINE)

    def was_tried(times: int) -> bool:
        return len(tried) == times and one._thread is None

    for number in (1, 2):
        one.notify("desk")
        wait_for(partial(was_tried, number), "the attempt")
    one.close()


def test_each_node_has_a_word() -> None:
    assert queue_of("a") == "queue:a"


# -- listening --------------------------------------------------------------------------------------------------------


class Connection:
    """A connection to PostgreSQL: the test adds what it receives. It also receives its own signals if `receives`."""

    def __init__(self) -> None:
        self.receives = True
        self.executed: list[str] = []
        self.closed = 0
        self.payloads: list[str] = []
        self.breaks = False

    def execute(self, statement: str) -> None:
        self.executed.append(statement)

    def notifies(self, *, timeout: float, stop_after: int) -> Iterator[SimpleNamespace]:
        assert 0 < timeout <= signals._PROOF_INTERVAL
        assert stop_after == 1
        if self.breaks:
            raise OSError("the connection ended")
        if self.payloads:
            yield SimpleNamespace(payload=self.payloads.pop(0))
        else:
            time.sleep(0.001)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    made = Connection()
    monkeypatch.setattr(signals, "direct", lambda _url: made)
    monkeypatch.setattr(signals, "_RECONNECT", 0.001)

    def send(_engine: Engine, words: Collection[str]) -> None:
        if made.receives:
            made.payloads.append(" ".join(words))

    monkeypatch.setattr(signals, "send", send)
    return made


@pytest.fixture
def listener(connection: Connection) -> Iterator[tuple[NotifyListener, Waker]]:
    made = NotifyListener(ENGINE, "postgresql://x", ["desk", "queue:a"])
    waker = made.waker()
    yield made, waker
    made.close()
    if made._thread.ident is not None:
        made._thread.join(PATIENCE)


def woken(waker: Waker) -> bool:
    return waker.wait(0)


def test_a_listener_is_ready_once_it_receives_its_own_signal(
    listener: tuple[NotifyListener, Waker], connection: Connection
) -> None:
    one, waker = listener
    assert (one.is_listening, one.pause(1.0)) == (False, 1.0)
    one.start()
    assert waker.wait(PATIENCE), "what came before was not heard"
    wait_for(lambda: one.is_listening, "the proof")
    assert one.pause(1.0) == 5.0
    assert connection.executed == ["LISTEN holdgate"]


def test_only_its_own_words_wake_a_listener(listener: tuple[NotifyListener, Waker], connection: Connection) -> None:
    one, waker = listener
    one.start()
    wait_for(lambda: one.is_listening, "the proof")
    wait_for(lambda: woken(waker), "the first wake")
    for payload, wakes in (("queue:b other", False), ("queue:b desk", True), ("", False), ("queue:a", True)):
        connection.payloads.append(payload)
        wait_for(lambda: not connection.payloads, "the payload to be read")
        if wakes:
            assert waker.wait(PATIENCE)
        else:
            connection.payloads.append("of nobody")  # when this one is read, the one before was processed
            wait_for(lambda: not connection.payloads, "the next one")
            assert not woken(waker)


def test_daemons_poll_if_the_listener_does_not_receive_its_own_signal(
    listener: tuple[NotifyListener, Waker],
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(signals, "_PROOF_TIMEOUT", 0.01)
    one, waker = listener
    connection.receives = False
    connection.payloads.append("proof:of-another")
    one.start()
    wait_for(lambda: connection.closed > 3, "several attempts")
    assert not one.is_listening
    assert woken(waker)
    assert caplog.text.count("LISTEN receives nothing") == 1
    connection.receives = True
    wait_for(lambda: one.is_listening, "the proof")
    # A later error is reported again.
    connection.breaks = True
    wait_for(lambda: not one.is_listening, "the error")
    wait_for(lambda: caplog.text.count("stage=listen") == 2, "its line")


def test_each_proof_of_listening_uses_a_new_word(
    listener: tuple[NotifyListener, Waker], connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    proofs: list[str] = []

    def send(_engine: Engine, words: Collection[str]) -> None:
        proofs.extend(words)
        connection.payloads.append(" ".join(words))

    monkeypatch.setattr(signals, "send", send)
    monkeypatch.setattr(signals, "_PROOF_INTERVAL", 0.01)
    monkeypatch.setattr(signals, "_PROOF_TIMEOUT", 0.005)
    one, _ = listener
    one.start()
    wait_for(lambda: len(proofs) >= 3, "three proofs")
    assert len(set(proofs)) == len(proofs)
    assert all(proof.startswith("proof:") and len(proof) == 6 + 16 for proof in proofs)


def test_a_closed_listener_wakes_its_loops_and_logs_nothing(
    listener: tuple[NotifyListener, Waker], caplog: pytest.LogCaptureFixture
) -> None:
    one, waker = listener
    one.close()
    assert woken(waker)
    one._fall_back_to_polling("late")
    assert "stage=listen" not in caplog.text


def test_one_wake_up_ends_one_wait() -> None:
    waker = Waker()
    assert not waker.wait(0)
    waker.wake()
    waker.wake()
    assert (waker.wait(0), waker.wait(0)) == (True, False)


def test_all_wakers_of_a_listener_are_woken() -> None:
    class Notified(Listener):
        def _listen(self) -> None:
            self._begin()
            self._stop.wait(PATIENCE)

    one = Notified()
    wakers = [one.waker() for _ in range(3)]
    one.start()
    assert all(waker.wait(PATIENCE) for waker in wakers)
    one.close()
    assert all(waker.wait(PATIENCE) for waker in wakers)
    one._thread.join(PATIENCE)
