"""One worker as the pool uses it: its answers, its end, and the reported reason."""

import json
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from holdgate.findings import Inspection
from holdgate.scan import wire
from holdgate.scan.control import Zygote
from holdgate.scan.process import ScanError, Worker, WorkerEndedError, WorkerLostError
from holdgate.scan.reusable import ReaderLostError, ReusableWorkers, answered
from holdgate.scan.shapes import NOT_FOR_THIS_WORKER, READER_ENDED, UNREADABLE


class FakeZygote:
    def __init__(self) -> None:
        self.orders: list[tuple[str, int]] = []

    def end_worker(self, pid: int) -> None:
        self.orders.append(("end", pid))

    def slow_down(self, pid: int) -> None:
        self.orders.append(("slow down", pid))


Made = tuple[Worker, socket.socket, FakeZygote]


@pytest.fixture
def make() -> Iterator[Callable[..., Made]]:
    """Make a worker, the other end of its socket, and its zygote."""
    open_ones: list[socket.socket] = []

    def one(pid: int = 7) -> Made:
        ours, theirs = socket.socketpair()
        open_ones.extend((ours, theirs))
        zygote = FakeZygote()
        return Worker(pid, ours, cast(Zygote, zygote)), theirs, zygote

    yield one
    for each in open_ones:
        each.close()


def ask(worker: Worker, seconds: float = 30.0, **more: Any) -> bytes:
    return worker.ask(b'{"do":"x"}', b"content", (), seconds=seconds, **more)


def test_a_worker_gets_the_job_and_its_answer_is_returned_unparsed(make: Callable[..., Made]) -> None:
    worker, theirs, _ = make()
    wire.send(theirs, {"a": 1})
    assert ask(worker) == b'{"a": 1}'
    assert wire.receive_job(theirs) == ({"do": "x"}, b"content", [])
    assert worker.jobs == 1


def test_a_worker_that_does_not_answer_is_lost_at_the_time_limit(make: Callable[..., Made]) -> None:
    worker, theirs, _ = make()
    with pytest.raises(WorkerLostError, match=r"^time limit$"):
        ask(worker, 0.05)
    theirs.sendall(b"\0\0")  # it has begun
    with pytest.raises(WorkerLostError, match=r"^time limit$"):
        ask(worker, 0.05)
    assert worker.jobs == 0


def test_a_worker_that_exits_during_a_job_is_lost(make: Callable[..., Made]) -> None:
    worker, theirs, _ = make()
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(WorkerLostError, match=r"^crash$"):
        ask(worker)


def test_an_answer_over_the_limit_counts_as_a_crash(make: Callable[..., Made]) -> None:
    worker, theirs, _ = make()
    wire.send(theirs, {"a": "x" * 100})
    with pytest.raises(WorkerLostError, match=r"^crash$"):
        ask(worker, limit=50)


def test_a_worker_that_had_exited_before_costs_no_attempt(make: Callable[..., Made]) -> None:
    worker, theirs, _ = make()
    theirs.close()
    with pytest.raises(WorkerEndedError):
        ask(worker)
    assert worker.jobs == 0


def test_the_last_error_of_a_worker_is_reported(make: Callable[..., Made]) -> None:
    worker, theirs, _ = make()
    wire.send(theirs, {"error": "no landlock"})
    theirs.close()
    with pytest.raises(ScanError, match=r"^no landlock$"):
        ask(worker)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"error": "seccomp: refused"}, "seccomp: refused"),
        ({"error": "a\x1b[31m\nb"}, "a?[31m?b"),
        ({"error": "x" * 400}, "x" * 300),
        ({"error": 7}, "7"),
    ],
    ids=["plain", "control", "long", "number"],
)
def test_the_error_text_of_a_worker_is_shortened_and_printable(
    make: Callable[..., Made], answer: dict[str, Any], expected: str
) -> None:
    worker, theirs, _ = make()
    wire.send(theirs, answer)
    with pytest.raises(ScanError) as caught:
        ask(worker)
    assert str(caught.value) == expected
    assert worker.jobs == 0


