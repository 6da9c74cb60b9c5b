"""The code as the package ships it: the modules that search text are compiled to C (see setup.py)."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def build(directory: Path, optimize: int = 3) -> None:
    """Build it below `directory`, unless it was already built from these sources by this Python. Takes a minute.

    `optimize` is the level of the C compiler: 3 as in the package, 0 where the time of the build counts more.

    Raises subprocess.CalledProcessError with the compiler's messages as its `output`.
    """
    sources = f"{_digest()} -O{optimize}"
    built = directory / "built"
    if built.exists() and built.read_text() == sources:
        return
    built.unlink(missing_ok=True)
    # A module that was removed would otherwise stay, and be imported.
    shutil.rmtree(library(directory), ignore_errors=True)
    command = [sys.executable, "setup.py", "--quiet", "build", "--force"]
    subprocess.run(
        [*command, "--build-base", directory / "work", "--build-lib", library(directory)],
        cwd=_ROOT,
        env=os.environ | {"HOLDGATE_COMPILE": "1", "HOLDGATE_OPTIMIZE": str(optimize)},
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    built.write_text(sources)


def _digest() -> str:
    """Return a hash of all files that the build reads, names and contents, and of the Python that runs it."""
    read = [_ROOT / "setup.py", _ROOT / "setup.cfg", *sorted((_ROOT / "milter" / "holdgate").rglob("*"))]
    whole = hashlib.sha256(sys.version.encode())
    for path in read:
        if path.is_file() and path.suffix != ".pyc":
            whole.update(f"\0{path}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def library(directory: Path) -> Path:
    """Return the directory of the modules that were built below `directory`, for PYTHONPATH."""
    return directory / "lib"
