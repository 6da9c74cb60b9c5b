"""Tries changes of the code: for each, a separate process runs the tests that reach the changed line.

script/mutate starts it inside a copy of the checkout, which it changes. It reads the changes as JSON from standard
input, and prints one answer per line: whether the tests noticed.

    {"tests": ["tests/unit/gate"], "options": ["-m", "not slow"],
     "changes": [{"path": "milter/…", "line": 1, "text": "…"}]}

`text` is the complete file with the change.
"""

import contextlib
import json
import math
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Collection, Generator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import coverage
import pytest

# A change that makes the tests run for ever is noticed too: after this many seconds, and this many times the duration
# of the chosen tests without a change, on this machine.
_TIMEOUT, _TIMES = 30.0, 5
_TOO_LONG = 124
_REACHED = ".coverage-mutants"
_DURATIONS = "durations-mutants.json"
# Unchanged modules that are slow to import: each process begins with them loaded.
_PRELOADED = (
    *("Milter", "PIL.Image", "_pytest", "ahocorasick", "aiosmtpd.lmtp", "alembic.command", "hypothesis", "jinja2"),
    *("phonenumbers", "prometheus_client", "pydantic", "re2", "sqlalchemy.dialects.sqlite"),
)


class Reach:
    """Which of `tests` reach which line."""

    def __init__(self, data: coverage.CoverageData, tests: Collection[str]) -> None:
        self._files = {Path(name): data.contexts_by_lineno(name) for name in data.measured_files()}
        self._tests = frozenset(tests)

    def of(self, path: Path, line: int) -> list[str]:
        """Return the tests that reach a line; for one that runs at import, those that reach any line of its file.

        A line that a fixture of a module or class runs is reached by all the tests there. None if no test reaches it
        in its own process: a child process of any of them may reach it.
        """
        lines = self._files.get(path, {})
        reached = set(lines.get(line, ()))
        if not reached - {""}:
            reached = {one for contexts in lines.values() for one in contexts} if reached else set()
        modules = tuple(f"{one}::" for one in reached - self._tests - {""})
        return sorted(one for one in self._tests if one in reached or one.startswith(modules))


class _Contexts:
    """Tells coverage which test, or fixture for several tests, runs, and measures the seconds of each test."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self._measured = measured
        self._test = ""
        self.durations: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._switch(item.nodeid)
        begin = time.monotonic()
        outcome = yield
        self.durations[item.nodeid] = time.monotonic() - begin
        self._switch("")
        return outcome

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """What a fixture of a module runs once, all tests of the module look at, not only the first."""
        if fixturedef.scope not in ("module", "class"):
            return (yield)
        before = self._test
        self._switch(request.node.nodeid)
        try:
            return (yield)
        finally:
            self._switch(before)

    def _switch(self, context: str) -> None:
        self._test = context
        self._measured.switch_context(context)


class _Chosen:
    """Runs some of the collected tests: those of the module's own file first, short files before long ones."""

    def __init__(self, chosen: Sequence[str], module: str, durations: Mapping[str, float]) -> None:
        self._chosen = frozenset(chosen)
        self._module = module
        self._durations = durations

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if not self._chosen or item.nodeid in self._chosen]
        files: defaultdict[str, float] = defaultdict(float)
        for item in items:
            files[str(item.path)] += self._durations.get(item.nodeid, 0.0)
        items.sort(key=lambda item: (self._module not in item.path.stem, files[str(item.path)], item.path))


def _pytest(arguments: Sequence[str], plugin: Any) -> int:
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments], plugins=[plugin]))


def _measure(arguments: Sequence[str]) -> int:
    measured = coverage.Coverage(
        data_file=_REACHED, config_file=False, branch=False, source=["milter/holdgate"], messages=False
    )
    measured.start()
    contexts = _Contexts(measured)
    code = _pytest(arguments, contexts)
    measured.stop()
    measured.save()
    Path(_DURATIONS).write_text(json.dumps(contexts.durations), encoding="utf-8")
    return code


def _in_child(limit: float, work: Any, *arguments: Any) -> int:
    """Run `work` in a process without output; return its exit status, 124 if it takes more than `limit` seconds."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silence, descriptor)
        try:
            os._exit(work(*arguments))
        finally:
            os._exit(1)
    deadline = time.monotonic() + limit
    done = status = 0
    while not done and time.monotonic() < deadline:
        time.sleep(0.02)
        done, status = os.waitpid(child, os.WNOHANG)
    # Processes that a failed test did not stop are killed too.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if not done:
        os.waitpid(child, 0)
        return _TOO_LONG
    return os.waitstatus_to_exitcode(status)


def main() -> int:
    """Answer the requests; return 2 if the tests fail without any change."""
    asked = json.load(sys.stdin)
    for name in _PRELOADED:
        import_module(name)
    # The caller may measure coverage with a plugin: two measurements in one process do not work.
    os.environ.pop("PYTEST_ADDOPTS", None)
    if _in_child(math.inf, _measure, [*asked["options"], *asked["tests"]]):
        return 2
    durations: dict[str, float] = json.loads(Path(_DURATIONS).read_text(encoding="utf-8"))
    sys.dont_write_bytecode = True
    data = coverage.CoverageData(_REACHED)
    data.read()
    if not data.measured_files():
        raise RuntimeError(f"{_REACHED} says nothing: which tests reach a line is not known")
    reach = Reach(data, durations)
    for change in asked["changes"]:
        path = Path(change["path"]).absolute()
        reached = reach.of(path, change["line"])
        files = sorted({test.split("::")[0] for test in reached}) or asked["tests"]
        before, times = path.read_text(encoding="utf-8"), path.stat()
        path.write_text(change["text"], encoding="utf-8")
        limit = _TIMEOUT + _TIMES * sum(durations.get(test, 0.0) for test in reached or durations)
        code = _in_child(limit, _pytest, [*asked["options"], *files], _Chosen(reached, path.stem, durations))
        path.write_text(before, encoding="utf-8")
        # Compiled files are valid by the source file's time.
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        noticed = code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        print(json.dumps({"noticed": noticed, "tests": len(reached)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
