"""Daemons detect work in a store in a file without polling each second."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdgate.desk.loops import Loop, Loops
from holdgate.quarantine import signals
from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.signals import DESK, FileListener, Waker
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, migrate, open_store
from holdgate.watch import Watch
from testbed.ports import PATIENCE, wait_for

ACTOR = Actor("boss@corp.example", "page")
_ELSEWHERE = """
import sys
from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.store import open_store
store = open_store(sys.argv[1])
incident = Incident(queue_id="4b", sender="a@corp.example", recipients=["b@partner.example"], policy="p")
store.record(incident, Actor("x", "milter"))
store.close()
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "_WRITES_GATHERED", 0.0)
    monkeypatch.setattr(signals, "_RECONNECT", 0.05)


@pytest.fixture
def url(tmp_path: Path, empty_store: Path) -> str:
    (tmp_path / "store").mkdir()
    shutil.copy(empty_store, tmp_path / "store/holdgate.db")
    return f"sqlite:///{tmp_path}/store/holdgate.db"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def listen(store: Store, url: str) -> Iterator[Callable[[], tuple[FileListener, Waker]]]:
    made: list[FileListener] = []

    def begin() -> tuple[FileListener, Waker]:
        listener = store.listener(DESK, url=url)
        assert isinstance(listener, FileListener)
        made.append(listener)
        waker = listener.waker()
        listener.start()
        wait_for(lambda: listener.is_listening, "the listener to watch the file")
        assert waker.wait(PATIENCE)
        return listener, waker

    yield begin
    for one in made:
        one.close()
        assert not one._thread.is_alive()


def held(number: int = 0) -> Incident:
    incident = Incident(queue_id=f"4{number}", sender="a@corp.example", recipients=["b@partner.example"], policy="p")
    return replace(incident, state=State.HELD)


def test_each_event_wakes_a_listener(store: Store, listen: Callable[[], tuple[FileListener, Waker]]) -> None:
    _, waker = listen()
    incident = held()
    store.record(incident, ACTOR)
    assert waker.wait(PATIENCE)
    store.change(incident, State.APPROVED, ACTOR)
    assert waker.wait(PATIENCE)


@pytest.mark.slow(seconds=1)
def test_an_event_written_by_another_process_wakes_a_listener(
    url: str, listen: Callable[[], tuple[FileListener, Waker]]
) -> None:
    _, waker = listen()
    subprocess.run([sys.executable, "-c", _ELSEWHERE, url], check=True, timeout=PATIENCE)
    assert waker.wait(PATIENCE)


def test_a_write_without_an_event_wakes_no_listener(
    store: Store, listen: Callable[[], tuple[FileListener, Waker]], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int | None] = []
    newest = FileListener._newest
    monkeypatch.setattr(FileListener, "_newest", lambda self: looks.append(found := newest(self)) or found)
    _, waker = listen()
    store.sessions.end("x", datetime.now(UTC))
    wait_for(lambda: len(looks) > 1, "the listener to look")
    assert not waker.wait(0)


def test_a_commit_that_is_synced_late_is_noticed_late(
    store: Store, listen: Callable[[], tuple[FileListener, Waker]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "_SYNCED", 0.05)
    wait, pauses = Watch.wait, []

    def waits(watch: Watch, seconds: float | None) -> set[str]:
        pauses.append((seconds, found := wait(watch, seconds)))
        return found

    monkeypatch.setattr(Watch, "wait", waits)
    # A signal counts after a time without further signals.
    monkeypatch.setattr(FileListener, "_newest", lambda _self: int((0.05, set()) in pauses))
    _, waker = listen()
    store.sessions.end("x", datetime.now(UTC))
    assert waker.wait(PATIENCE)


def test_a_store_that_is_deleted_and_created_again_is_watched_again(
    store: Store, tmp_path: Path, listen: Callable[[], tuple[FileListener, Waker]], caplog: pytest.LogCaptureFixture
) -> None:
    listener, waker = listen()
    directory = tmp_path / "store"
    directory.rename(tmp_path / "aside")
    wait_for(lambda: not listener.is_listening, "the listener to see that its directory is gone")
    assert waker.wait(PATIENCE)  # the loops poll from now on
    assert listener.pause(1.0) == 1.0
    directory.mkdir()
    migrate(f"sqlite:///{directory}/holdgate.db")
    wait_for(lambda: listener.is_listening, "the listener to watch the new file")
    assert listener.pause(1.0) == FileListener.poll_interval
    assert caplog.text.count("stage=listen") == 1


def test_a_file_that_is_deleted_is_noticed(
    store: Store, tmp_path: Path, listen: Callable[[], tuple[FileListener, Waker]]
) -> None:
    listener, _ = listen()
    for path in (tmp_path / "store").iterdir():
        path.unlink()
    wait_for(lambda: not listener.is_listening, "the listener to see that its file is gone")


@pytest.mark.slow(seconds=1)
def test_a_signalled_loop_does_not_wait_for_its_interval(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileListener, "poll_interval", 3600.0)
    listener = store.listener(DESK, url=url)
    passes: list[datetime] = []
    loops = Loops([Loop("requests", lambda now: bool(passes.append(now)), 3600.0, wakes_on_signal=True)], listener)
    loops.start()
    listener.start()
    try:
        wait_for(lambda: listener.is_listening and len(passes) >= 2, "the pass after lost signals")
        before = len(passes)
        store.record(held(), ACTOR)
        wait_for(lambda: len(passes) > before, "a pass for the message that was held")
    finally:
        listener.close()
        loops.close()


def test_a_store_in_a_file_sends_no_signals(store: Store) -> None:
    incident = held()
    store.record(incident, ACTOR)
    store.change(incident, State.APPROVED, ACTOR)
    assert store.signals._thread is None
