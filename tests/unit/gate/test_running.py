"""The calls to libmilter and the thread pool's waker, without libmilter."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import Milter
import pytest

from holdgate.gate import callbacks, poolwaker, probe
from holdgate.gate.poolwaker import PoolWaker

PLACE = Path("/run/holdgate/milter.sock")


def test_libmilter_gets_the_flags_and_each_connection_has_its_own_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[Any] = []
    places: list[object] = []
    seen = threading.Event()

    def run(_waker: PoolWaker, place: object) -> None:
        places.append((place, threading.current_thread().daemon))
        seen.set()

    monkeypatch.setattr(PoolWaker, "run", run)
    monkeypatch.setattr(Milter, "factory", None)
    monkeypatch.setattr(Milter, "set_flags", lambda flags: calls.append(flags))
    monkeypatch.setattr(Milter, "set_exception_policy", lambda policy: calls.append(policy))
    monkeypatch.setattr(Milter, "runmilter", lambda *arguments: calls.append(arguments))
    sessions = iter(["first", "second"])
    callbacks.run(lambda: next(sessions), f"unix:{PLACE}", 90)  # type: ignore[arg-type, return-value]
    flags = Milter.ADDHDRS | Milter.CHGHDRS | Milter.CHGFROM | Milter.DELRCPT | Milter.QUARANTINE
    assert calls == [flags, Milter.TEMPFAIL, ("holdgate", f"unix:{PLACE}", 90)]
    assert [Milter.factory()._session for _ in range(2)] == ["first", "second"]
    assert seen.wait(90)
    assert places == [(PLACE, True)], "the waker never ends, so the milter must not wait for it"


class Ended(Exception):
    """Ends a loop that never ends."""


class Clock:
    """The waker's time: it passes only while the waker sleeps; then `meanwhile` is called."""

    def __init__(self) -> None:
        self.now = 0.0
        self.meanwhile: list[Callable[[], object]] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.meanwhile:
            self.meanwhile.pop(0)()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(poolwaker, "time", made)
    return made


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The places that the waker connected to; the second connection ends it."""
    made: list[object] = []

    def listens(place: object) -> None:
        made.append(place)
        if len(made) == 2:
            raise Ended

    monkeypatch.setattr(probe, "listens", listens)
    return made


def test_the_waker_keeps_connecting_during_a_long_inspection(clock: Clock, connections: list[object]) -> None:
    one = PoolWaker()
    with pytest.raises(Ended), one.inspecting():
        one.run(PLACE)
    assert connections == [PLACE, PLACE]
    assert clock.now == pytest.approx(0.1), "a session waits 50 ms at most"


def test_short_inspections_cause_no_wake_connection(clock: Clock, connections: list[object]) -> None:
    one, messages = PoolWaker(), ExitStack()

    def next_message() -> None:
        assert connections == []
        clock.now -= 0.02  # the next one was begun a part of a moment ago
        messages.close()
        messages.enter_context(one.inspecting())
        clock.now += 0.02

    clock.meanwhile = [next_message] * 3
    messages.enter_context(one.inspecting())
    with pytest.raises(Ended), messages:
        one.run(PLACE)
    assert clock.meanwhile == []


def test_the_next_message_wakes_an_idle_waker(clock: Clock, connections: list[object]) -> None:
    one, rests = PoolWaker(), threading.Event()
    wait = one._changed.wait

    def waits(timeout: float | None = None) -> bool:
        rests.set()  # the lock is held until it waits
        return wait(timeout)

    def run() -> None:
        with pytest.raises(Ended):
            one.run(PLACE)

    one._changed.wait = waits  # type: ignore[method-assign]
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert rests.wait(90)
    with one.inspecting():
        thread.join(90)
    assert not thread.is_alive()
    assert connections == [PLACE, PLACE]


def test_the_longest_time_is_that_of_the_message_that_began_first() -> None:
    one = PoolWaker()
    assert one._longest() < 0
    with one.inspecting():
        first = one._longest()
        with one.inspecting():
            assert one._longest() >= first >= 0
    assert one._longest() < 0
