"""The Python scripts run in the checkout's virtual environment, and a copy of the sources has only sources."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SYSTEM_PYTHON = Path(sys.base_prefix) / "bin/python3"


@pytest.fixture(params=["bench", "fuzz"])
def script(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "script", tmp_path / "script", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "script" / str(request.param)


def run(script: Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [SYSTEM_PYTHON, "-B", script, "some", "words"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_missing_virtual_environment_is_reported(script: Path, tmp_path: Path) -> None:
    done = run(script)
    assert done.returncode == 1
    assert done.stderr == f"{script.name}: there is no virtual environment {tmp_path}/.venv: script/test makes it\n"


def test_a_script_runs_in_the_virtual_environment_with_its_arguments(script: Path, tmp_path: Path) -> None:
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    done = run(script)
    assert (done.returncode, done.stdout) == (0, f"{script} some words\n")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout with files that tools leave in one, and a note that is not added to Git."""
    shutil.copytree(ROOT / "script", tmp_path / "script", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".gitignore", tmp_path)
    names = ["docs/index.md", "milter/holdgate/a name.py", "build.md", "docs/dist/kept.md", "docs/note.md"]
    left = [".venv/bin/python", "build/lib/a.py", "dist/a.deb", "milter/holdgate.egg-info/PKG-INFO", ".coverage"]
    left += ["milter/holdgate/__pycache__/a.pyc", ".hypothesis/x", "tests/.hypothesis/x", ".ruff_cache/x"]
    for name in names + left:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return tmp_path


def sources(checkout: Path, target: Path) -> set[str]:
    target.mkdir()
    done = subprocess.run([checkout / "script/sources", target], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    names = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    return {name for name in names if not name.startswith("script/")}


TRACKED = {".gitignore", "docs/index.md", "milter/holdgate/a name.py", "build.md", "docs/dist/kept.md"}


def test_the_sources_of_a_clone_are_its_tracked_files(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    for command in (["init", "--quiet"], ["add", "--", "script", *TRACKED]):
        subprocess.run(["git", "-C", checkout, *command], check=True)
    (checkout / "docs/index.md").write_text("changed")
    target = tmp_path_factory.mktemp("sources") / "tree"
    assert sources(checkout, target) == TRACKED
    assert (target / "docs/index.md").read_text() == "changed"


@pytest.mark.parametrize("broken", [False, True])
def test_the_sources_without_git_are_all_files_except_ignored_ones(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory, broken: bool
) -> None:
    if broken:
        # As in a container that sees a worktree, but not the repository it belongs to.
        (checkout / ".git").write_text("gitdir: /nowhere\n")
    target = tmp_path_factory.mktemp("sources") / "tree"
    assert sources(checkout, target) == TRACKED | {"docs/note.md"}


def test_script_walk_shows_its_usage_and_refuses_a_missing_file(tmp_path: Path) -> None:
    walk: list[str | Path] = [sys.executable, ROOT / "script/walk"]
    done = subprocess.run([*walk, "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--readme" in done.stdout
    done = subprocess.run([*walk, tmp_path / "absent.deb"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"there is no file {tmp_path}/absent.deb" in done.stderr
