"""The compiled modules of the package behave as their source: all tests of detection and reading run again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from testbed import compiled

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.compiled, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that runs the compiled engine."""
    directory = tmp_path_factory.mktemp("compiled")
    # Most of the build would be the compiler's optimization, which is not what is tested here.
    compiled.build(directory, optimize=0)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return kept | {"PYTHONPATH": str(compiled.library(directory))}


def test_the_engine_is_compiled(environment: dict[str, str]) -> None:
    program = (
        "from holdgate.detect import keywords, scoring; from holdgate.extract.readers.texts import xml_scan;"
        "print(scoring.__file__, keywords.__file__, xml_scan.__file__)"
    )
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert [Path(name).suffix for name in run.stdout.split()] == [".so", ".so", ".so"]


@pytest.mark.parametrize(
    "tests", [["tests/unit/detect", "tests/rules"], ["tests/unit/extract"]], ids=["detect", "extract"]
)
def test_the_compiled_engine_passes_the_tests_of(tests: list[str], environment: dict[str, str], tmp_path: Path) -> None:
    options = ["-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'tests'}"]
    paths = ["-o", f"pythonpath={environment['PYTHONPATH']} ."]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *paths, *tests],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:]
