"""Output of commands: text for people, JSON for programs, colours on a terminal, progress of long work."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TextIO, TypeVar

Item = TypeVar("Item")

_COLOURS = {"red": 31, "green": 32, "yellow": 33}
# Seconds until progress is shown, and between its updates.
_BEGIN, _PAUSE = 2.0, 0.5


def wants_json(arguments: argparse.Namespace) -> bool:
    """Return whether the command line has `--json`."""
    return bool(getattr(arguments, "json", False))


def print_result(arguments: argparse.Namespace, text: str, /, **data: Any) -> None:
    """Print a text, or with `--json` an object of `data` on one line."""
    print(json.dumps(data, default=str) if wants_json(arguments) else text)


def print_error(arguments: argparse.Namespace, message: str, /, *, command: str = "holdgate") -> None:
    """Print on standard error why a command failed, and with `--json` an object on standard output, too."""
    for line in message.split("\n"):
        print(f"{command}: {line}", file=sys.stderr)
    if wants_json(arguments):
        print_result(arguments, "", error=message)


def colour(name: str, text: str, stream: TextIO | None = None) -> str:
    """Return a text in "red", "green" or "yellow" if `stream` (default: standard output) is a terminal with colours.

    NO_COLOR, set to any value, disables colours (no-color.org), and so does TERM=dumb.
    """
    stream = stream or sys.stdout
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m"


def progress(items: Iterable[Item], what: str, total: int = 0) -> Iterator[Item]:
    """Yield the items, and show progress on standard error if that is a terminal and the work takes long.

    The line is overwritten, and removed at the end. `total` is the number of items, 0 if it is unknown.
    """
    stream = sys.stderr
    if not stream.isatty():
        yield from items
        return
    shown, due = 0, time.monotonic() + _BEGIN
    try:
        for number, item in enumerate(items, 1):
            yield item
            if time.monotonic() >= due:
                line = f"{what}: {number}{f' of {total}, {number * 100 // total} %' if total else ''}"
                stream.write(f"\r{line:{shown}}")
                stream.flush()
                shown, due = len(line), time.monotonic() + _PAUSE
    finally:
        if shown:
            stream.write(f"\r{'':{shown}}\r")
            stream.flush()
