"""Measures which share of the changed lines the tests reach: .ci/run fails below a minimum.

A plugin of pytest (`-p testbed.covering`) measures only the modules that changed, in the processes of pytest: daemons
in other processes do not count. Afterwards `python -m testbed.covering` prints the share and the lines that no test
reaches, and exits with 1 below MINIMUM.

slipcover writes a probe into each line of these modules, so all others run as they do without it. The tracer of
coverage (7.17, before Python 3.12) is called for each line of every module: it doubles the processor time of the tests.

Changes are relative to HOLDGATE_BASE, else to the commit at which this branch left the main one, else to the last
release, else to the previous commit. Without any of these (a clone of one commit) nothing is measured, and this is
printed.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import pytest
from slipcover import Slipcover
from slipcover.importer import SlipcoverMetaPathFinder

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "milter/holdgate"
# Percent of the changed lines that tests have to reach in .ci/run.
MINIMUM = 80
# With so few lines, a share is meaningless.
FEW = 5
_FILE = re.compile(r'^\+\+\+ "?b/(.*?)"?\t?$')
_HUNK = re.compile(r"^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def git(root: Path, *arguments: str) -> str:
    """Return Git's output, "" if it fails: without Git, without a repository, without that commit."""
    command = ["git", "-c", f"safe.directory={root}", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def base(root: Path = ROOT) -> str:
    """Return the commit to compare with, "" if there is none."""
    if given := os.environ.get("HOLDGATE_BASE"):
        return git(root, "rev-parse", "--verify", "--quiet", f"{given}^{{commit}}")
    head = git(root, "rev-parse", "HEAD")
    candidates = (
        git(root, "merge-base", "HEAD", "refs/remotes/origin/HEAD"),
        git(root, "rev-list", "-n", "1", git(root, "describe", "--tags", "--abbrev=0", "--match", "v*") or "HEAD"),
        git(root, "rev-parse", "--verify", "--quiet", "HEAD^"),
    )
    return next((one for one in candidates if one and one != head), "")


def changed_lines(diff: str) -> dict[str, set[int]]:
    """Return the new lines of each file, from the output of `git diff --unified=0`."""
    lines: dict[str, set[int]] = {}
    path, rest = "", iter(diff.splitlines())
    for line in rest:
        if found := _FILE.match(line):
            path = found[1]
        elif line.startswith("+++ "):  # /dev/null: the file was deleted
            path = ""
        elif hunk := _HUNK.match(line):
            gone, first, new = int(hunk[1] or 1), int(hunk[2]), int(hunk[3] or 1)
            lines.setdefault(path, set()).update(range(first, first + new))
            # The following lines can look like a header.
            next(islice(rest, gone + new, gone + new), None)
    return {name: found for name, found in lines.items() if found and name.endswith(".py")}


def changed(root: Path = ROOT) -> dict[str, set[int]]:
    """Return the changed lines of the package, including uncommitted ones."""
    compared = base(root)
    if not compared:
        return {}
    return changed_lines(git(root, "diff", "--unified=0", "--no-color", "--no-ext-diff", compared, "--", PACKAGE))


class _Modules:
    """What slipcover asks about each module that is imported: whether it is measured."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = {str(file) for file in files}

    def matches(self, file: Path | str | None) -> bool:
        return str(file) in self._files


def _slipcover() -> Slipcover:
    # Probes stay where they are: slipcover would otherwise replace the code of functions while threads run it.
    return Slipcover(d_miss_threshold=-1)


_RECORD = ".covered"
_STARTED = pytest.StashKey[Slipcover]()


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start measuring, in each process of pytest-xdist, before the first of these modules is imported."""
    files = [ROOT / name for name in changed(ROOT)]
    if files:
        early_config.stash[_STARTED] = _slipcover()
        sys.meta_path.insert(0, SlipcoverMetaPathFinder(early_config.stash[_STARTED], _Modules(files)))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Write the lines that this process reached to a separate file."""
    if started := config.stash.get(_STARTED, None):
        reached = {
            str(Path(name).resolve().relative_to(ROOT)): found["executed_lines"]
            for name, found in started.get_coverage()["files"].items()
        }
        (ROOT / f"{_RECORD}.{os.getpid()}").write_text(json.dumps(reached), encoding="utf-8")


def statements(path: Path) -> set[int]:
    """Return the lines of a module that a test can reach."""
    reader = _slipcover()
    reader.instrument(compile(path.read_bytes(), str(path), "exec"))
    return {line for found in reader.get_coverage()["files"].values() for line in found["missing_lines"]}


def reached(root: Path) -> dict[str, set[int]]:
    """Return the lines of each module that any process reached, and remove the records."""
    lines: dict[str, set[int]] = {}
    for record in root.glob(f"{_RECORD}.*"):
        for name, found in json.loads(record.read_text(encoding="utf-8")).items():
            lines.setdefault(name, set()).update(found)
        record.unlink()
    return lines


def main() -> int:
    """Print the share of the changed lines that tests reach; return 1 if it is below the minimum."""
    lines = changed(ROOT)
    if not lines:
        print("changed lines: none to compare, or no commit to compare with")
        return 0
    covered = reached(ROOT)
    total, missed = 0, []
    for name, numbers in sorted(lines.items()):
        counted = numbers & statements(ROOT / name)
        total += len(counted)
        missed += [f"{name}:{number}" for number in sorted(counted - covered.get(name, set()))]
    share = 100 * (total - len(missed)) // total if total else 100
    print("\n".join(missed))
    share_reached = f"{total - len(missed)} of {total} reached: {share} % (minimum {MINIMUM} %)"
    print(f"changed lines since {base(ROOT)[:12]}: {share_reached}")
    return 1 if share < MINIMUM and len(missed) > FEW else 0


if __name__ == "__main__":
    sys.exit(main())
