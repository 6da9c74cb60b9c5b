"""Tests in several processes that are forked after the collection, so that every module is loaded once.

`pytest --processes N` runs each collected test in one of N processes. A process takes a batch of tests, all of one
file, runs them, and sends their reports. A fixture of a module is therefore set up once per batch, and one of the
session once per process. pytest-xdist, which starts new processes, would load all modules in each.
"""

import os
import pickle
import struct
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from typing import Any

import pytest

# pytest has no public name for it; plugins that run a test again use it too.
from _pytest.runner import runtestprotocol

from tests.support.results import is_printed

# The most tests of a batch: few, so that all processes end at about the same time.
BATCH = 24
_NUMBER = struct.Struct("I")


def batches(files: Sequence[object], most: int = BATCH) -> list[range]:
    """Divide tests, given by the file of each, into ranges of at most `most` tests of one file that follow another."""
    found: list[range] = []
    for index, file in enumerate(files):
        last = found[-1] if found else range(0)
        if last and len(last) < most and files[last.start] == file:
            found[-1] = range(last.start, index + 1)
        else:
            found.append(range(index, index + 1))
    return found


class Reports:
    """Keeps the reports of the tests that one process runs, in the form in which they are sent."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._kept: list[Any] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run a test without printing anything. --durations needs the reports of all steps."""
        for report in runtestprotocol(item, log=False, nextitem=nextitem):
            if is_printed(report) or self._config.getoption("durations"):
                self._kept.append(self._config.hook.pytest_report_to_serializable(config=self._config, report=report))
        return True

    def taken(self) -> list[Any]:
        """Return the reports since the last call."""
        kept, self._kept = self._kept, []
        return kept


def _next_batch(waiting: int, divided: list[range]) -> range:
    number = os.read(waiting, _NUMBER.size)
    return divided[_NUMBER.unpack(number)[0]] if number else range(0)


def _run(session: pytest.Session, name: str, divided: list[range], waiting: int, results: Connection) -> None:
    """Run batches until none waits: in a separate process."""
    config = session.config
    # What is captured goes to files, which must not be those of the other processes.
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    directories = config._tmp_path_factory  # type: ignore[attr-defined]
    directories._basetemp = directories.mktemp(name, numbered=False)
    reports = Reports(config)
    config.pluginmanager.register(reports)
    try:
        _run_batches(session, divided, waiting, results, reports)
    except KeyboardInterrupt:
        session._setupstate.teardown_exact(None)


def _run_batches(
    session: pytest.Session, divided: list[range], waiting: int, results: Connection, reports: Reports
) -> None:
    batch = _next_batch(waiting, divided)
    while batch:
        _send(results, session.items[batch.start].nodeid)
        following = range(0)
        for index in batch:
            # The test after this one decides which fixtures stay.
            if index == batch[-1]:
                following = _next_batch(waiting, divided)
            after = index + 1 if index < batch[-1] else next(iter(following), None)
            item, nextitem = session.items[index], None if after is None else session.items[after]
            item.ihook.pytest_runtest_protocol(item=item, nextitem=nextitem)
        _send(results, reports.taken())
        batch = following
    _send(results, "")


def _send(results: Connection, value: object) -> None:
    """Send a value, unless the process that prints has stopped, as after --exitfirst."""
    with suppress(BrokenPipeError):
        results.send_bytes(pickle.dumps(value))


def _crash(nodeid: str) -> pytest.TestReport:
    words = f"a process ended unexpectedly, in this test or a later one; up to {2 * BATCH} tests have no other report"
    return pytest.TestReport(nodeid, (nodeid, None, nodeid), {}, "failed", words, "call")


class Process:
    """A process that runs tests, and the pipe from it."""

    def __init__(self, session: pytest.Session, name: str, divided: list[range], waiting: int) -> None:
        fork = get_context("fork")
        self.pipe, sender = fork.Pipe(duplex=False)
        self._process = fork.Process(target=_run, args=(session, name, divided, waiting, sender))
        self._process.start()
        sender.close()
        # The first test of the batch that runs; "" after the last batch.
        self._begun = "start"
        self.is_open = True

    def receive(self) -> list[Any]:
        """Return reports, a failed one if the process ended without sending its last ones, or [] before they come."""
        try:
            received = pickle.loads(self.pipe.recv_bytes())
        except EOFError:
            self.end()
            return [_crash(self._begun)] if self._begun else []
        if isinstance(received, str):
            self._begun = received
            return []
        return list(received)

    def end(self) -> None:
        """Take no more reports, and wait for the end."""
        self.is_open = False
        self.pipe.close()
        self._process.join()


def run(session: pytest.Session, count: int) -> None:
    """Run all collected tests in `count` processes, and report them here, until --exitfirst or the like ends it."""
    hook = session.config.hook
    divided = batches([item.path for item in session.items])
    # The numbers of all batches fit into the buffer of a pipe, from which each process reads the next one.
    waiting, numbers = os.pipe()
    os.write(numbers, b"".join(map(_NUMBER.pack, range(len(divided)))))
    os.close(numbers)
    session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    processes = [Process(session, f"process{number}", divided, waiting) for number in range(count)]
    try:
        while pipes := {process.pipe: process for process in processes if process.is_open}:
            ready = connection.wait(list(pipes))
            for process in [process for pipe, process in pipes.items() if pipe in ready]:
                for report in process.receive():
                    if isinstance(report, dict):
                        report = hook.pytest_report_from_serializable(config=session.config, data=report)
                    hook.pytest_runtest_logreport(report=report)
                    if session.shouldfail:
                        raise session.Failed(session.shouldfail)
    finally:
        # After an error no batch is begun any more.
        os.read(waiting, _NUMBER.size * len(divided))
        os.close(waiting)
        for process in processes:
            if process.is_open:
                process.end()
