"""A worker's loop, in this process: accepted jobs, its end, and the output of a search."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from holdgate.scan import sandbox, wire, worker
from holdgate.scan.sandbox import Protections, SandboxError, WorkerLimits

PROTECTIONS = Protections(1, False, True, ())


class Echo:
    """Answers with its input; stays after jobs that are marked so."""

    def __init__(self) -> None:
        self.done: list[tuple[dict[str, Any], bytes]] = []

    def do(self, job: dict[str, Any], content: bytes) -> bytes:
        self.done.append((job, content))
        return b'{"size":%d}' % len(content)

    def is_reusable(self, job: dict[str, Any]) -> bool:
        return bool(job.get("stays"))


@pytest.fixture
def confined(monkeypatch: pytest.MonkeyPatch) -> list[tuple[WorkerLimits, Protections]]:
    """The recorded limits and protections of the worker; they are not applied to this process."""
    calls: list[tuple[WorkerLimits, Protections]] = []
    monkeypatch.setattr(sandbox, "confine_rest", lambda *arguments: calls.append(cast(Any, arguments)))
    return calls


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The pool's end of a worker's socket, and the worker's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def serving(theirs: socket.socket, work: Echo) -> threading.Thread:
    thread = threading.Thread(target=worker.serve, args=(theirs, work, PROTECTIONS), daemon=True)
    thread.start()
    return thread


@pytest.mark.usefixtures("confined")
def test_a_worker_exits_after_a_job_that_is_not_reusable(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    work = Echo()
    thread = serving(theirs, work)
    for content in (b"one", b"", b"three"):
        wire.send(ours, {"do": "inspect plain", "stays": True}, content=content)
        assert wire.receive(ours, timeout=30)[0] == {"size": len(content)}
        assert thread.is_alive()
    wire.send(ours, {"do": "inspect"}, content=b"last")
    assert wire.receive(ours, timeout=30)[0] == {"size": 4}
    thread.join(30)
    assert not thread.is_alive()
    assert [content for _, content in work.done] == [b"one", b"", b"three", b"last"]


def test_a_worker_is_confined_with_all_limits_before_its_first_job(
    confined: list[tuple[WorkerLimits, Protections]], pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    ours.close()
    worker.serve(theirs, Echo(), PROTECTIONS)
    assert confined == [(WorkerLimits(), PROTECTIONS)]


def test_a_worker_that_cannot_be_confined_reports_the_reason_and_takes_no_job(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise SandboxError("workers cannot be confined: seccomp: refused")

    monkeypatch.setattr(sandbox, "confine_rest", refuse)
    ours, theirs = pair
    work = Echo()
    wire.send(ours, {"do": "inspect"}, content=b"x")
    worker.serve(theirs, work, PROTECTIONS)
    assert wire.receive(ours, timeout=30)[0] == {"error": "workers cannot be confined: seccomp: refused"}
    assert work.done == []


@pytest.mark.usefixtures("confined")
@pytest.mark.parametrize("sent", [b"", b"\0\0\0\1x", b"\xff\xff\xff\xff"], ids=["closed", "no job", "too long"])
def test_a_worker_exits_if_its_pool_has_exited_or_sends_invalid_data(
    pair: tuple[socket.socket, socket.socket], sent: bytes
) -> None:
    ours, theirs = pair
    ours.sendall(sent)
    ours.close()
    work = Echo()
    worker.serve(theirs, work, PROTECTIONS)
    assert work.done == []


@pytest.mark.usefixtures("confined")
def test_a_descriptor_is_read_from_its_first_byte_and_closed(
    pair: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    ours, theirs = pair
    path = tmp_path / "message"
    path.write_bytes(b"x" * 100_000)
    work = Echo()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with path.open("rb") as stream:
        stream.read()
        wire.send(ours, {"do": "inspect"}, (stream.fileno(),))
    worker.serve(theirs, work, PROTECTIONS)
    assert work.done == [({"do": "inspect"}, b"x" * 100_000)]
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.usefixtures("confined")
@pytest.mark.parametrize(
    ("sent", "content"),
    [(b"\0\0\0\3abc", b"abc"), (b"\0\0\0\3abcdef", b"abc"), (b"\0\0\0\3a", b""), (b"", b""), (b"\xff\0\0\0x", b"")],
    ids=["a frame", "more", "cut", "nothing", "too long"],
)
def test_a_search_gets_the_answer_of_the_other_process_or_nothing(
    pair: tuple[socket.socket, socket.socket], sent: bytes, content: bytes
) -> None:
    ours, theirs = pair
    reader, others = socket.socketpair()
    with reader:
        with others:
            others.sendall(sent)
        wire.send(ours, {"do": "search"}, (reader.fileno(),))
    work = Echo()
    worker.serve(theirs, work, PROTECTIONS)
    assert work.done == [({"do": "search"}, content)]


@pytest.mark.usefixtures("confined")
def test_a_job_with_a_text_at_the_limit_is_accepted(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    work = Echo()
    thread = serving(theirs, work)
    wire.send(ours, {"do": "inspect"}, content=bytes(wire.ANSWER_LIMIT + 1))
    assert wire.receive(ours, timeout=60)[0] == {"size": wire.ANSWER_LIMIT + 1}
    thread.join(30)


def test_the_trial_message_contains_a_number() -> None:
    assert worker.TRIAL.count(b"\r\n\r\n") == 1
    assert b"4111 1111 1111 1112" in worker.TRIAL, "not a card number: nothing is found in it"
    assert os.linesep.encode() in worker.TRIAL
