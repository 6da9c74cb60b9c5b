"""Which lines changed, and since when: .ci/run compares them with the lines that tests reach."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from testbed import covering

DIFF = """diff --git a/milter/holdgate/a.py b/milter/holdgate/a.py
--- a/milter/holdgate/a.py
+++ b/milter/holdgate/a.py
@@ -3 +3,2 @@ def f():
+x
+++ y
@@ -9,2 +10,0 @@
-x
-y
@@ -20,0 +19 @@
+z
diff --git a/milter/holdgate/gone.py b/milter/holdgate/gone.py
--- a/milter/holdgate/gone.py
+++ /dev/null
@@ -1 +0,0 @@
-x
--- /dev/null
+++ b/milter/holdgate/style.css
@@ -0,0 +1 @@
+x
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("HOLDGATE_BASE", raising=False)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Anna")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "anna@corp.example")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    return tmp_path


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", root, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(root: Path, text: str) -> str:
    path = root / covering.PACKAGE / "a.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "x")
    return git(root, "rev-parse", "HEAD")


def test_only_new_lines_of_modules_count() -> None:
    assert covering.changed_lines(DIFF) == {"milter/holdgate/a.py": {3, 4, 19}}


def test_no_base_is_found_without_a_repository_or_a_second_commit(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert covering.base(tmp_path_factory.mktemp("none")) == ""
    commit(repository, "one\n")
    assert covering.base(repository) == ""
    assert covering.changed(repository) == {}


def test_the_base_is_the_parent_then_the_release_then_the_main_branch(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = commit(repository, "one\n"), commit(repository, "one\ntwo\n")
    third = commit(repository, "one\ntwo\nthree\n")
    (repository / covering.PACKAGE / "a.py").write_text("one\ntwo\nthree\nfour\n")
    assert covering.base(repository) == second
    assert covering.changed(repository) == {"milter/holdgate/a.py": {3, 4}}
    git(repository, "tag", "v1.0.0", first)
    assert covering.base(repository) == first
    git(repository, "update-ref", "refs/remotes/origin/main", second)
    git(repository, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    assert covering.base(repository) == second
    # On the main branch itself, the last release.
    git(repository, "update-ref", "refs/remotes/origin/main", third)
    assert covering.base(repository) == first
    monkeypatch.setenv("HOLDGATE_BASE", "HEAD~1")
    assert covering.base(repository) == second
    monkeypatch.setenv("HOLDGATE_BASE", "nowhere")
    assert covering.base(repository) == ""


MODULE = '''"""A module."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import json


def double(
    number: int,
) -> int:
    """Double it."""
    if number < 0:
        return 2 * number
    return number + number
'''


def test_a_line_counts_if_a_test_can_reach_it(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(MODULE)
    lines = {number: MODULE.splitlines()[number - 1] for number in covering.statements(path)}
    assert set(lines.values()) >= {"    if number < 0:", "        return 2 * number", "    return number + number"}
    assert not set(lines.values()) & {"    import json", '    """Double it."""', ") -> int:", ""}


def test_lines_that_any_process_reached_count_once(tmp_path: Path) -> None:
    for process, lines in (("1", {"a.py": [1, 3]}), ("2", {"a.py": [3, 4], "b.py": [7]}), ("3", {})):
        (tmp_path / f".covered.{process}").write_text(json.dumps(lines))
    assert covering.reached(tmp_path) == {"a.py": {1, 3, 4}, "b.py": {7}}
    assert covering.reached(tmp_path) == {}


@pytest.mark.slow(seconds=3)
@pytest.mark.parametrize(("tried", "share", "missing"), [(range(-1, 9), 100, 0), ([1], 52, 8)], ids=["all", "some"])
def test_the_report_names_the_lines_that_no_test_reached(
    repository: Path, tried: Iterable[int], share: int, missing: int
) -> None:
    commit(repository, "one = 1\n")
    branches = "".join(f"    if number == {number}:\n        return {number}\n" for number in range(2, 9))
    commit(repository, f"def same(number):\n    if number < 0:\n        return number\n{branches}")
    (repository / covering.PACKAGE / "__init__.py").touch()
    # The plugin measures the checkout that it is in.
    (repository / "testbed").mkdir()
    shutil.copy(covering.__file__, repository / "testbed")
    (repository / "test_a.py").write_text(
        f"import pytest\nfrom holdgate.a import same\n\n\n@pytest.mark.parametrize('number', {list(tried)})\n"
        "def test_it(number):\n    same(number)\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "HOLDGATE_"))}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=repository,
            env=kept | {"PYTHONPATH": ".:milter"},
            capture_output=True,
            text=True,
            check=False,
        )

    tests = run("pytest", "-q", "-n", "2", "-p", "testbed.covering", "-p", "no:cacheprovider", "test_a.py")
    assert tests.returncode == 0, tests.stdout + tests.stderr
    report = run("testbed.covering")
    assert (report.returncode, report.stderr) == (1 if missing else 0, "")
    assert f"reached: {share} % (minimum 80 %)" in report.stdout
    named = [line for line in report.stdout.splitlines() if line.startswith("milter/holdgate/a.py:")]
    assert len(named) == missing
    assert not list(repository.glob(".covered*"))
