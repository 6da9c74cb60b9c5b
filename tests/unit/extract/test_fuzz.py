"""A short, seeded run of the fuzz driver; script/fuzz runs longer ones."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
def test_a_short_run_finds_nothing() -> None:
    run = subprocess.run(
        [sys.executable, ROOT / "script" / "fuzz", "extract", "--rounds", "4", "--seed", "20261123"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert " 0 findings" in run.stdout
