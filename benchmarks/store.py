"""The store on PostgreSQL: incidents recorded a second by 1, 3 and 10 processes at once, and how long each took."""

import argparse
import multiprocessing
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path

from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.store import migrate, open_store
from testbed.postgres import PostgresServer

_WRITERS = (1, 3, 10)
_ACTOR = Actor("holdgate-milter", "milter")


def main(arguments: list[str]) -> int:
    """Measure and print; return 0."""
    parser = argparse.ArgumentParser(prog="script/bench store")
    parser.add_argument("--incidents", type=int, default=1_000, help="so many are recorded in all, at each count")
    given = parser.parse_args(arguments)
    directory = Path(tempfile.mkdtemp(prefix="holdgate-bench-"))
    server = PostgresServer(directory / "server")  # what is committed is synced, as on a site
    directory.chmod(0o711)
    try:
        server.start()
        for writers in _WRITERS:
            seconds, times = _record(server.new_database(), writers, given.incidents // writers)
            ordered = sorted(times)
            print(
                f"{writers:2} writers: {len(times) / seconds:6.0f} incidents a second; recording takes "
                f"{statistics.median(times) * 1000:.1f} ms in the median, "
                f"{ordered[len(ordered) * 99 // 100] * 1000:.1f} ms at the 99th percentile"
            )
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)
    return 0


def _record(url: str, writers: int, each: int) -> tuple[float, Sequence[float]]:
    """Have processes record incidents at once; return how long it took, and how long each one took, in seconds."""
    migrate(url)
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(writers + 1)
    results: multiprocessing.Queue[list[float]] = context.Queue()
    processes = [context.Process(target=_write, args=[url, each, barrier, results]) for _ in range(writers)]
    for process in processes:
        process.start()
    barrier.wait()
    begun = time.perf_counter()
    times = [one for _ in processes for one in results.get()]
    seconds = time.perf_counter() - begun
    for process in processes:
        process.join()
    return seconds, times


def _write(url: str, each: int, barrier: Barrier, results: "multiprocessing.Queue[list[float]]") -> None:
    store = open_store(url)
    store.count()  # the connection is there
    barrier.wait()
    times = []
    for number in range(each):
        begun = time.perf_counter()
        store.record(
            Incident(queue_id=f"4{number}", sender="a@corp.example", recipients=["b@partner.example"], policy="p"),
            _ACTOR,
        )
        times.append(time.perf_counter() - begun)
    results.put(times)
    store.close()
