"""Writes the files: `python -m benchmarks.programs.make FOLDER`, with the packages of programs.txt and of Debian.

A program or package that is missing leaves out its files. The versions of all others are printed.
"""

import importlib
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from benchmarks.programs import debian
from benchmarks.programs.making import MAKERS, MissingError

MODULES = ("drawings", "tables", "packed", "office", "debian")


def main(arguments: list[str]) -> int:
    """Write each file that a program on this machine can make; name the others."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for module in MODULES:
        try:
            importlib.import_module(f"benchmarks.programs.{module}")
        except ModuleNotFoundError as error:
            print(f"left out: the files of benchmarks/programs/{module}.py: no package {error.name}")
    missing = 0
    for name, make in MAKERS.items():
        try:
            (folder / name).write_bytes(make())
        except MissingError as error:
            print(f"left out: {name}: {error}")
            missing += 1
        except Exception as error:  # a program that is too old or too new for one file makes the others
            print(f"left out: {name}: {type(error).__name__}: {error}")
            missing += 1
    print(f"{len(MAKERS) - missing} files in {folder}; {missing} left out")
    print("made with " + ", ".join(versions()))
    return 0


def versions() -> list[str]:
    """Return the programs that are installed, with their versions: packages of Python, then of Debian."""
    listed = Path(__file__).with_name("programs.txt").read_text("ascii").split()
    found = []
    for name in (re.split("[=<>]", line)[0] for line in listed):
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    packages = [package for command, package in debian.PACKAGES.items() if shutil.which(command)]
    if shutil.which("dpkg-query"):
        form = "${Package} ${Version}\n"
        query = ["dpkg-query", "--show", f"--showformat={form}", *packages]
        found += subprocess.run(query, capture_output=True, text=True, check=False).stdout.split("\n")
    # dpkg names a package without a version if it knows it and another one has the command.
    return [one for one in found if len(one.split()) == 2]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
