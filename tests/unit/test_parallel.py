"""Tests that run in several forked processes are reported as in one."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.parallel import batches

ROOT = Path(__file__).parents[2]
CONFTEST = """
import pytest
from tests.support import parallel

def pytest_addoption(parser):
    parser.addoption("--processes", type=int)

def pytest_runtestloop(session):
    parallel.run(session, session.config.getoption("processes"))
    return True

@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    path = tmp_path_factory.mktemp("opened") / "file"
    path.touch()
    yield path
    path.unlink()
"""
TWO_FILES = {
    "test_one.py": """
import pytest

@pytest.mark.parametrize("number", range(60))
def test_some(number, opened, tmp_path):
    print("was tried:", number)
    assert opened.exists() and tmp_path.is_dir()
    assert number != 31
""",
    "test_two.py": """
import pytest

@pytest.fixture
def broken():
    yield
    raise ValueError("after the test")

def test_teardown(broken):
    pass

@pytest.mark.skip(reason="not here")
def test_left_out():
    pass
""",
}


def run(directory: Path, files: dict[str, str], *options: str) -> str:
    for name, text in ({"conftest.py": CONFTEST, "pytest.ini": "[pytest]"} | files).items():
        (directory / name).write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "-p", "no:schemathesis", *options],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr


@given(st.lists(st.sampled_from("abc"), max_size=40), st.integers(1, 5))
def test_a_batch_has_tests_of_one_file_in_their_order(files: list[str], most: int) -> None:
    found = batches(files, most)

    assert [index for batch in found for index in batch] == list(range(len(files)))
    assert all(0 < len(batch) <= most and len({files[index] for index in batch}) == 1 for batch in found)
    for before, after in pairwise(found):
        assert files[before.start] != files[after.start] or len(before) == most


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3])
def test_each_result_is_reported_once(tmp_path: Path, count: int) -> None:
    output = run(tmp_path, TWO_FILES, f"--processes={count}")

    assert "1 failed, 60 passed, 1 skipped, 1 error" in output
    assert "FAILED test_one.py::test_some[31]" in output
    assert "was tried: 31" in output
    assert "ERROR test_two.py::test_teardown - ValueError: after the test" in output


@pytest.mark.slow
def test_a_process_that_ends_early_fails_the_run(tmp_path: Path) -> None:
    ending = "import os\n\ndef test_first():\n    pass\n\ndef test_end():\n    os._exit(0)\n"

    output = run(tmp_path, TWO_FILES | {"test_three.py": ending}, "--processes=2")

    assert "FAILED test_three.py::test_first - a process ended unexpectedly" in output
    assert "FAILED test_one.py::test_some[31]" in output


@pytest.mark.slow
def test_a_first_failure_ends_the_run_on_request(tmp_path: Path) -> None:
    many = {f"test_{number:03}.py": "def test_it():\n    assert False\n" for number in range(50)}

    output = run(tmp_path, many, "--processes=2", "--exitfirst")

    assert "stopping after 1 failures" in output
    assert "1 failed in" in output
    assert "Traceback" not in output
