"""Measures which share of the changed lines the tests reach: .ci/run fails below a minimum.

A plugin of pytest (`-p testbed.covering`) measures only the modules that changed, in the processes of pytest: daemons
in other processes do not count. Afterwards `python -m testbed.covering` prints the share and the lines that no test
reaches, and exits with 1 below `[coverage:report] fail_under` of setup.cfg.

Changes are relative to HOLDGATE_BASE, else to the commit at which this branch left the main one, else to the last
release, else to the previous commit. Without any of these (a clone of one commit) nothing is measured, and this is
printed.
"""

import os
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "milter/holdgate"
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


def measured(files: list[Path]) -> coverage.Coverage:
    """Return a measurement of some files, with the settings in setup.cfg."""
    return coverage.Coverage(config_file=str(ROOT / "setup.cfg"), include=[str(file) for file in files])


_STARTED = pytest.StashKey[coverage.Coverage]()


def pytest_configure(config: pytest.Config) -> None:
    """Start measuring, in each process of pytest-xdist."""
    files = [ROOT / name for name in changed()]
    if files:
        config.stash[_STARTED] = measured(files)
        config.stash[_STARTED].start()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Write the measurement to a file of this process."""
    if started := config.stash.get(_STARTED, None):
        started.stop()
        started.save()


def main() -> int:
    """Print the share of the changed lines that tests reach; return 1 if it is below the minimum."""
    lines = changed()
    if not lines:
        print("changed lines: none to compare, or no commit to compare with")
        return 0
    data = measured([ROOT / name for name in lines])
    data.combine()
    minimum = int(data.get_option("report:fail_under") or 0)  # type: ignore[arg-type]
    total, missed = 0, []
    for name, numbers in sorted(lines.items()):
        _, statements, _, missing, _ = data.analysis2(str(ROOT / name))
        total += len(numbers & set(statements))
        missed += [f"{name}:{number}" for number in sorted(numbers & set(missing))]
    data.erase()
    share = 100 * (total - len(missed)) // total if total else 100
    print("\n".join(missed))
    print(
        f"changed lines since {base()[:12]}: {total - len(missed)} of {total} reached: {share} % (minimum {minimum} %)"
    )
    return 1 if share < minimum and len(missed) > FEW else 0


if __name__ == "__main__":
    sys.exit(main())
