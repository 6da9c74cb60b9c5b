"""The zygote ends and slows down only its own children."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.scan import wire, zygote
from holdgate.scan.zygote import Workers
from testbed.ports import wait_for


def hang(*_arguments: object) -> None:
    """Act as a worker that never exits, and ignores every signal that can be ignored."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)


@pytest.fixture
def control() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The pool's end of the control socket, and the zygote's."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    monkeypatch.setattr(zygote, "serve", hang)
    workers = Workers(None, None)  # type: ignore[arg-type]
    yield workers
    for pid in workers._pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def forked(workers: Workers, control: tuple[socket.socket, socket.socket]) -> tuple[int, socket.socket]:
    workers.carry_out({"do": "fork"}, control[1])
    answer, (connection,) = wire.receive(control[0], descriptors=1, timeout=30)
    return int(answer["pid"]), socket.socket(fileno=connection)


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_worker_that_hangs_is_killed_and_reaped(
    workers: Workers, control: tuple[socket.socket, socket.socket]
) -> None:
    pid, connection = forked(workers, control)
    other, another = forked(workers, control)
    with connection, another:
        workers.carry_out({"do": "end", "worker": pid}, control[1])
        wait_for(lambda: state(pid) == "Z", "the worker to be killed")
        assert connection.recv(1) == b""
        workers.reap()
        assert not Path(f"/proc/{pid}").exists()
        assert state(other) == "S"


def test_the_priority_of_a_worker_is_lowered_within_its_range(
    workers: Workers, control: tuple[socket.socket, socket.socket]
) -> None:
    pid, connection = forked(workers, control)
    other, another = forked(workers, control)
    with connection, another:
        for _ in range(3):
            workers.carry_out({"do": "slow down", "worker": pid}, control[1])
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(own + 10, 19)
        assert os.getpriority(os.PRIO_PROCESS, other) == own


def test_a_process_that_is_no_longer_a_child_is_not_signalled(
    workers: Workers, control: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    pid, connection = forked(workers, control)
    connection.close()
    workers.carry_out({"do": "end", "worker": pid}, control[1])
    wait_for(lambda: state(pid) == "Z", "the worker to be killed")
    signalled: list[int] = []
    monkeypatch.setattr(os, "kill", lambda one, _signal: signalled.append(one))
    for one in (pid, os.getpid(), os.getppid(), 0, -1, 1, 2**22 + 1):
        workers.carry_out({"do": "end", "worker": one}, control[1])
        workers.carry_out({"do": "slow down", "worker": one}, control[1])
    assert signalled == []


@given(
    st.dictionaries(
        st.sampled_from(["do", "worker", "x"]),
        st.recursive(st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["end"]), st.lists),
    )
)
def test_an_invalid_order_ends_the_zygote_without_an_effect(order: dict[str, Any]) -> None:
    if order.get("do") == "fork":
        return
    is_order = order.get("do") in ("end", "slow down") and isinstance(order.get("worker"), int)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        workers = Workers(None, None)  # type: ignore[arg-type]
        if is_order:
            workers.carry_out(order, theirs)
        else:
            with pytest.raises(wire.WireError, match="no order"):
                workers.carry_out(order, theirs)


def test_a_fork_that_the_kernel_refuses_is_reported_and_the_zygote_continues(
    workers: Workers, control: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fork", refuse)
        workers.carry_out({"do": "fork"}, control[1])
    answer, _ = wire.receive(control[0], timeout=30)
    assert answer == {"error": "no worker can be forked: Resource temporarily unavailable"}
    _, connection = forked(workers, control)
    connection.close()
