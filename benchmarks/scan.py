"""Measures the worker pool: what handing a message over costs, how soon a lost worker is replaced, how large one is."""

import argparse
import os
import signal
import socket
import statistics
import time
from pathlib import Path

from benchmarks.corpora import corpus, raw_ham
from holdgate.scan import wire
from holdgate.scan.pool import Pool, PoolSettings

_ROUNDS = 200
_MESSAGES = 500


def main(words: list[str]) -> int:
    """Run all measurements and print their figures, floors beside them."""
    argparse.ArgumentParser(prog="script/bench scan", description=__doc__).parse_args(words)
    rules = Path(__file__).resolve().parents[1] / "rules"
    settings = PoolSettings(rules, Path("/nonexistent"), ("dlp-pii",), workers=1, retire_after=10**9)
    _hand_over()
    begun = time.perf_counter()
    with Pool(settings) as pool:
        print(f"start of zygote and one worker: {time.perf_counter() - begun:.2f} s")
        _replace(pool)
        _resident(pool)
    return 0


def _hand_over() -> None:
    """Time the way to a process that reads the message as a worker does, and answers at once."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        _echo(theirs)
    theirs.close()
    for size, floor in ((1_000, None), (100_000, 0.2), (10_000_000, 5.0)):
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
        kept = "" if floor is None else f"  floor ≤ {floor}  {'kept' if median <= floor else 'MISSED'}"
        print(f"hand-over of {size:>10,} bytes and back: median {median:.3f} ms{kept}")
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


def _replace(pool: Pool) -> None:
    """Kill the worker, have it replaced, and time the first message that the fresh one gets."""
    replaced, answered = [], []
    descriptor = os.memfd_create("message")
    os.write(descriptor, b"Subject: s\r\n\r\nnothing\r\n")
    for _ in range(20):
        worker = pool._idle.get()
        signal.pidfd_send_signal(worker.pidfd, signal.SIGKILL)
        begun = time.perf_counter()
        pool._replace(worker)
        there = time.perf_counter()
        pool.inspect(descriptor)
        replaced.append((there - begun) * 1000)
        answered.append((time.perf_counter() - there) * 1000)
    os.close(descriptor)
    print(f"a lost worker is replaced in: median {statistics.median(replaced):.1f} ms")
    median = statistics.median(answered)
    print(
        f"the next message is answered in: median {median:.1f} ms  floor ≤ 10  {'kept' if median <= 10 else 'MISSED'}"
    )


def _resident(pool: Pool) -> None:
    folder = corpus("ham")
    if folder is None:
        return
    for content in raw_ham(folder)[:_MESSAGES]:
        descriptor = os.memfd_create("message")
        os.write(descriptor, content)
        pool.inspect(descriptor)
        os.close(descriptor)
    worker = pool._idle.get()
    status = dict(line.split(":", 1) for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines())
    rollup = dict(line.split(":", 1) for line in Path(f"/proc/{worker.pid}/smaps_rollup").read_text().splitlines()[1:])
    pool._idle.put(worker)
    print(
        f"worker after {_MESSAGES} messages: resident {int(status['VmRSS'].split()[0]) // 1024} MB, "
        f"of that its own {int(rollup['Private_Dirty'].split()[0]) // 1024} MB  floor ≤ 150"
    )
