"""The pool with real processes and the shipped rules."""

import io
import json
import os
import signal
import socket
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from holdgate.extract.extractor import extract_plain
from holdgate.scan import pool as pools
from holdgate.scan.content import SMALL
from holdgate.scan.pool import Pool, PoolSettings, ScanError
from holdgate.scan.process import Worker, WorkerLostError
from testbed.ports import wait_for

pytestmark = pytest.mark.slow(seconds=0.5)

RULES = Path(__file__).parents[3] / "rules"
MESSAGE = b"Subject: s\r\n\r\nMy SSN: 536-90-4399\r\n"


def settings(**changes: object) -> PoolSettings:
    values: dict[str, Any] = {
        "rules": RULES,
        "local_rules": Path("/nonexistent"),
        "profiles": ("dlp-pii",),
        "workers": 1,
    } | changes
    return PoolSettings(**values)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(settings()) as running:
        yield running


@pytest.fixture
def message() -> Iterator[int]:
    descriptor = os.memfd_create("message")
    os.write(descriptor, MESSAGE)
    yield descriptor
    os.close(descriptor)


def test_findings_are_returned_masked(pool: Pool, message: int) -> None:
    inspection = pool.inspect(message)
    assert (inspection.status, inspection.reason) == ("complete", "")
    (finding,) = inspection.findings
    assert (finding.identifier, finding.confidence, finding.count, finding.unique) == ("us-ssn", "high", 1, 1)
    assert (finding.masked, finding.parts) == (["***-**-*399"], ["message body"])
    assert inspection.profiles.keys() == {"dlp-pii"}


def test_a_file_is_read_by_its_type(pool: Pool, message: int) -> None:
    extraction = pool.extract(message, name="note.txt")
    assert [part["name"] for part in extraction["parts"]] == ["note.txt"]
    assert extraction["parts"][0]["text"].splitlines() == MESSAGE.decode().splitlines()


def test_workers_run_in_a_separate_session(pool: Pool) -> None:
    # The kernel gives small mail its share of the processor: script/bench fair.
    assert pool.zygotes
    assert all(os.getsid(pid) == pid for pid in pool.zygotes)


def test_the_worker_cannot_change_the_message(pool: Pool, message: int) -> None:
    pool.inspect(message)
    assert os.pread(message, 100, 0) == MESSAGE


