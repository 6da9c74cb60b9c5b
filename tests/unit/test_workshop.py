"""An object that takes long to make is made once in a test run, and removed with the last process that uses it."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.workshop import NotMadeError, once, shared

PROGRAM = """
import sys
from pathlib import Path
from tests.support.workshop import once, shared

def make():
    with Path(sys.argv[2]).open("a") as count:
        count.write("made\\n")
    (directory / "result").write_text("complete")

for _ in range(20):
    with shared(sys.argv[1]) as directory:
        once(directory, "result", make)
        assert (directory / "result").read_text() == "complete"
        if sys.argv[3:] == ["wait"]:
            print("waiting", flush=True)
            sys.stdin.read()
            break
"""


def start(run: str, count: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, run, str(count), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )


def test_the_processes_of_a_run_share_an_object_made_once(tmp_path: Path) -> None:
    run, count = secrets.token_hex(16), tmp_path / "count"
    first = start(run, count, "wait")
    assert first.stdout is not None
    assert first.stdout.readline() == "waiting\n"
    others = [start(run, count) for _ in range(3)]
    assert [one.wait() for one in others] == [0, 0, 0]
    assert count.read_text().splitlines() == ["made"]
    with shared(run) as directory:
        assert (directory / "result").exists()
    first.communicate()
    assert first.returncode == 0
    assert not directory.exists()


def test_a_directory_that_another_process_removes_is_created_again(tmp_path: Path) -> None:
    run, count = secrets.token_hex(16), tmp_path / "count"
    processes = [start(run, count) for _ in range(4)]
    assert [one.wait() for one in processes] == [0, 0, 0, 0]
    with shared(run) as directory:
        assert list(directory.iterdir()) == []
    assert not directory.exists()


def test_another_run_has_another_directory() -> None:
    with shared(secrets.token_hex(16)) as one, shared(secrets.token_hex(16)) as two:
        assert one != two


def test_an_object_that_could_not_be_made_is_not_retried(tmp_path: Path) -> None:
    def fail() -> None:
        tried.append("result")
        raise OSError("the disk is full")

    tried: list[str] = []
    with pytest.raises(OSError, match="the disk is full"):
        once(tmp_path, "result", fail)
    with pytest.raises(NotMadeError, match="result: the disk is full"):
        once(tmp_path, "result", fail)
    once(tmp_path, "other", lambda: tried.append("other"))
    once(tmp_path, "other", fail)
    assert tried == ["result", "other"]
