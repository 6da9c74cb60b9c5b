"""Which lines changed, and since when: .ci/run compares them with the lines that tests reach."""

import subprocess
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


def test_new_lines_of_modules_count_and_no_others() -> None:
    assert covering.changed_lines(DIFF) == {"milter/holdgate/a.py": {3, 4, 19}}


def test_without_a_repository_or_a_second_commit_there_is_nothing_to_compare_with(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert covering.base(tmp_path_factory.mktemp("none")) == ""
    commit(repository, "one\n")
    assert covering.base(repository) == ""
    assert covering.changed(repository) == {}


def test_it_is_compared_with_the_commit_before_then_the_release_then_the_main_branch(
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
