#!/usr/bin/python3
"""Deletes what debian/prune.list names from a directory of Python packages, and strips its libraries of symbols.

    debian/prune.py SITE-PACKAGES

Run by debian/rules. Deleted files are also removed from the RECORD of their library.
"""

import csv
import io
import shutil
import subprocess
import sys
from pathlib import Path


def patterns(text: str) -> list[str]:
    """Return the lines of a list, without comments."""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def prune(root: Path, wanted: list[str]) -> list[str]:
    """Delete what the patterns match below `root`, and return those that match nothing."""
    useless = []
    for pattern in wanted:
        found = [path for path in root.glob(pattern.rstrip("/")) if path.is_dir() == pattern.endswith("/")]
        if not found:
            useless.append(pattern)
        for path in found:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    return useless


def correct_records(root: Path) -> None:
    """Remove from each RECORD the files that no longer exist or have changed."""
    for record in root.glob("*.dist-info/RECORD"):
        rows = list(csv.reader(record.read_text(encoding="utf-8").splitlines()))
        kept = [row for row in rows if (root / row[0]).exists()]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(
            [row[0], "", ""] if row[0].partition(".so")[1] else row for row in kept
        )
        record.write_text(text.getvalue(), encoding="utf-8")


def strip(root: Path) -> None:
    """Strip all libraries of symbols that only debuggers and linkers need."""
    for path in sorted(root.rglob("*.so*")):
        if path.is_file() and not path.is_symlink():
            subprocess.run(["strip", "--strip-unneeded", str(path)], check=True, stderr=subprocess.DEVNULL)


def main() -> None:
    """Delete and strip; print patterns that match nothing."""
    root = Path(sys.argv[1])
    useless = prune(root, patterns(Path(__file__).with_name("prune.list").read_text(encoding="utf-8")))
    if useless:
        sys.exit(f"debian/prune.list: these match nothing, take them out: {', '.join(useless)}")
    strip(root)
    correct_records(root)


if __name__ == "__main__":
    main()
