"""The child that compares store and queue continues while store or queue are unavailable."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from holdgate import daemon, metrics
from holdgate.config import Settings
from holdgate.quarantine.signals import Waker
from holdgate.quarantine.store import StoreError
from holdgate.queue import agent, main, reconciling
from holdgate.queue.client import QueueError
from holdgate.queue.reconcile import Reconciler
from holdgate.queue.reconciling import run_passes, wake_at
from testbed.ports import PATIENCE

PAUSE = 0.001


class Script(Reconciler):
    """Follows a list of words, and stops at its end: a word reports success or failure, or raises an error."""

    def __init__(self, passes: list[Exception | bool]) -> None:
        self.passes = iter(passes)
        self.stop = threading.Event()
        self.count = 0

    def run_once(self) -> bool:
        self.count += 1
        word = next(self.passes, None)
        if isinstance(word, Exception):
            raise word
        if word is None:
            self.stop.set()
        return bool(word)


AWAY = [
    OperationalError("SELECT", {}, Exception("server closed the connection")),
    StoreError("the store is away"),
    QueueError("the agent does not answer"),
    ZeroDivisionError(),
]


@pytest.fixture
def notified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The notifications to systemd."""
    notified: list[str] = []
    monkeypatch.setattr(daemon, "notify", lambda *states: notified.extend(states))
    return notified


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_a_failed_pass_is_repeated(error: Exception, caplog: pytest.LogCaptureFixture, notified: list[str]) -> None:
    with caplog.at_level(logging.INFO, "holdgate"):
        assert_continues(Script([error, error]), passes=3)
    assert len([record for record in caplog.records if "stage=reconcile" in record.getMessage()]) == 2
    assert notified == []


def test_only_a_pass_in_which_all_parts_answered_notifies_the_watchdog(notified: list[str]) -> None:
    assert_continues(Script([True, False, AWAY[2], True]), passes=5)
    assert notified == ["WATCHDOG=1"] * 2


def assert_continues(script: Script, passes: int, waker: Waker | None = None) -> None:
    run_passes(script, script.stop, PAUSE, os.getppid(), waker or Waker())
    assert script.count == passes


def test_no_pass_runs_while_another_machine_may_use_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script([])
    waits: list[float] = []
    monkeypatch.setattr(script.stop, "wait", waits.append)
    answers: Iterator[bool | OSError] = iter([False, OSError("x"), False, True])

    def holds() -> bool:
        assert script.count == 0
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    run_passes(script, script.stop, PAUSE, os.getppid(), Waker(), None, holds)
    assert script.count == 1
    assert next(answers, None) is None
    assert waits[:2] == [PAUSE, PAUSE], "the machine is not kept busy meanwhile"


def test_many_signals_cause_few_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    script = Script([True] * 5)
    waker = Waker()
    monkeypatch.setattr(waker, "wait", lambda _: True)
    monkeypatch.setattr(time, "monotonic", lambda: 50.0)
    wait = script.stop.wait
    monkeypatch.setattr(script.stop, "wait", lambda seconds: waits.append(seconds) or wait(0))
    run_passes(script, script.stop, PAUSE, os.getppid(), waker)
    assert waits == [pytest.approx(0.1)] * script.count


def test_a_stop_ends_a_pause() -> None:
    stop, waker, woken = threading.Event(), Waker(), list[bool]()
    wake_at(stop, waker)
    pause = threading.Thread(target=lambda: woken.append(waker.wait(10 * PATIENCE)), daemon=True)
    pause.start()
    stop.set()
    pause.join(PATIENCE)
    assert woken == [True]


def test_the_child_exits_with_its_parent() -> None:
    script = Script([True])
    run_passes(script, script.stop, PAUSE, os.getpid(), Waker())
    assert script.count == 0