def test_an_unreadable_error_text_is_replaced(make: Callable[..., Made]) -> None:
    worker, theirs, _ = make()
    frame = b'{"error"'
    theirs.sendall(len(frame).to_bytes(4, "big") + frame)
    with pytest.raises(ScanError, match=r"^a worker could not start$"):
        ask(worker)


def test_a_worker_whose_socket_fails_during_a_job_is_lost(
    make: Callable[..., Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    def reset(*_: Any, **__: Any) -> Any:
        raise ConnectionResetError

    worker, _, _ = make()
    monkeypatch.setattr(wire, "receive_frame", reset)
    with pytest.raises(WorkerLostError, match=r"^crash$"):
        ask(worker)


def test_a_worker_that_does_not_read_its_job_is_lost_at_the_time_limit(make: Callable[..., Made]) -> None:
    worker, _, _ = make()
    with pytest.raises(WorkerLostError, match=r"^time limit$"):
        worker.ask(b"{}", bytes(2**23), (), seconds=0.05)
    assert worker.jobs == 0


def test_each_read_of_an_answer_has_a_time_limit(make: Callable[..., Made]) -> None:
    worker, theirs, _ = make()
    wire.send(theirs, {"a": 1})
    worker.begin(b"{}", b"", (), seconds=30.0, gap=7.0)
    value = worker.connection.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16)
    assert int.from_bytes(value[:8], sys.byteorder) == 7


def test_a_started_answer_can_be_read_by_another_process(make: Callable[..., Made]) -> None:
    worker, theirs, _ = make()
    with pytest.raises(WorkerLostError, match=r"^time limit$"):
        worker.begin(b"{}", b"", (), seconds=0.05, gap=1.0)
    assert worker.jobs == 0
    wire.send(theirs, {"a": json.dumps(1)})
    worker.begin(b"{}", b"", (), seconds=30.0, gap=1.0)
    assert worker.jobs == 1
    assert wire.receive_frame(worker.connection)[0] == b'{"a": "1"}'


def test_a_worker_is_ended_once_and_slowed_down_by_its_zygote(make: Callable[..., Made]) -> None:
    worker, _, zygote = make()
    worker.slow_down()
    worker.end()
    worker.end()
    assert zygote.orders == [("slow down", 7), ("end", 7)]
    assert worker.connection.fileno() == -1


# -- those that stay --------------------------------------------------------------------------------------------------


def test_the_worker_used_last_is_used_next(make: Callable[..., Made]) -> None:
    reusable = ReusableWorkers(3)
    assert reusable.take() is None
    first, second = make(1)[0], make(2)[0]
    reusable.put_back(first)
    reusable.put_back(second)
    assert [reusable.take(), reusable.take(), reusable.take()] == [second, first, None]


def test_a_worker_that_reached_its_number_of_jobs_is_ended(make: Callable[..., Made]) -> None:
    reusable = ReusableWorkers(3)
    worker, _, zygote = make()
    worker.jobs = 2
    reusable.put_back(worker)
    assert reusable.take() is worker
    worker.jobs = 3
    reusable.put_back(worker)
    assert reusable.take() is None
    assert zygote.orders == [("end", 7)]


def test_all_free_workers_are_ended_with_the_pool(make: Callable[..., Made]) -> None:
    reusable = ReusableWorkers(3)
    zygotes = []
    for pid in (1, 2):
        worker, _, zygote = make(pid)
        zygotes.append(zygote)
        reusable.put_back(worker)
    reusable.close()
    assert [one.orders for one in zygotes] == [[("end", 1)], [("end", 2)]]


def test_the_answer_of_a_reusable_worker_is_interpreted() -> None:
    inspection = Inspection()
    assert answered(b"{}", lambda _: inspection) is inspection
    assert answered(NOT_FOR_THIS_WORKER, lambda _: inspection) is None
    for frame, why in ((READER_ENDED, "crash"), (UNREADABLE, "answer")):
        with pytest.raises(ReaderLostError, match=f"^{why}$"):
            answered(frame, lambda _: inspection)