def test_more_threads_than_workers_all_get_their_own_answer(pool: Pool) -> None:
    answers: dict[int, int] = {}

    def ask(count: int) -> None:
        descriptor = os.memfd_create("message")
        os.write(descriptor, b"\r\n" + MESSAGE[14:] * count)
        answers[count] = pool.inspect(descriptor).findings[0].count
        os.close(descriptor)

    threads = [threading.Thread(target=ask, args=(count,)) for count in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {count: count for count in range(1, 9)}


def test_each_message_has_its_own_process(message: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pids: list[int] = []
    ask = Worker.ask

    def noting(worker: Worker, *arguments: Any, **options: Any) -> bytes:
        pids.append(worker.pid)
        return ask(worker, *arguments, **options)

    monkeypatch.setattr(Worker, "ask", noting)
    with Pool(settings()) as pool:
        pids.clear()
        for _ in range(3):
            assert pool.inspect(message, is_plain=True).findings
        assert len(set(pids)) == 3
        # A process that was killed takes a moment to go.
        wait_for(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in pids[:2]), "the end of both processes")


def test_plain_text_messages_share_a_process_until_it_retires(message: int) -> None:
    with Pool(settings(retire_after=3)) as pool:
        pids = []
        for _ in range(5):
            pids.append(pool._reusable.workers[-1].pid if pool._reusable.workers else 0)
            assert pool.inspect(message, is_plain=True).findings
        # The trial counts as well.
        assert [pids.count(pid) for pid in dict.fromkeys(pids) if pid] == [2, 2]


def test_a_message_that_is_not_plain_text_gets_its_own_process(message: int) -> None:
    page = b"Content-Type: text/html\r\n\r\n<form>My SSN: 536-90-4399</form>\r\n"
    assert extract_plain(page) is None
    with Pool(settings(retire_after=100)) as pool:
        (plain,) = pool._reusable.workers
        assert pool.inspect(page, is_plain=True).findings
        assert pool.inspect(message).findings
        assert plain.jobs == 2  # the trial, and the look that found that it is a page
        assert pool.inspect(message, is_plain=True).findings
        assert plain.jobs == 3


TAKEOVER = """
import sys
from holdgate.extract.readers.{module} import {name} as reader
from holdgate.scan import zygote
real = reader.FORMAT.read
taken = False
def fake(document, sink):
    global taken
    taken = taken or b"TAKEOVER" in document.data
    if not taken:
        real(document, sink)
object.__setattr__(reader.FORMAT, "read", fake)
zygote.main()
"""
DECOYS = {
    ("texts", "html"): ("text/html", "<svg>TAKEOVER</svg>"),
    ("texts", "csv"): ("text/csv", "TAKEOVER,1"),
    ("office", "rtf"): ("application/rtf", "{\\rtf1 TAKEOVER}"),
    ("texts", "text"): ("text/plain", "TAKEOVER"),
}


@pytest.mark.parametrize("reads_separately", [True, False], ids=["separate", "whole"])
@pytest.mark.parametrize("reader", DECOYS, ids=lambda reader: reader[1])
def test_a_process_compromised_by_one_message_does_not_read_the_next(
    reader: tuple[str, str], reads_separately: bool, message: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = subprocess.Popen
    code = TAKEOVER.format(module=reader[0], name=reader[1])

    def start_with_code(command: list[str], **options: Any) -> Any:
        return start([command[0], "-c", code, *command[-2:]], **options)

    monkeypatch.setattr(subprocess, "Popen", start_with_code)
    kind, content = DECOYS[reader]
    decoy = f"Subject: s\r\nContent-Type: {kind}\r\n\r\n{content}\r\nher ssn 536-90-4399\r\n".encode()
    # Plain text is trusted to share a process where that is asked for.
    retire_after = 1 if reader[1] == "text" else 100
    with Pool(settings(retire_after=retire_after, reads_separately=reads_separately)) as pool:
        assert pool.inspect(decoy, is_plain=True).findings == []
        for is_plain in (True, False, True):
            assert [one.identifier for one in pool.inspect(message, is_plain=is_plain).findings] == ["us-ssn"]


PAGE = b"Subject: s\r\nContent-Type: text/html\r\n\r\n<form>My SSN: 536-90-4399</form>\r\n"


@pytest.fixture(scope="module")
def separate_pool() -> Iterator[Pool]:
    with Pool(settings(retire_after=10_000, reads_separately=True)) as running:
        yield running


def test_one_process_reads_and_a_reusable_one_searches(separate_pool: Pool) -> None:
    (reusable,) = separate_pool._reusable.workers
    done = reusable.jobs
    inspection = separate_pool.inspect(PAGE, subject="536-90-4399")
    (finding,) = inspection.findings
    assert (finding.identifier, finding.parts, finding.masked) == ("us-ssn", ["message body (HTML)"], ["***-**-*399"])
    assert (inspection.status, inspection.subject) == ("complete", "***-**-*399")
    assert inspection.elapsed_ms > inspection.extract_ms > 0
    assert separate_pool._reusable.workers == [reusable]
    assert reusable.jobs == done + 1


def test_both_modes_find_the_same_matches(separate_pool: Pool, pool: Pool) -> None:
    for path in sorted((RULES.parent / "tests/data/documents").iterdir()):
        data = path.read_bytes()
        if len(data) <= SMALL:
            ours, theirs = (
                replace(one.inspect(data, name=path.name), elapsed_ms=0, extract_ms=0) for one in (separate_pool, pool)
            )
            assert ours == theirs, path.name


@pytest.mark.parametrize(
    "text",
    [
        b"My SSN: 536-90-4399\r\n" + b"Many words and more of them in each line.\r\n" * 100_000,
        b"My SSN: 536-90-4399 \xed\xa0\x80",
    ],
    ids=["too long to pass on", "half a pair"],
)
def test_text_too_large_to_pass_on_is_searched_in_its_reader_process(separate_pool: Pool, text: bytes) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", json.dumps({"a": text.decode("utf-8", "surrogatepass")}))
    assert len(packed.getvalue()) < SMALL
    inspection = separate_pool.inspect(packed.getvalue(), name="a.zip")
    assert (inspection.status, [one.identifier for one in inspection.findings]) == ("complete", ["us-ssn"])


@pytest.mark.parametrize(
    "received", [b"", b"\0\0\0\2{}", b"\0\0\0\2", b"\xff\xff\xff\xff{}"], ids=["dies", "lies", "cut", "long"]
)
def test_a_reader_that_fails_costs_one_attempt_and_no_other_process(
    separate_pool: Pool, received: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (reusable,) = separate_pool._reusable.workers

    def begin(worker: Worker, *_arguments: object, **_options: object) -> None:
        os.kill(worker.pid, signal.SIGKILL)
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.sendall(received)
        worker.connection.close()
        worker.connection = ours

    monkeypatch.setattr(Worker, "begin", begin)
    assert [one.identifier for one in separate_pool.inspect(PAGE).findings] == ["us-ssn"]
    assert separate_pool._reusable.workers == [reusable]


def test_a_reader_that_had_exited_before_costs_no_attempt(separate_pool: Pool) -> None:
    assert separate_pool._readers is not None
    children = Path(f"/proc/{separate_pool._readers.pid}/task/{separate_pool._readers.pid}/children")
    kill(children.read_text().split())
    for _ in range(4):
        assert separate_pool.inspect(PAGE).findings


def test_a_reader_that_never_answers_is_killed_and_the_message_read_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "_GRACE", 0.5)
    with Pool(settings(retire_after=100, reads_separately=True, time_limit=1.5)) as pool:
        assert pool._readers is not None
        children = Path(f"/proc/{pool._readers.pid}/task/{pool._readers.pid}/children")
        for pid in children.read_text().split():
            os.kill(int(pid), signal.SIGSTOP)
        assert pool.inspect(PAGE).findings


def test_a_pool_continues_after_the_loss_of_the_reader_zygote(separate_pool: Pool) -> None:
    assert separate_pool._readers is not None
    os.kill(separate_pool._readers.pid, signal.SIGKILL)
    for _ in range(4):
        assert separate_pool.inspect(PAGE).findings


def test_a_message_without_a_free_worker_is_deferred(message: int) -> None:
    with Pool(settings(wait_limit=0.05)) as pool:
        for who in ("a", "b", "c"):
            pool._turns.acquire(who, is_small=True, wait_limit=1)
        with pytest.raises(ScanError, match="no free worker"):
            pool.inspect(message)


def test_a_message_that_kills_every_worker_fails_and_the_next_is_inspected(
    message: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Pool(settings()) as pool:

        def kill(worker: Worker, *_arguments: object, **_options: object) -> bytes:
            os.kill(worker.pid, signal.SIGKILL)
            raise WorkerLostError("crash")

        monkeypatch.setattr(Worker, "ask", kill)
        inspection = pool.inspect(message)
        assert (inspection.status, inspection.reason, inspection.findings) == ("failed", "crash", [])
        monkeypatch.undo()
        assert pool.inspect(message).status == "complete"


def test_workers_that_exited_between_messages_cost_no_message(message: int) -> None:
    with Pool(settings(retire_after=100)) as pool:
        kill_children(pool)
        assert [pool.inspect(message, is_plain=True).status for _ in range(2)] == ["complete", "complete"]


def kill_children(pool: Pool) -> None:
    """Kill all workers, and wait until they have ended."""
    kill(Path(f"/proc/{pool._stock.pid}/task/{pool._stock.pid}/children").read_text().split())


def kill(pids: list[str]) -> None:
    """Kill children of a zygote, and wait until they have ended."""
    for pid in pids:
        os.kill(int(pid), signal.SIGKILL)
    wait_for(lambda: all(_is_dead(pid) for pid in pids), "the workers to be dead")


def _is_dead(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except (FileNotFoundError, ProcessLookupError):  # the zygote has taken note of it already
        return True


@pytest.mark.parametrize("answer_invalidly", [b"{}", b"[]", b'{"status":"complete","findings":[{}]}', b"\0" * 100])
def test_an_invalid_answer_of_a_worker_is_a_failed_inspection(
    message: int, answer_invalidly: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_invalidly = answer_invalidly if answer_invalidly != b"{}" else b'{"status":"complete","mood":"good"}'
    with Pool(settings()) as pool:
        monkeypatch.setattr(Worker, "ask", lambda *_arguments, **_options: answer_invalidly)
        inspection = pool.inspect(message)
        assert (inspection.status, inspection.reason) == ("failed", "answer")


def test_a_reusable_process_with_an_invalid_answer_is_ended(message: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with Pool(settings(retire_after=100)) as pool:
        (plain,) = pool._reusable.workers
        ask = Worker.ask

        def answer_invalidly(worker: Worker, *arguments: Any, **options: Any) -> bytes:
            return b'{"mood":"good"}' if worker is plain else ask(worker, *arguments, **options)

        monkeypatch.setattr(Worker, "ask", answer_invalidly)
        assert pool.inspect(message, is_plain=True).findings
        assert plain.is_ended
        assert plain not in pool._reusable.workers


def test_a_worker_that_cannot_be_confined_affects_only_its_message(
    message: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> bytes:
        raise ScanError("workers cannot be confined: seccomp: refused")

    with Pool(settings()) as pool:
        monkeypatch.setattr(Worker, "ask", refuse)
        with pytest.raises(ScanError, match="cannot be confined: seccomp"):
            pool.inspect(message)
        monkeypatch.undo()
        assert [pool.inspect(message).status for _ in range(3)] == ["complete"] * 3


def test_a_valid_answer_counts_even_if_no_further_worker_can_be_forked(
    message: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Pool(settings()) as pool:
        ask = Worker.ask

        def ask_and_kill_the_zygote(worker: Worker, *arguments: Any, **options: Any) -> bytes:
            frame = ask(worker, *arguments, **options)
            os.kill(pool._stock.pid, signal.SIGKILL)
            return frame

        monkeypatch.setattr(Worker, "ask", ask_and_kill_the_zygote)
        assert pool.inspect(message).findings
        monkeypatch.undo()
        assert pool.inspect(message).findings


def answers(pool: Pool, message: int) -> bool:
    try:
        pool.inspect(message)
    except ScanError:
        return False
    return True


def test_a_pool_recovers_once_its_zygote_can_start_again(message: int, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.symlink_to(RULES)
    with Pool(settings(rules=rules)) as pool:
        rules.unlink()
        os.kill(pool._stock.pid, signal.SIGKILL)
        # A worker that was forked before may still answer, once.
        outcomes = [answers(pool, message) for _ in range(4)]
        assert outcomes[-2:] == [False, False]
        rules.symlink_to(RULES)
        assert pool.inspect(message).status == "complete"


def test_the_last_output_of_a_zygote_is_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    start = subprocess.Popen

    def start_broken(command: list[str], **options: Any) -> Any:
        return start([command[0], "-c", "raise SystemExit('no such\\x1b[2J library')"], **options)

    monkeypatch.setattr(subprocess, "Popen", start_broken)
    with pytest.raises(ScanError, match=r"did not start: .*; its output: no such\?\[2J library$"):
        Pool(settings())


def test_rules_that_cannot_be_loaded_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="no identifiers here"):
        Pool(settings(rules=tmp_path))


def test_a_pool_that_cannot_start_leaves_no_descriptor_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> bytes:
        raise ScanError("workers cannot be confined: seccomp: refused")

    monkeypatch.setattr(Worker, "ask", refuse)
    before = sorted(Path("/proc/self/fd").iterdir())
    with pytest.raises(ScanError, match="cannot be confined"):
        Pool(settings(workers=3))
    assert sorted(Path("/proc/self/fd").iterdir()) == before


def test_workers_that_always_exit_early_defer_the_message(message: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with Pool(settings()) as pool:
        kill_children(pool)
        monkeypatch.setattr(pools, "_MAX_WORKERS", 1)
        with pytest.raises(ScanError, match="before they get the message"):
            pool.inspect(message)
        assert pool.inspect(message).status == "complete"
