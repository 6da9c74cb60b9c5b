"""Measures the worker pool: passing a message to a process, a process for each message, and the memory of one."""

import argparse
import os
import socket
import statistics
import time
from pathlib import Path

from benchmarks.corpora import corpus, raw_ham
from holdgate.scan import wire
from holdgate.scan.pool import Pool, PoolSettings

_ROUNDS = 200
_MESSAGES = 500
_FRESH = 100
_SHORT = b"Subject: s\r\n\r\nnothing\r\n"


def main(words: list[str]) -> int:
    """Run all measurements and print the figures with their thresholds."""
    argparse.ArgumentParser(prog="script/bench scan", description=__doc__).parse_args(words)
    rules = Path(__file__).resolve().parents[1] / "rules"
    settings = PoolSettings(rules, Path("/nonexistent"), ("dlp-pii",), workers=1, retire_after=10**9)
    _round_trip()
    begun = time.perf_counter()
    with Pool(settings) as pool:
        print(f"start of zygote and one worker: {time.perf_counter() - begun:.2f} s")
        _fresh(pool)
        _plain(pool)
        _resident(pool)
    return 0


def _round_trip() -> None:
    """Time the round trip to a process that reads the message as a worker does, and answers at once."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        _echo(theirs)
    theirs.close()
    for size, threshold in ((1_000, None), (100_000, 0.2), (10_000_000, 5.0)):
        descriptor = os.memfd_create("message")
        os.write(descriptor, bytes(size))
        times = []
        for _ in range(_ROUNDS if size < 10**6 else 20):
            begun = time.perf_counter()
            readable = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY)
            wire.send(ours, {"do": "inspect", "name": None}, (readable,))
            wire.receive(ours, timeout=60)
            os.close(readable)
            times.append((time.perf_counter() - begun) * 1000)
        os.close(descriptor)
        median = statistics.median(times)
        kept = "" if threshold is None else f"  threshold ≤ {threshold}  {'kept' if median <= threshold else 'MISSED'}"
        print(f"round trip of {size:>10,} bytes: median {median:.3f} ms{kept}")
    ours.close()
    os.waitpid(child, 0)


def _echo(connection: socket.socket) -> None:
    while True:
        try:
            _, (descriptor,) = wire.receive(connection, descriptors=1)
        except wire.WireError:
            os._exit(0)
        os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        os.close(descriptor)
        wire.send(connection, {"status": "complete"})


def _fresh(pool: Pool) -> None:
    """Time a message in its own process, and measure the processor time of the machine at the same time."""
    times = []
    before = _processor_seconds()
    for _ in range(_FRESH):
        begun = time.perf_counter()
        pool.inspect(_SHORT)
        times.append((time.perf_counter() - begun) * 1000)
    median = statistics.median(times)
    spent = (_processor_seconds() - before) / _FRESH * 1000
    print(f"a message in a process of its own: median {median:.1f} ms, processor {spent:.1f} ms")


def _plain(pool: Pool) -> None:
    """Time a message in a reusable process."""
    times = []
    before = _processor_seconds()
    for _ in range(_MESSAGES):
        begun = time.perf_counter()
        pool.inspect(_SHORT, is_plain=True)
        times.append((time.perf_counter() - begun) * 1000)
    spent = (_processor_seconds() - before) / _MESSAGES * 1000
    print(f"the same in a process that stays: median {statistics.median(times):.2f} ms, processor {spent:.2f} ms")


def _processor_seconds() -> float:
    """Return the processor time that this machine has used: that of ended workers is counted nowhere else."""
    fields = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    idle = fields[3] + fields[4]
    return (sum(fields[:8]) - idle) / os.sysconf("SC_CLK_TCK")


def _resident(pool: Pool) -> None:
    """Measure the memory of a reusable process after many messages."""
    folder = corpus("ham")
    if folder is None:
        return
    for content in raw_ham(folder)[:_MESSAGES]:
        pool.inspect(content, is_plain=True)
    (worker,) = pool._reusable.workers
    status = dict(line.split(":", 1) for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines())
    rollup = dict(line.split(":", 1) for line in Path(f"/proc/{worker.pid}/smaps_rollup").read_text().splitlines()[1:])
    print(
        f"worker after {worker.jobs} messages: resident {int(status['VmRSS'].split()[0]) // 1024} MB, "
        f"of that its own {int(rollup['Private_Dirty'].split()[0]) // 1024} MB  threshold ≤ 150"
    )
