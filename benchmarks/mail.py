"""Sends the same mail through several milters on one Postfix, in turns, and compares them by ratios.

Compared are: no milter, a minimal milter in C (the upper limit), a minimal one in pymilter, this checkout, with
--against another version of it, and with --milter a running one, such as rspamd or MIMEDefang. Corpora: small (plain
text), html (without attachments), typical (docx or pdf attached), large, all made from a seed; --folder adds a
directory of .eml. It needs root, Debian's postfix, gcc and libmilter-dev.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mailing import account, filters, letters
from benchmarks.mailing.filters import Filter
from testbed.ports import free_port, wait_for
from testbed.postfix import PostfixInstance, require

_ROOT = Path(__file__).parents[1]
_DRAIN = 120.0
# No message may wait for a resolver, and the queue may be as long as it gets.
_POSTFIX = {
    "smtpd_client_connection_count_limit": "0",
    "message_size_limit": "0",
    "mailbox_size_limit": "0",
    "smtpd_milters": "",
    "non_smtpd_milters": "",
    "header_checks": "",
    "in_flow_delay": "0",
}


@dataclass(slots=True)
class Measure:
    """One run of one milter. `processor` is the time of filter, Postfix, sender and sink per delivered message."""

    messages: int
    rate: float
    p99: float
    processor: float
    others: float
    memory: int
    refused: list[str]


def main(words: list[str]) -> int:
    """Run the rounds and print a table for each corpus."""
    arguments = _arguments(words)
    require()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hgm", dir="/tmp")))
        directory.chmod(0o755)
        corpora = _corpora(arguments, directory / "mail")
        sink_port, sink_pid = stack.enter_context(filters.sink(directory))
        postfix = PostfixInstance(
            directory / "pf", smtp_port=free_port(), notice_port=free_port(), relay_port=sink_port, milter=""
        )
        running = _start(stack, arguments, directory, postfix)
        ports = {one.name: free_port() for one in running}
        services = "".join(
            f"127.0.0.1:{ports[one.name]} inet n - n - - smtpd\n  -o smtpd_milters={one.address}\n" for one in running
        )
        postfix.write(services, **_POSTFIX)
        stack.callback(postfix.stop)
        postfix.start()
        measures: dict[tuple[str, str], list[Measure]] = defaultdict(list)
        for number in range(arguments.rounds):
            for name, folder in corpora.items():
                shift = number % len(running)
                for one in running[shift:] + running[:shift]:
                    made = _run(one, ports[one.name], folder, postfix, sink_pid, arguments)
                    measures[name, one.name].append(made)
                    print(
                        f"round {number + 1}, {name}, {one.name}: {made.messages} messages, {made.rate:.0f} a second, "
                        f"p99 {made.p99 * 1000:.0f} ms, processor {made.processor * 1000:.1f} ms a message, "
                        f"PSS {made.memory / 1e6:.0f} MB" + (f", refused: {made.refused}" if made.refused else ""),
                        file=sys.stderr,
                    )
    for name in corpora:
        _print(name, [one.name for one in running], measures)
    return 0


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench mail", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each run")
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--sets", default=",".join(letters.SETS), help="of: %(default)s")
    parser.add_argument("--folder", type=Path, action="append", default=[], help="a directory of .eml, as one more set")
    parser.add_argument("--only", default="none,cmilter,pytrivial,holdgate", help="of: %(default)s")
    parser.add_argument(
        "--milter",
        action="append",
        default=[],
        metavar="NAME=ADDRESS=PID",
        help="a milter that runs, by its address for Postfix and its first process",
    )
    parser.add_argument("--against", metavar="REV", help="a commit of this repository, built and run for comparison")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--count", type=int, default=0, help="messages of each set; 0: as many as it has")
    return parser.parse_args(words)


def _corpora(arguments: argparse.Namespace, directory: Path) -> dict[str, Path]:
    made = {
        name: letters.write(directory, name, arguments.seed, arguments.count)
        for name in arguments.sets.split(",")
        if name
    }
    return made | {folder.name: folder for folder in arguments.folder}


def _start(stack: ExitStack, arguments: argparse.Namespace, directory: Path, postfix: PostfixInstance) -> list[Filter]:
    """Start the requested milters that are installed; print which are not."""
    wanted = arguments.only.split(",")
    running = [Filter("none", "")] if "none" in wanted else []
    for name, start in (("cmilter", filters.cmilter), ("pytrivial", filters.pytrivial)):
        if name in wanted:
            try:
                running.append(stack.enter_context(start(directory)))
            except filters.NotHereError as error:
                print(f"not here: {error}", file=sys.stderr)
    for output in arguments.milter:
        name, address, pid = output.split("=")
        running.append(Filter(name, address, int(pid)))
    builds = [("holdgate", _ROOT, os.pathsep.join(sys.path))] if "holdgate" in wanted else []
    if arguments.against:
        builds.append((arguments.against, *_other_build(arguments.against, directory)))
    for name, root, path in builds:
        running.append(stack.enter_context(filters.ours(name, root, path, directory, postfix.config)))
    return running


def _other_build(revision: str, directory: Path) -> tuple[Path, str]:
    """Check out another version below `directory` and compile it; return its directory and its PYTHONPATH."""
    root = directory / "other"
    root.mkdir()
    archive = subprocess.Popen(["git", "-C", str(_ROOT), "archive", revision], stdout=subprocess.PIPE)
    subprocess.run(["tar", "x", "-C", str(root)], stdin=archive.stdout, check=True)
    if archive.wait():
        raise SystemExit(f"--against {revision}: git knows no such version")
    target = root / "build"
    command = [
        sys.executable,
        "setup.py",
        "--quiet",
        "build",
        "--build-base",
        str(target),
        "--build-lib",
        str(target / "lib"),
    ]
    subprocess.run(command, cwd=root, env=os.environ | {"HOLDGATE_COMPILE": "1"}, check=True, capture_output=True)
    return root, str(target / "lib")


def _run(
    one: Filter, port: int, folder: Path, postfix: PostfixInstance, sink_pid: int, arguments: argparse.Namespace
) -> Measure:
    roots = [int((postfix.queue / "pid/master.pid").read_text()), sink_pid, *([one.pid] if one.pid else [])]
    before, busy, begun = account.processor_seconds(*roots), account.busy_seconds(), time.monotonic()
    limits = ["--seconds", str(arguments.seconds), "--sessions", str(arguments.sessions)]
    sender = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.mailing.sender", str(port), str(folder), *limits],
        stdout=subprocess.PIPE,
        cwd=_ROOT,
    )
    memory = 0
    while sender.poll() is None:
        memory = max(memory, account.proportional_bytes(one.pid) if one.pid else 0)
        try:
            sender.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            continue
    output = json.loads(sender.communicate()[0])
    waiting = [postfix.queue / name for name in ("incoming", "active", "maildrop")]
    wait_for(lambda: not any(_holds_files(place) for place in waiting), "all to be delivered", _DRAIN)
    processor = account.processor_seconds(*roots) - before + output["processor"]
    elapsed = time.monotonic() - begun
    latencies = sorted(output["latencies"]) or [float("nan")]
    return Measure(
        messages=len(output["latencies"]),
        rate=len(output["latencies"]) / output["seconds"],
        p99=latencies[min(len(latencies) - 1, int(len(latencies) * 0.99))],
        processor=processor / max(1, len(output["latencies"])),
        others=max(0.0, account.busy_seconds() - busy - processor) / elapsed,
        memory=memory,
        refused=output["refused"],
    )


def _holds_files(folder: Path) -> bool:
    return any(files for _, _, files in os.walk(folder))


def _print(name: str, contenders: list[str], measures: dict[tuple[str, str], list[Measure]]) -> None:
    """Print the medians of one corpus; a ratio is that of two runs of the same round."""
    print(f"\n{name}\n")
    print("| | throughput to cmilter | processor time to pytrivial | p99 to cmilter | PSS in MB | other load, cores |")
    print("|---|--:|--:|--:|--:|--:|")

    def ratio(contender: str, to: str, what: str) -> str:
        pairs = zip(measures[name, contender], measures.get((name, to), []), strict=False)
        found = [getattr(ours, what) / getattr(theirs, what) for ours, theirs in pairs if getattr(theirs, what)]
        return f"{statistics.median(found):.2f}" if found else "–"

    for contender in contenders:
        runs = measures[name, contender]
        memory = max(run.memory for run in runs) / 1e6
        print(
            f"| {contender} | {ratio(contender, 'cmilter', 'rate')} | {ratio(contender, 'pytrivial', 'processor')} "
            f"| {ratio(contender, 'cmilter', 'p99')} | {f'{memory:.0f}' if memory else '–'} "
            f"| {statistics.median(run.others for run in runs):.2f} |"
        )
