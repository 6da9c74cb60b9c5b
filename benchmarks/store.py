"""The store: incidents recorded per second by 1, 3 and 10 concurrent processes, and each step in a full store.

On PostgreSQL each process is the milter of a separate node. With `--against`, another revision runs the same in turns.
With `--standby 5`, each commit waits for a synchronous standby that is so many milliseconds away, each way.
With `--filled`, the second part is measured: the list, a decision, and the passes of desk and queue agent on SQLite and
PostgreSQL, with a hundred waiting incidents and with many closed and waiting ones (filled.py).
"""

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.builds import ROOT, tree_of
from testbed.distance import Distance
from testbed.postgres import PostgresServer

_WRITERS = (1, 3, 10)
MOST_OF_ONE = 2.0
"""With ten writers, 99 of 100 incidents are recorded within this many times what it takes with one.

This is judged with a standby only. Without one, ten writers that never pause wait for the processors, not for each
other: on two cores, each of them gets a fifth of one.
"""
LEAST_OF_OTHER = 5.0
"""Ten writers record so many times what ten of the revision f9b7b4da did, which waited for one lock."""


@dataclass(slots=True)
class _Outcome:
    """The result for the writers of a build over all rounds: seconds of the rounds, of processors, of each incident."""

    seconds: float = 0.0
    used: float = 0.0
    times: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The number per second."""
        return len(self.times) / self.seconds

    def percentile(self, share: int) -> float:
        """The time below which this percentage of the incidents was recorded, in seconds."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) * share // 100, len(ordered) - 1)]


def main(arguments: list[str]) -> int:
    """Measure and print; return 0 when every figure is within its bounds."""
    parser = argparse.ArgumentParser(prog="script/bench store", description=__doc__)
    parser.add_argument("--incidents", type=int, default=1_000, help="so many are recorded in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", metavar="REVISION", help="measure this revision too, in turns")
    parser.add_argument("--standby", type=float, metavar="MS", help="a synchronous standby, so far away each way")
    parser.add_argument("--filled", action="store_true", help="measure each step in a full store instead")
    parser.add_argument("--closed", type=int, default=1_000_000)
    parser.add_argument("--waiting", type=int, default=100_000)
    given = parser.parse_args(arguments)
    if given.filled:
        return _filled(given)
    builds = {"this build": ROOT}
    if given.against:
        builds[given.against] = tree_of(given.against)
    directory = Path(tempfile.mkdtemp(prefix="holdgate-bench-"))
    server = PostgresServer(directory / "server")  # commits are synced, as on a site
    directory.chmod(0o711)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        server.start()
        stack.callback(server.stop)
        if given.standby is not None:
            distance = Distance(directory / "distance", server.directory, given.standby / 1000)
            distance.start()
            stack.callback(distance.stop)
            stack.callback(server.standby(distance.directory).stop)
        found = {(name, writers): _Outcome() for writers in _WRITERS for name in builds}
        urls = {name: _new_store(server, tree) for name, tree in builds.items()}
        for _ in range(given.rounds):
            for (name, writers), outcome in found.items():
                _record(builds[name], urls[name], writers, given.incidents // writers, outcome)
    return _report(found, list(builds), has_standby=given.standby is not None)


def _filled(given: argparse.Namespace) -> int:
    from benchmarks import filled

    directory = Path(tempfile.mkdtemp(prefix="holdgate-bench-"))
    server = PostgresServer(directory / "server")
    directory.chmod(0o711)
    numbers = itertools.count()
    try:
        server.start()
        urls = {
            "SQLite": lambda: f"sqlite:///{directory}/store{next(numbers)}.db",
            "PostgreSQL": server.new_database,
        }
        good = filled.measure(urls, directory, closed=given.closed, waiting=given.waiting, rounds=max(given.rounds, 15))
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)
    return 0 if good else 1


def _report(found: dict[tuple[str, int], _Outcome], builds: list[str], *, has_standby: bool) -> int:
    for (name, writers), outcome in found.items():
        print(
            f"{writers:2} writers, {name}: {outcome.rate:6.0f} incidents a second; recording takes "
            f"{statistics.median(outcome.times) * 1000:.1f} ms in the median, "
            f"{outcome.percentile(99) * 1000:.1f} ms at the 99th percentile; "
            f"the writer uses {outcome.used / len(outcome.times) * 1000:.2f} ms of a processor"
        )
    one, ten = found[builds[0], _WRITERS[0]], found[builds[0], _WRITERS[-1]]
    wait = ten.percentile(99) / one.percentile(99)
    good = wait <= MOST_OF_ONE or not has_standby
    bound = f"bound {MOST_OF_ONE}" if has_standby else "judged with --standby"
    print(f"99th percentile with 10 writers: {wait:.1f} times that of one ({bound}){_late(good)}")
    for other in builds[1:]:
        faster = ten.rate / found[other, _WRITERS[-1]].rate
        is_faster = faster >= LEAST_OF_OTHER
        good &= is_faster
        print(f"10 writers: {faster:.1f} times as many as {other} (bound {LEAST_OF_OTHER}){_late(is_faster)}")
    return 0 if good else 1


def _late(good: bool) -> str:
    return "" if good else "  TOO SLOW"


def _new_store(server: PostgresServer, tree: Path) -> str:
    url = server.new_database()
    program = "import sys; from holdgate.quarantine.store import migrate; migrate(sys.argv[1])"
    subprocess.run([sys.executable, "-c", program, url], env=_environment(tree), check=True)
    return url


def _environment(tree: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(tree / "milter")}


def _record(tree: Path, url: str, writers: int, each: int, outcome: _Outcome) -> None:
    """Have processes of a build record incidents at the same time, and add the results to `outcome`."""
    command = [sys.executable, str(ROOT / "benchmarks" / "recording.py"), url]
    processes = [
        subprocess.Popen(
            [*command, f"mx{number}", str(each)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(tree),
            cwd=tree,
        )
        for number in range(writers)
    ]
    for _ in _lines(processes):
        pass
    begun = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        print(file=process.stdin, flush=True)
    for line in _lines(
        processes
    ):  # none of them exits during the measurement: an exit uses a processor that others wait for
        times, used = json.loads(line)
        outcome.times += times
        outcome.used += used
    outcome.seconds += time.perf_counter() - begun
    for process in processes:
        process.communicate()


def _lines(processes: Sequence["subprocess.Popen[str]"]) -> Iterator[str]:
    """Yield the next line of each."""
    for process in processes:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("a writer has ended")
        yield line
