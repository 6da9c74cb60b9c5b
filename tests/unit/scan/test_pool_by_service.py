"""The pool with the scan service and real workers, which run as another user if root runs the tests."""

import os
import pwd
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdgate.scan import pool as pools
from holdgate.scan.pool import Pool, PoolSettings, ScanError
from holdgate.scan.process import Worker
from testbed.ports import wait_for
from tests.support.scanning import HOST, USER, ScanDaemon, below, is_running

pytestmark = pytest.mark.slow(seconds=0.5)

RULES = Path(__file__).parents[3] / "rules"
MESSAGE = b"Subject: s\r\n\r\nMy SSN: 536-90-4399\r\n"


@pytest.fixture(scope="module")
def service() -> Iterator[ScanDaemon]:
    running = ScanDaemon()
    yield running
    running.close()


def made(service: ScanDaemon, **changes: Any) -> Pool:
    values: dict[str, Any] = {"rules": RULES, "profiles": ("dlp-pii",), "retire_after": 100, "service": service.socket}
    return Pool(PoolSettings(**(values | changes)))


@pytest.fixture(scope="module")
def pool(service: ScanDaemon) -> Iterator[Pool]:
    with made(service) as running:
        yield running


def uid(pid: int) -> int:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("Uid:")]
    return int(line.split()[1])


def test_findings_are_returned_masked_and_the_message_is_not_copied(pool: Pool, tmp_path: Path) -> None:
    large = MESSAGE + b"Words that fill a line of this message, and no number.\r\n" * 10_000
    path = tmp_path / "message"
    path.write_bytes(large)
    path.chmod(0o600)  # the worker gets the descriptor, not the file
    with path.open("rb") as file:
        for message in (MESSAGE, file.fileno()):
            (finding,) = pool.inspect(message).findings
            assert (finding.identifier, finding.masked) == ("us-ssn", ["***-**-*399"])


def test_all_readers_run_as_the_user_of_the_service(service: ScanDaemon, pool: Pool) -> None:
    assert pool.inspect(MESSAGE, is_plain=True).findings
    pids = [pool._stock.pid, *below(pool._stock.pid)]
    assert len(pids) > 1
    wanted = pwd.getpwnam(USER).pw_uid if os.geteuid() == 0 else os.geteuid()
    assert {uid(pid) for pid in pids} == {wanted}
    assert not set(pids) & set(below(os.getpid()))
    assert pool._stock.pid in below(service.process.pid)


def written(pid: int) -> bytes:
    """Return the memory that a process has written (proc_pid_mem(5))."""
    lines = [line.split(maxsplit=5) for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    ranges = [tuple(int(edge, 16) for edge in line[0].split("-")) for line in lines if line[1].startswith("rw-p")]
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        found = []
        for start, end in ranges:
            memory.seek(start)
            found.append(memory.read(end - start))
    return b"".join(found)


@pytest.mark.skipif(os.geteuid() != 0, reason="reads the memory of another user's process")
def test_the_settings_are_not_in_the_memory_of_processes_that_read_mail(service: ScanDaemon, pool: Pool) -> None:
    assert HOST in service.config.read_text()
    worker = pool._stock.take(wait_limit=30)
    try:
        for pid in (service.process.pid, pool._stock.pid, worker.pid):
            memory = written(pid)
            assert b"holdgate.scan.worker" in memory
            assert HOST.encode() not in memory
    finally:
        worker.end()


def test_a_worker_that_hangs_is_killed_by_its_zygote(service: ScanDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "_GRACE", 1.0)
    with made(service, time_limit=1.0) as pool:
        workers = below(pool._stock.pid)
        assert workers
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        assert pool.inspect(MESSAGE).status == "complete"
        wait_for(lambda: not any(is_running(one) for one in workers[1:2]), "the worker that hung to be killed")
        for worker in workers:
            if is_running(worker):
                os.kill(worker, signal.SIGCONT)


def test_a_worker_with_a_large_message_runs_with_low_priority(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    ask = Worker.ask

    def look(worker: Worker, *arguments: Any, **options: Any) -> bytes:
        own = os.getpriority(os.PRIO_PROCESS, 0)
        wait_for(lambda: os.getpriority(os.PRIO_PROCESS, worker.pid) == min(own + 10, 19), "the worker to be slower")
        seen.append(worker.pid)
        return ask(worker, *arguments, **options)

    monkeypatch.setattr(Worker, "ask", look)
    pool.inspect(MESSAGE + b"Nothing in this line.\r\n" * 20_000)
    assert len(seen) == 1


def test_a_closed_pool_leaves_no_process(service: ScanDaemon) -> None:
    pool = made(service)
    pids = [pool._stock.pid, *below(pool._stock.pid)]
    pool.close()
    wait_for(lambda: not any(is_running(pid) for pid in pids), "zygote and workers to end")
    with pytest.raises(ScanError, match="being ended"):
        pool.inspect(MESSAGE)


@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_a_restarted_service_is_used_again_by_its_pools(service: ScanDaemon, how: str) -> None:
    with made(service) as pool:
        pids = [pool._stock.pid, *below(pool._stock.pid)]
        getattr(service.process, how)()
        service.process.wait()
        wait_for(lambda: not any(is_running(pid) for pid in pids), "zygote and workers to end with the service")
        again = threading.Thread(target=service.restart)
        again.start()
        # The message came while there was none: it waits.
        assert pool.inspect(MESSAGE).findings
        again.join()
        assert pool._stock.pid not in pids


def test_a_missing_service_defers_mail_and_no_other_process_reads_it(
    service: ScanDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdgate.scan.start._WAIT_LIMIT", 0.2)
    others = below(os.getpid())
    with made(service) as pool:
        pids = [pool._stock.pid, *below(pool._stock.pid)]
        service.kill()
        wait_for(lambda: not any(is_running(pid) for pid in pids), "zygote and workers to end with the service")
        try:
            for _ in range(3):
                with pytest.raises(ScanError, match="the scan service does not run there"):
                    pool.inspect(MESSAGE)
            assert set(below(os.getpid())) <= set(others)
        finally:
            service.restart()
        assert pool.inspect(MESSAGE).findings


def test_a_second_service_on_the_same_socket_does_not_start(service: ScanDaemon, pool: Pool) -> None:
    second = service.launch()
    assert second.wait(60) == 71
    assert "another holdgate-scan runs with this socket; stop it first" in service.log.read_text()
    assert pool.inspect(MESSAGE).findings
    with made(service) as another:
        assert another.inspect(MESSAGE).findings


def test_the_error_of_a_zygote_that_cannot_start_is_reported(service: ScanDaemon) -> None:
    with pytest.raises(ScanError, match="no identifiers here"):
        made(service, rules=Path("/"))
