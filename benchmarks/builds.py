"""Two builds of Holdgate: this checkout's, and that of another revision.

Each runs in a separate process (`benchmarks/child.py`), so a measurement can alternate between them in every round.
Other load on the machine then affects both alike.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from testbed import compiled

ROOT = Path(__file__).resolve().parents[1]
CHILD = Path(__file__).with_name("child.py")
OTHERS = ROOT / "build" / "against"
"""Builds of other revisions, kept: a revision never changes."""


def tree_of(revision: str) -> Path:
    """Return the folder with the files of a revision. Raises subprocess.CalledProcessError if it does not exist."""
    name = subprocess.run(
        ["git", "rev-parse", "--verify", f"{revision}^{{commit}}"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    folder = OTHERS / name
    if not (folder / "setup.py").exists():
        files = subprocess.run(["git", "archive", name], cwd=ROOT, check=True, capture_output=True).stdout
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["tar", "--extract", "--directory", folder], input=files, check=True)
    return folder


def library(tree: Path, source: bool) -> Path:
    """Return the folder to put on PYTHONPATH for a tree: its sources, or its compiled modules."""
    if source:
        return tree / "milter"
    directory = tree / "build" / "compiled"
    if tree == ROOT:
        compiled.build(directory)
    else:
        program = (
            "import sys; from pathlib import Path; from testbed import compiled; compiled.build(Path(sys.argv[1]))"
        )
        environment = os.environ | {"PYTHONPATH": str(tree)}
        subprocess.run([sys.executable, "-c", program, directory], cwd=tree, env=environment, check=True)
    return compiled.library(directory)


class Build:
    """A process that runs one build. Use it in a `with` statement."""

    def __init__(self, tree: Path, source: bool) -> None:
        environment = os.environ | {"PYTHONPATH": str(library(tree, source)), "PYTHONHASHSEED": "0"}
        self._process = subprocess.Popen(
            [sys.executable, CHILD, tree / "rules"],
            cwd=tree,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def ask(self, do: str, path: Path, rounds: int = 1) -> dict[str, Any]:
        """Have the build extract, detect or inspect a file; see `benchmarks/child.py`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"do": do, "path": str(path), "rounds": rounds}), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the build ended while it did {do} with {path}")
        result: dict[str, Any] = json.loads(answer)
        return result
