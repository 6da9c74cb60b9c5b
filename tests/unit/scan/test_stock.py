"""The stock of workers, with zygotes that are short scripts: each crashes, fails or is slow."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from holdgate.scan import control
from holdgate.scan.control import Zygote
from holdgate.scan.process import ScanError, Worker
from holdgate.scan.stock import WorkerStock
from testbed.ports import wait_for

MILTER = Path(__file__).parents[3] / "milter"
FORK = """
import os, socket, sys
from holdgate.scan import wire
control = socket.socket(fileno=int(sys.argv[1]))
count = 0
while True:
    try:
        order, _ = wire.receive(control)
    except (wire.WireError, OSError):
        sys.exit()
    if order["do"] != "fork":
        continue
    count += 1
    {before}
    ours, theirs = socket.socketpair()
    wire.send(control, {{"pid": count}}, (ours.fileno(),))
    ours.close()
"""

Start = Callable[[], Zygote]


def script(before: str = "pass") -> Start:
    """Return what starts a zygote that does `before` each time it is asked for a worker."""

    def start() -> Zygote:
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-c", FORK.format(before=before), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=os.environ | {"PYTHONPATH": str(MILTER)},
            )
        return Zygote(control, process.pid, process)

    return start


@pytest.fixture
def raised(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., WorkerStock]]:
    """Return a function that makes a stock, which is closed at the end."""
    monkeypatch.setattr(control, "_END_SECONDS", 0.1)  # some of these end by a signal only
    made: list[WorkerStock] = []

    def make(*starts: Start, size: int = 2) -> WorkerStock:
        left = list(starts)
        made.append(WorkerStock(lambda: left.pop(0)() if len(left) > 1 else left[0](), size))
        return made[-1]

    yield make
    for one in made:
        one.close()


def pids(one: WorkerStock, count: int, **options: bool) -> list[int]:
    found = []
    for _ in range(count):
        worker = one.take(wait_limit=30, **options)
        found.append(worker.pid)
        worker.connection.close()
    return found


def test_workers_are_used_in_the_order_of_their_forks(raised: Callable[..., WorkerStock]) -> None:
    one = raised(script())
    assert pids(one, 4) == [1, 2, 3, 4]
    assert one._ordered == 2


def test_a_new_worker_is_not_taken_from_the_stock(
    raised: Callable[..., WorkerStock], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = []
    monkeypatch.setattr(Worker, "end", lambda worker: (ended.append(worker.pid), worker.connection.close()))
    one = raised(script())
    assert pids(one, 1) == [1]
    assert pids(one, 1, new=True) == [4]
    assert ended == [2, 3]


def test_a_failed_fork_of_a_worker_does_not_replace_the_zygote(raised: Callable[..., WorkerStock]) -> None:
    one = raised(script('if count == 1: wire.send(control, {"error": "no process left"}); continue'))
    pid = one.pid
    with pytest.raises(ScanError, match="no process left"):
        pids(one, 1)
    assert pids(one, 2) == [2, 3]
    assert one.pid == pid


@pytest.mark.parametrize("how", ["sys.exit()", "control.send(b'nonsense'); continue"])
def test_a_zygote_that_exits_or_answers_nonsense_is_replaced_at_once(
    raised: Callable[..., WorkerStock], how: str
) -> None:
    one = raised(script(f"if count == 1: {how}"), script())
    assert pids(one, 3) == [1, 2, 3]


@pytest.mark.slow(seconds=1)
def test_a_zygote_that_does_nothing_is_replaced(
    raised: Callable[..., WorkerStock], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_IDLE_SECONDS", 1.0)
    monkeypatch.setattr(control, "_GLANCE", 0.05)
    one = raised(script(), script())
    pids(one, 1)
    stopped = one.pid
    os.kill(stopped, signal.SIGSTOP)
    pids(one, 3)  # at most the number in stock, and one
    assert one.pid != stopped
    assert not Path(f"/proc/{stopped}").exists()


def test_a_zygote_that_works_is_waited_for(raised: Callable[..., WorkerStock], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the time that it uses itself that counts, not that of the clock."""
    monkeypatch.setattr(control, "_IDLE_SECONDS", 1.0)
    monkeypatch.setattr(control, "_GLANCE", 0.02)
    ticks = iter(range(10**9))
    monkeypatch.setattr(control, "processor_seconds", lambda _pid: next(ticks) / 1_000)
    one = raised(script("import time; time.sleep(0.3)"), size=0)
    assert pids(one, 1) == [1]


def test_a_zygote_that_works_endlessly_is_not_waited_for(
    raised: Callable[..., WorkerStock], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_GLANCE", 0.02)
    ticks = iter(range(0, 10**9, 10))
    monkeypatch.setattr(control, "processor_seconds", lambda _pid: next(ticks))
    one = raised(script("import time; time.sleep(60)"), size=0)
    with pytest.raises(ScanError, match="does not answer"):
        pids(one, 1)


def test_the_processor_time_of_a_process_is_read() -> None:
    before = control.processor_seconds(os.getpid())
    wait_for(lambda: sum(range(100_000)) and control.processor_seconds(os.getpid()) > before, "a tick of the clock")
    assert control.processor_seconds(2**22 + 1) == 0.0


def test_no_worker_is_given_out_after_closing(raised: Callable[..., WorkerStock]) -> None:
    one = raised(script())
    one.close()
    with pytest.raises(ScanError, match="being ended"):
        one.take(wait_limit=1)
    one.close()


def test_a_thread_that_waits_too_long_gets_no_worker(raised: Callable[..., WorkerStock]) -> None:
    one = raised(script())
    with one._lock, pytest.raises(ScanError, match="no free worker"):
        one.take(wait_limit=0.01)
    assert pids(one, 1) == [1]
