"""The calls to libmilter and the thread pool's waker, without libmilter."""

import threading
from pathlib import Path
from typing import Any

import Milter
import pytest

from holdgate.gate import callbacks, poolwaker
from holdgate.gate.poolwaker import PoolWaker
from testbed.ports import wait_for

PLACE = Path("/run/holdgate/milter.sock")


def test_libmilter_is_told_what_we_do_and_each_connection_has_a_session_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[Any] = []
    places: list[object] = []
    seen = threading.Event()

    def run(_waker: PoolWaker, place: object) -> None:
        places.append(place)
        seen.set()

    monkeypatch.setattr(PoolWaker, "run", run)
    monkeypatch.setattr(Milter, "factory", None)
    monkeypatch.setattr(Milter, "set_flags", lambda flags: told.append(flags))
    monkeypatch.setattr(Milter, "set_exception_policy", lambda policy: told.append(policy))
    monkeypatch.setattr(Milter, "runmilter", lambda *arguments: told.append(arguments))
    sessions = iter(["first", "second"])
    callbacks.run(lambda: next(sessions), f"unix:{PLACE}", 90)  # type: ignore[arg-type, return-value]
    flags = Milter.ADDHDRS | Milter.CHGHDRS | Milter.CHGFROM | Milter.DELRCPT | Milter.QUARANTINE
    assert told == [flags, Milter.TEMPFAIL, ("holdgate", f"unix:{PLACE}", 90)]
    assert [Milter.factory()._session for _ in range(2)] == ["first", "second"]
    assert seen.wait(90)
    assert places == [PLACE]


class Ended(Exception):
    """Ends a loop that never ends."""


@pytest.fixture
def knocks(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    monkeypatch.setattr(poolwaker, "_MOMENT", 0.001)
    return []


def test_who_judges_for_longer_than_a_moment_has_libmilter_look_again_and_nobody_else_does(
    monkeypatch: pytest.MonkeyPatch, knocks: list[object]
) -> None:
    one, ends = PoolWaker(), threading.Event()

    def listens(place: object) -> None:
        knocks.append(place)
        if ends.is_set():
            raise Ended

    def run() -> None:
        with pytest.raises(Ended):
            one.run(PLACE)

    monkeypatch.setattr(poolwaker.probe, "listens", listens)
    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: one._is_resting, "it to rest")
    for _ in range(2):
        with one.inspecting():
            before = len(knocks)
            wait_for(lambda before=before: len(knocks) > before + 1, "knocks")  # type: ignore[misc]
        wait_for(lambda: one._is_resting, "it to rest again")
        before = len(knocks)
        assert not threading.Event().wait(0.02)
        assert len(knocks) == before, "nobody is waited for"
    ends.set()
    with one.inspecting():
        thread.join(90)
    assert not thread.is_alive()
    assert set(knocks) == {PLACE}


def test_how_long_is_that_of_the_message_that_was_begun_first() -> None:
    one = PoolWaker()
    assert one._longest() < 0
    with one.inspecting():
        first = one._longest()
        with one.inspecting():
            assert one._longest() >= first >= 0
    assert one._longest() < 0