def test_the_child_drops_root_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def refuse(_url: str, _node: str, *, role: str) -> None:
        done.append("opened the store")
        raise StoreError("not here")

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(daemon, "drop_privileges", lambda user: done.append(f"became {user}"))
    monkeypatch.setattr(daemon, "die_with_parent", lambda: done.append("ends with its parent"))
    monkeypatch.setattr(metrics, "serve", lambda *_: done.append("served metrics"))
    monkeypatch.setattr(reconciling, "open_store", refuse)
    assert main._reconcile(Settings(user="holdgate-test"), os.getppid()) == daemon.EX_OSERR
    assert done == ["became holdgate-test", "ends with its parent", "served metrics", "opened the store"]


def test_passes_follow_without_a_pause_while_work_remains(monkeypatch: pytest.MonkeyPatch) -> None:
    script, waker = Script([True, True, True]), Waker()
    paused: list[int] = []
    monkeypatch.setattr(script, "has_more", True)
    monkeypatch.setattr(waker, "wait", lambda _: paused.append(script.count))
    assert_continues(script, passes=4, waker=waker)
    assert paused == []
    one = Script([True, True])
    monkeypatch.setattr(waker, "wait", lambda _: paused.append(one.count))
    assert_continues(one, passes=3, waker=waker)
    assert paused == [1, 2, 3]


# -- the parent -------------------------------------------------------------------------------------------------------

Start = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Start:
    """Prepare a daemon whose child runs some Python; return the function that does so."""
    socket = tmp_path / "queue.sock"
    socket.touch()
    lock = os.open(tmp_path / "lock", os.O_CREAT)

    class Agent:
        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def serve(self, _listener: Any) -> None:
            pass

    settings = Settings.model_validate({"user": "holdgate-test", "queue": {"socket": socket}})
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(daemon, "begin", lambda *_: (settings, tmp_path))
    monkeypatch.setattr(daemon, "ids_of", lambda _: (1, 1))
    monkeypatch.setattr(agent, "claim", lambda _: lock)
    monkeypatch.setattr(agent, "listen", lambda *_, **__: None)
    monkeypatch.setattr(agent, "Agent", Agent)

    def child(code: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen([sys.executable, "-c", code])
        monkeypatch.setattr(os, "fork", lambda: process.pid)
        return process

    return child


@pytest.mark.parametrize(
    ("ends", "status"), [(0, 0), (daemon.EX_CONFIG, daemon.EX_CONFIG), (1, daemon.EX_OSERR), (3, daemon.EX_OSERR)]
)
def test_the_parent_exits_with_its_child_and_a_code_that_shows_if_a_restart_helps(
    start: Start, tmp_path: Path, ends: int, status: int
) -> None:
    start(f"raise SystemExit({ends})")
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == status
    assert not (tmp_path / "queue.sock").exists()


def test_a_killed_child_gives_an_exit_code_of_failure(start: Start) -> None:
    start("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == daemon.EX_OSERR


def test_the_parent_stops_its_child_and_waits_for_it(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    process = start("import time; time.sleep(600)")
    monkeypatch.setattr(os, "pidfd_open", lambda _: main._end(15, None))
    with pytest.raises(SystemExit) as ended:
        main.main()
    monkeypatch.undo()
    assert ended.value.code == 0
    assert not (tmp_path / "queue.sock").exists()
    with pytest.raises(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)


def test_the_exit_of_one_child_stops_the_other() -> None:
    stays = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    ends = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    assert os.waitstatus_to_exitcode(main._wait([stays.pid, ends.pid])) == 3
    for one in (stays, ends):
        with pytest.raises(ChildProcessError):
            os.waitpid(one.pid, os.WNOHANG)


def test_the_socket_of_another_agent_is_not_removed(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def taken(_path: Path) -> int:
        raise OSError("another holdgate-queue runs with this socket")

    monkeypatch.setattr(agent, "claim", taken)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == daemon.EX_OSERR
    assert (tmp_path / "queue.sock").exists()
