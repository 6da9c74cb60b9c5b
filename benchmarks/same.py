"""Compares the results of two builds for the same files exactly: text, places, status, signals, matches.

``script/bench same --against REV [PATH …]`` uses the corpora of documents and of mail, and the files of PATH.
No text of a file is printed: a difference is reported by file, part and kind.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import corpora
from benchmarks.builds import ROOT, Build, tree_of


def differences(new: dict[str, Any], old: dict[str, Any]) -> list[str]:
    """Return the differences between the results of two builds for a file."""
    found = [f"{what}: {old[what]} → {new[what]}" for what in ("status", "signals") if new[what] != old[what]]
    if len(new["parts"]) != len(old["parts"]):
        return [*found, f"parts: {len(old['parts'])} → {len(new['parts'])}"]
    for ours, theirs, matches, before in zip(new["parts"], old["parts"], new["findings"], old["findings"], strict=True):
        for index, what in enumerate(("name", "reader", "status", "reason")):
            if ours[index] != theirs[index]:
                found.append(f"{what} of {theirs[0]}: {theirs[index]} → {ours[index]}")
        if ours[4] != theirs[4]:
            lines, earlier = set(ours[4].split("\n")), set(theirs[4].split("\n"))
            found.append(f"text of {theirs[0]}: {len(earlier - lines)} lines lost, {len(lines - earlier)} new")
        elif ours[5] != theirs[5]:
            found.append(f"places of {theirs[0]}")
        if matches != before:
            found.append(f"matches in {theirs[0]}: {len(before[1])} → {len(matches[1])}")
    return found


def _mails(folder: Path) -> Iterator[Path]:
    """Yield the messages of the ham corpus as files; each exists until the next one is requested."""
    with tempfile.TemporaryDirectory(prefix="holdgate-same.") as directory:
        path = Path(directory) / "message.eml"
        for message in corpora.raw_ham(folder):
            path.write_bytes(message)
            yield path


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(found for found in path.rglob("*") if found.is_file()) if path.is_dir() else [path]
    for name in ("documents", "presidio-research"):
        if folder := corpora.corpus(name):
            yield from sorted(found for found in folder.rglob("*") if found.is_file())
    if folder := corpora.corpus("ham"):
        yield from _mails(folder)


def main(arguments: list[str]) -> int:
    """Compare, and print the number of files with the same result."""
    parser = argparse.ArgumentParser(prog="script/bench same", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, help="files and folders to compare besides the corpora")
    parser.add_argument("--against", required=True, metavar="REV", help="the revision to compare with")
    parser.add_argument("--source", action="store_true", help="compare the sources, not what they compile to")
    chosen = parser.parse_args(arguments)
    count = differ = 0
    with Build(ROOT, chosen.source) as new, Build(tree_of(chosen.against), chosen.source) as old:
        for path in _files(chosen.paths):
            count += 1
            found = differences(new.ask("inspect", path)["result"], old.ask("inspect", path)["result"])
            differ += bool(found)
            for line in found:
                print(f"{count} {path.name}: {line}")
    print(f"{count} files, {differ} of them differ")
    return 1 if differ else 0
