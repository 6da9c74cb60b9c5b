"""The template: a zygote forked from the scan service inherits only its memory."""

import json
import logging
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from holdgate.scan import zygote
from holdgate.scan.template import Template

READERS = Path("/the/readers")


@pytest.fixture
def template() -> Template:
    """A template that has loaded nothing: only the fork is tested."""
    template = object.__new__(Template)
    template._readers_directory = READERS
    template._shared = [(4096, 8192)]
    return template


@pytest.fixture
def control() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The daemon's end of the control socket, and the zygote's."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield ours, theirs


def report(control: socket.socket, readers_directory: str, shared: Sequence[tuple[int, int]]) -> None:
    """Run as a zygote that reports its loaded modules."""
    os.kill(os.getpid(), signal.SIGTERM)  # for the daemon to handle
    open_ = []
    for descriptor in range(3, 4096):
        try:
            os.fstat(descriptor)
        except OSError:
            continue
        open_.append(descriptor)
    found: dict[str, Any] = {
        "readers": readers_directory,
        "shared": shared,
        "open": open_,
        "control": control.fileno(),
        "handlers": len(logging.getLogger().handlers),
    }
    control.send(json.dumps(found).encode())


def test_a_zygote_inherits_only_its_control_socket(
    template: Template, control: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zygote, "run", report)
    pid = template.fork(control[1])
    found = json.loads(control[0].recv(65536))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    # Readers are code: a daemon must not choose their directory.
    assert found["readers"] == str(READERS)
    assert found["shared"] == [[4096, 8192]]
    assert found["open"] == [found["control"]]
    assert found["handlers"] == 0


def test_a_zygote_that_fails_exits_without_running_service_code(
    template: Template,
    control: tuple[socket.socket, socket.socket],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fail(*_arguments: object) -> None:
        raise SystemExit(0)

    monkeypatch.setattr(zygote, "run", fail)
    pid = 0
    try:
        pid = template.fork(control[1])
    finally:
        # Here there is one process, not two.
        control[0].send(b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    assert control[1].recv(10) == b"x"
    control[1].setblocking(False)
    with pytest.raises(BlockingIOError):
        control[1].recv(10)
    assert "SystemExit" in capfd.readouterr().err


def test_the_signal_mask_of_the_service_is_restored(
    template: Template, control: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zygote, "run", report)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    os.waitpid(template.fork(control[1]), 0)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
