"""Orders to a zygote: no sender waits for a zygote that does not read, and its end is not an error."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from holdgate.scan import control, wire
from holdgate.scan.control import Zygote


@pytest.fixture
def pair() -> Iterator[tuple[Zygote, socket.socket]]:
    """A zygote as the pool holds it, and the zygote's end of its control socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield Zygote(ours, os.getpid()), theirs


Pair = tuple[Zygote, socket.socket]


def fill(connection: socket.socket) -> None:
    """Send orders until no more fits into the socket."""
    with pytest.raises(BlockingIOError):  # noqa: PT012 (which of them is the last depends on the kernel)
        while True:
            wire.send_at_once(connection, {"do": "end", "worker": 7})


def test_each_order_is_a_separate_packet(pair: Pair) -> None:
    zygote, theirs = pair
    zygote.fork()
    zygote.slow_down(8)
    zygote.end_worker(7)
    assert [wire.receive(theirs, timeout=30)[0] for _ in range(3)] == [
        {"do": "fork"},
        {"do": "slow down", "worker": 8},
        {"do": "end", "worker": 7},
    ]


def test_a_zygote_that_reads_no_orders_is_disconnected(pair: Pair) -> None:
    zygote, theirs = pair
    fill(zygote.control)
    zygote.end_worker(7)
    with pytest.raises(BrokenPipeError):
        zygote.fork()
    theirs.settimeout(30)
    while theirs.recv(65536):
        pass


def test_an_order_to_a_zygote_that_has_exited_is_ignored(pair: Pair) -> None:
    zygote, theirs = pair
    theirs.close()
    zygote.end_worker(7)
    zygote.slow_down(7)
    with pytest.raises(OSError, match="Broken pipe"):
        zygote.fork()


def own_clock(monkeypatch: pytest.MonkeyPatch, used: list[float], seconds: float) -> list[float]:
    """Replace the clock of the wait: each look takes `seconds`, and the zygote has then used the next of `used`."""
    clock = [0.0]
    monkeypatch.setattr(control, "_GLANCE", 0.0)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def processor_seconds(_pid: int) -> float:
        clock[0] += seconds
        return used.pop(0) if len(used) > 1 else used[0]

    monkeypatch.setattr(control, "processor_seconds", processor_seconds)
    return clock


def test_a_zygote_without_processor_time_for_a_minute_is_timed_out(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = own_clock(monkeypatch, [5.0], 10.0)
    with pytest.raises(TimeoutError):
        pair[0].receive()
    # The wait begins at 10 s, with the first look.
    assert clock == [80.0]


def test_a_working_zygote_has_up_to_a_minute_of_its_processor_time(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = own_clock(monkeypatch, [5.0 + second for second in range(200)], 50.0)
    with pytest.raises(TimeoutError):
        pair[0].receive()
    assert clock == [50.0 * 62], "its first look, and 61 s of its own time"


def test_an_answer_is_received_completely(pair: Pair) -> None:
    zygote, theirs = pair
    reading, writing = os.pipe()
    wire.send(theirs, {"pid": 7}, (writing,))
    answer, (descriptor,) = zygote.receive(descriptors=1)
    assert answer == {"pid": 7}
    wire.send(theirs, {"ready": 7})
    assert zygote.receive() == ({"ready": 7}, [])
    for one in (reading, writing, descriptor):
        os.close(one)


def test_closing_waits_for_a_child_and_kills_it_if_it_does_not_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    wait = subprocess.Popen.wait
    waits: list[float | None] = []

    def soon(process: "subprocess.Popen[bytes]", timeout: float | None = None) -> int:
        waits.append(timeout)
        if timeout is not None and "time.sleep" in str(process.args):
            raise subprocess.TimeoutExpired("x", timeout)
        return wait(process, None)

    monkeypatch.setattr(subprocess.Popen, "wait", soon)
    for code, returned, waited in (
        ("import sys; sys.stdin.read()", 0, [1.0]),
        ("import time; time.sleep(600)", -9, [1.0, None]),
    ):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        process = subprocess.Popen([sys.executable, "-c", code], stdin=theirs.fileno())
        theirs.close()
        waits.clear()
        zygote = Zygote(ours, process.pid, process)
        zygote.close()
        assert (process.returncode, waits, ours.fileno()) == (returned, waited, -1)


def test_closing_a_zygote_of_the_scan_service_does_not_wait(pair: Pair) -> None:
    zygote, theirs = pair
    zygote.close()
    assert theirs.recv(1) == b""


def test_a_process_that_cannot_be_measured_has_used_no_processor_time() -> None:
    assert control.processor_seconds(2**22 + 1) == 0.0
    assert control.processor_seconds(os.getpid()) > 0.0
