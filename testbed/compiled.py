"""The code as the package ships it: with the modules in which a text is searched compiled to C (see setup.py)."""

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def build(directory: Path) -> None:
    """Build it below `directory`, unless that was built from these very sources. Takes a minute of one core.

    Raises subprocess.CalledProcessError, with what the compiler said as its `output`.
    """
    sources = [_ROOT / "setup.py", *(_ROOT / "milter").rglob("*.py")]
    built = directory / "built"
    newest = max(source.stat().st_mtime for source in sources)
    if built.exists() and built.stat().st_mtime > newest:
        return
    command = [sys.executable, "setup.py", "--quiet", "build", "--force"]
    subprocess.run(
        [*command, "--build-base", directory / "work", "--build-lib", directory / "lib"],
        cwd=_ROOT,
        env=os.environ | {"HOLDGATE_COMPILE": "1"},
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    built.touch()


def library(directory: Path) -> Path:
    """Return where the modules are that were built below `directory`: what to put on PYTHONPATH."""
    return directory / "lib"
