"""Shared by all makers: the numbers that they plant, the registry, and running a command."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

SSN = "219-09-9999"
CARD = "4111 1111 1111 1111"
IBAN = "GB82 WEST 1234 5698 7654 32"
LINES = (f"Social security number {SSN}", f"Credit card {CARD}", f"IBAN {IBAN}")
ROWS = (("name", "ssn", "card", "iban"), ("Anna", SSN, CARD, IBAN))
FILLER = [f"Line {number} of an ordinary report about the weather" for number in range(40)]

Maker = Callable[[], bytes]
MAKERS: dict[str, Maker] = {}


class MissingError(Exception):
    """The program is not installed on this machine."""


def maker(*names: str) -> Callable[[Callable[[str], bytes]], Callable[[str], bytes]]:
    """Register a function that makes one file for each name; it gets the name as its argument."""

    def register(function: Callable[[str], bytes]) -> Callable[[str], bytes]:
        for name in names:
            MAKERS[name] = partial(function, name)
        return function

    return register


def run(command: list[str], files: dict[str, bytes], result: str, given: bytes = b"") -> bytes:
    """Run a command among `files` and return the file or, for "-", the output that it wrote."""
    if shutil.which(command[0]) is None:
        raise MissingError(command[0])
    with tempfile.TemporaryDirectory(prefix="holdgate-programs.") as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        done = subprocess.run(command, cwd=folder, input=given, capture_output=True, timeout=120, check=False)
        if done.returncode:
            raise MissingError(f"{command[0]}: {done.stderr.decode('utf-8', 'replace').strip()[-200:]}")
        return done.stdout if result == "-" else Path(folder, result).read_bytes()
