"""What the daemons tell systemd, seen from the other end of its socket."""

import os
import socket
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


def test_states_go_in_one_datagram(systemd: socket.socket) -> None:
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


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    daemon.notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    daemon.notify("READY=1")


def test_ready_is_told_at_the_first_yes_and_not_before(systemd: socket.socket) -> None:
    answers = iter([False, False, True])
    asked = []

    def answer() -> bool:
        asked.append(True)
        return next(answers, True)

    daemon.attend(answer)
    assert systemd.recv(100) == b"READY=1\nWATCHDOG=1"
    assert len(asked) == 3
