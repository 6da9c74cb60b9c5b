"""Notifications of the daemons to systemd, read from its socket."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdgate import daemon


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        yield listener


def test_states_are_sent_in_one_datagram(systemd: socket.socket) -> None:
    daemon.notify("READY=1", "WATCHDOG=1")
    assert systemd.recv(100) == b"READY=1\nWATCHDOG=1"


def test_an_abstract_socket_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"holdgate-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name}")
        listener.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        daemon.notify("READY=1")
        assert listener.recv(100) == b"READY=1"


def test_no_notification_is_sent_without_systemd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    daemon.notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    daemon.notify("READY=1")


def test_readiness_is_reported_at_the_first_success_and_not_before(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "_ATTEND_INTERVAL", 0.01)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)  # pytest would report how the thread ends
    answers = iter([False, False, True])
    asked: list[float] = []
    threads = set(threading.enumerate())

    def answer() -> bool:
        if len(asked) == 3:
            sys.exit()  # ends the thread
        asked.append(True)
        return next(answers)

    daemon.watchdog_loop(answer)
    assert systemd.recv(100) == b"READY=1\nWATCHDOG=1"
    for thread in set(threading.enumerate()) - threads:
        thread.join(30)
    assert len(asked) == 3


def test_memory_is_protected_from_core_files_and_other_processes() -> None:
    program = (
        "import ctypes, resource; from holdgate import daemon; daemon.keep_memory_private(); "
        "print(ctypes.CDLL(None).prctl(3), *resource.getrlimit(resource.RLIMIT_CORE))"
    )
    path = {"PYTHONPATH": str(Path(daemon.__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", program], env=path, capture_output=True, text=True, check=True)
    assert run.stdout == "0 0 0\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gate", "desk", "queue"])
def test_each_daemon_protects_its_memory_first(name: str, tmp_path: Path) -> None:
    config = tmp_path / "holdgate.toml"
    config.write_text("no = 'setting'\n")
    program = (
        f"import sys; from holdgate import daemon; daemon.keep_memory_private = lambda: print('private'); "
        f"from holdgate.{name} import main; sys.argv = ['x', '-c', {str(config)!r}]; main.main()"
    )
    path = {"PYTHONPATH": str(Path(daemon.__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", program], env=path, capture_output=True, text=True, check=False)
    assert run.stdout == "private\n", run.stderr
    assert run.returncode == daemon.EX_CONFIG
