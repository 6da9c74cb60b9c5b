"""Writes the files: `python -m benchmarks.programs.make FOLDER`, with the packages of programs.txt."""

import sys
from pathlib import Path

from benchmarks.programs import drawings, office, packed, tables
from benchmarks.programs.making import MAKERS, MissingError


def main(arguments: list[str]) -> int:
    """Write each file that a program on this machine can make; list the others."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
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
    return 0


MODULES = (drawings, tables, packed, office)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
