"""The pool with real processes and the shipped rules."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdgate.scan.pool import Pool, PoolSettings, ScanError, _Worker

pytestmark = pytest.mark.slow

RULES = Path(__file__).parents[3] / "rules"
MESSAGE = b"Subject: s\r\n\r\nMy SSN: 536-90-4399\r\n"


def settings(**changes: object) -> PoolSettings:
    values = {"rules": RULES, "local_rules": Path("/nonexistent"), "profiles": ("dlp-pii",), "workers": 1} | changes
    return PoolSettings(**values)  # type: ignore[arg-type]


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


def test_findings_come_back_masked(pool: Pool, message: int) -> None:
    inspection = pool.inspect(message)
    assert (inspection.status, inspection.reason) == ("complete", "")
    (finding,) = inspection.findings
    assert (finding.identifier, finding.confidence, finding.count, finding.unique) == ("us-ssn", "high", 1, 1)
    assert (finding.masked, finding.parts) == (["***-**-*399"], ["message body"])
    assert inspection.profiles.keys() == {"dlp-pii"}


def test_a_file_is_read_as_what_it_is(pool: Pool, message: int) -> None:
    extraction = pool.extract(message, name="note.txt")
    assert [part["name"] for part in extraction["parts"]] == ["note.txt"]
    assert extraction["parts"][0]["text"].splitlines() == MESSAGE.decode().splitlines()


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


def test_a_worker_retires(message: int) -> None:
    with Pool(settings(retire_after=2)) as pool:
        pids = set()
        for _ in range(4):
            worker = pool._idle.get()
            pids.add(worker.pid)
            pool._idle.put(worker)
            assert pool.inspect(message).findings
        assert len(pids) == 2


def test_no_free_worker_is_a_reason_to_try_later(message: int) -> None:
    with Pool(settings(wait_limit=0.05)) as pool:
        busy = pool._idle.get()
        with pytest.raises(ScanError, match="no free worker"):
            pool.inspect(message)
        pool._idle.put(busy)


def test_a_message_that_kills_every_worker_is_failed_and_the_next_is_read(
    message: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Pool(settings()) as pool:
        ask = pool._ask

        def kill_then_ask(worker, job, descriptor):  # type: ignore[no-untyped-def]
            signal.pidfd_send_signal(worker.pidfd, signal.SIGKILL)
            return ask(worker, job, descriptor)

        monkeypatch.setattr(pool, "_ask", kill_then_ask)
        inspection = pool.inspect(message)
        assert (inspection.status, inspection.reason, inspection.findings) == ("failed", "crash", [])
        monkeypatch.undo()
        assert pool.inspect(message).status == "complete"


def test_a_worker_that_died_between_messages_costs_none(message: int) -> None:
    with Pool(settings()) as pool:
        worker = pool._idle.get()
        signal.pidfd_send_signal(worker.pidfd, signal.SIGKILL)
        pool._idle.put(worker)
        assert [pool.inspect(message).status for _ in range(2)] == ["complete", "complete"]


def test_a_worker_that_cannot_be_confined_later_costs_its_message_only(
    message: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(worker: _Worker) -> _Worker:
        worker.end()
        raise ScanError("workers cannot be confined: seccomp: refused")

    with Pool(settings()) as pool:
        monkeypatch.setattr(pool, "_prove", refuse)
        worker = pool._idle.get()
        signal.pidfd_send_signal(worker.pidfd, signal.SIGKILL)
        pool._idle.put(worker)
        with pytest.raises(ScanError, match="cannot be confined: seccomp"):
            pool.inspect(message)
        monkeypatch.undo()
        assert [pool.inspect(message).status for _ in range(3)] == ["complete"] * 3


def test_a_pool_whose_zygote_is_gone_and_cannot_come_back_recovers_when_it_can(message: int, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.symlink_to(RULES)
    with Pool(settings(rules=rules)) as pool:
        rules.unlink()
        pool._zygote.kill()
        pool._zygote.wait()
        for _ in range(2):
            with pytest.raises(ScanError):
                pool.inspect(message)
        rules.symlink_to(RULES)
        assert pool.inspect(message).status == "complete"


def test_rules_that_cannot_be_loaded_are_said(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="no identifiers here"):
        Pool(settings(rules=tmp_path))


def test_a_pool_that_cannot_start_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_pool: Pool, _worker: _Worker) -> _Worker:
        raise ScanError("workers cannot be confined: seccomp: refused")

    monkeypatch.setattr(Pool, "_prove", refuse)
    before = sorted(Path("/proc/self/fd").iterdir())
    with pytest.raises(ScanError, match="cannot be confined"):
        Pool(settings(workers=3))
    assert sorted(Path("/proc/self/fd").iterdir()) == before


def test_a_reader_of_the_site_runs_in_the_workers(tmp_path: Path) -> None:
    (tmp_path / "site_ledger.py").write_text(
        "from holdgate.extract.format import Format\n"
        "def read(document, sink):\n"
        "    sink.text(document.data[7:].decode())\n"
        "    open('/etc/hostname').read()\n"
        "MAGIC = ((0, b'LEDGER1'),)\n"
        "FORMATS = (Format(kind='ledger', read=read, holds='', read_by='', unread='', signatures=MAGIC),)\n"
    )
    descriptor = os.memfd_create("book")
    os.write(descriptor, b"LEDGER1an entry")
    with Pool(settings(readers=("site_ledger",), readers_directory=tmp_path)) as pool:
        (part,) = pool.extract(descriptor, name="book.led")["parts"]
    os.close(descriptor)
    # It is confined as the others are: it may not open a file.
    assert (part["reader"], part["text"], part["status"]) == ("ledger", "an entry", "failed")


def test_a_reader_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=r"extract\.readers: site_without cannot be used: ModuleNotFoundError"):
        Pool(settings(readers=("site_without",), readers_directory=tmp_path))
