"""How holdgate-milter starts, serves, reloads its settings and ends, without workers and without libmilter."""

import os
import runpy
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from holdgate import daemon, metrics
from holdgate.config import Settings
from holdgate.configfile import ConfigError
from holdgate.gate import callbacks, main, probe
from holdgate.quarantine.nodes import NodeTakenError
from holdgate.quarantine.store import StoreError
from holdgate.scan.pool import ScanError


class Service:
    def __init__(self, recorded_steps: list[str]) -> None:
        self.recorded_steps = recorded_steps
        self.snapshot = SimpleNamespace(policies=SimpleNamespace(file=SimpleNamespace(policy=[1, 2])))

    def reload(self) -> bool:
        self.recorded_steps.append("reloaded")
        raise StopIteration

    def close(self) -> None:
        self.recorded_steps.append("closed")


class Thread:
    def __init__(self, recorded_steps: list[str], target: Any, args: list[Any], daemon: bool) -> None:
        self.recorded_steps, self.daemon = recorded_steps, daemon
        assert (target, args[0].recorded_steps) == (main._reload_on_signal, recorded_steps)

    def start(self) -> None:
        ends = ", and does not keep the daemon from ending" if self.daemon else ""
        self.recorded_steps.append(f"waits for reloads{ends}")


@pytest.fixture
def recorded_steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The steps of the daemon, in order."""
    done: list[str] = []

    def note(what: str, answer: Any = None) -> Callable[..., Any]:
        def call(*_: Any, **__: Any) -> Any:
            done.append(what)
            return answer

        return call

    settings = Settings.model_validate(
        {"user": "holdgate-test", "milter": {"timeout": "90s"}, "node": {"name": "mx1.corp.example"}}
    )
    store = SimpleNamespace(nodes=SimpleNamespace(check=note("asked for the name")))
    monkeypatch.setattr(daemon, "begin", lambda *_: (settings, tmp_path))
    monkeypatch.setattr(daemon, "drop_privileges", lambda user: done.append(f"became {user}"))
    monkeypatch.setattr(daemon, "watchdog_loop", lambda answers: done.append(f"looks after {answers()}"))
    monkeypatch.setattr(probe, "answers", lambda socket: socket)
    monkeypatch.setattr(signal, "pthread_sigmask", lambda how, signals: done.append(f"blocked {len(signals)}"))
    monkeypatch.setattr(metrics, "serve", note("served metrics"))
    monkeypatch.setattr(main, "open_store", note("opened the store", store))
    monkeypatch.setattr(main, "machine_of", lambda _: SimpleNamespace())
    monkeypatch.setattr(main, "Service", lambda *_: done.append("read all") or Service(done))
    monkeypatch.setattr(os, "umask", lambda mask: done.append(f"umask {mask:o}"))
    monkeypatch.setattr(threading, "Thread", lambda **given: Thread(done, **given))
    monkeypatch.setattr(
        callbacks, "run", lambda _new, socket, seconds: done.append(f"serves {socket} for {seconds} s at most")
    )
    return done


def test_the_milter_drops_root_first_and_serves_after_all_is_loaded(recorded_steps: list[str]) -> None:
    main.main()
    socket = Settings().milter.socket
    assert [one for one in recorded_steps if one != "asked for the name"] == [
        "blocked 4",
        "became holdgate-test",
        "served metrics",
        "opened the store",
        "read all",
        "umask 117",
        f"looks after {socket}",
        "waits for reloads, and does not keep the daemon from ending",
        f"serves {socket} for 90 s at most",
        "closed",
    ]
    assert "asked for the name" in recorded_steps


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError(["policies.toml: a mistake"]), daemon.EX_CONFIG),
        (NodeTakenError("a", "other.corp.example", timedelta(seconds=9)), daemon.EX_CONFIG),
        (ScanError("workers cannot be confined"), daemon.EX_OSERR),
        (StoreError("away"), daemon.EX_OSERR),
        (OSError("no"), daemon.EX_OSERR),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_exit_code_of_a_failed_start_shows_whether_a_restart_helps(
    recorded_steps: list[str], monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr(main, "Service", fails)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == code
    assert not [one for one in recorded_steps if one.startswith("serves")]


def test_the_milter_reloads_its_settings_on_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded_steps: list[str] = []
    monkeypatch.setattr(signal, "sigwait", lambda signals: recorded_steps.append(f"got {sorted(signals)}"))
    with pytest.raises(StopIteration):
        main._reload_on_signal(Service(recorded_steps))  # type: ignore[arg-type]
    assert recorded_steps == [f"got {[signal.SIGUSR1]}", "reloaded"]


class Started(Exception):
    """The daemon would start now."""


def test_running_the_module_starts_the_milter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "begin", Mock(side_effect=Started))
    with pytest.raises(Started):
        runpy.run_path(main.__file__, run_name="__main__")
