"""The scripts in Python run in the checkout's virtual environment, or say in one sentence that there is none."""

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
    command = [SYSTEM_PYTHON, "-B", script, "some", "words"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_without_a_virtual_environment_it_says_so(script: Path, tmp_path: Path) -> None:
    done = run(script)
    assert done.returncode == 1
    assert done.stderr == f"{script.name}: there is no virtual environment {tmp_path}/.venv: script/test makes it\n"


def test_it_runs_in_the_virtual_environment_with_its_arguments(script: Path, tmp_path: Path) -> None:
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    done = run(script)
    assert (done.returncode, done.stdout) == (0, f"{script} some words\n")
