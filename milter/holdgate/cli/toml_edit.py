"""Sets keys in the text of a TOML file, so that comments and order are kept.

The edited text is parsed again. If it does not have the intended meaning, because the file writes a key in an unusual
form, nothing is changed, and the administrator reads what to write by hand.
"""

import copy
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdgate.cli.settings import toml_value
from holdgate.configfile import ConfigError
from holdgate.mistakes import without_comment

_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.-]+)\s*\]\]?\s*(?:#.*)?$")


@dataclass(frozen=True, slots=True)
class Change:
    """A key and its new value; None removes the key.

    `table` is "" for the top level. `number` counts the tables of an array, as in [[policy]], from 0.
    """

    table: str
    key: str
    value: str | list[str] | None
    number: int | None = None

    def __str__(self) -> str:
        """Return the place and the text to write, for a person."""
        place = f"[{self.table}] " if self.table and self.number is None else ""
        if self.number is not None:
            place = f"[[{self.table}]] number {self.number + 1}: "
        return f"{place}{self.key} = {toml_value(self.value)}" if self.value is not None else f"{place}no {self.key}"


def edited(path: Path, text: str, changes: Sequence[Change]) -> str:
    """Return `text`, the content of `path`, with the changes. Raises ConfigError with one line per necessary change."""
    wanted = tomllib.loads(text)
    for change in changes:
        _apply(wanted, change)
    new = text
    for change in changes:
        new = _edit(new, change)
    try:
        found: Any = tomllib.loads(new)
    except tomllib.TOMLDecodeError:
        found = None
    if found != wanted:
        raise ConfigError(
            [
                f"{path}: cannot be edited, because of the way in which it is written; write by hand: {one}"
                for one in changes
            ]
        )
    return new


def _apply(content: dict[str, Any], change: Change) -> None:
    table: dict[str, Any] = content
    if change.number is not None:
        table = content[change.table][change.number]
    elif change.table:
        table = content.setdefault(change.table, {})
    if change.value is None:
        table.pop(change.key, None)
    else:
        table[change.key] = copy.copy(change.value)


def _edit(text: str, change: Change) -> str:
    lines = text.splitlines()
    begin, end = _section(lines, change)
    if begin < 0:
        if change.value is None:
            return text
        gap = [""] if lines and lines[-1].strip() else []
        return _joined([*lines, *gap, f"[{change.table}]", f"{change.key} = {toml_value(change.value)}"])
    place = next((n for n in range(begin, end) if re.match(rf"\s*{re.escape(change.key)}\s*=", lines[n])), -1)
    written = [] if change.value is None else [f"{change.key} = {toml_value(change.value)}"]
    if place < 0:
        last = max((n + 1 for n in range(begin, end) if without_comment(lines[n]).strip()), default=begin)
        return _joined([*lines[:last], *written, *lines[last:]])
    over = _end_of(lines, place, end)
    comment = lines[over - 1][len(without_comment(lines[over - 1])) :]
    if written and comment:
        written = [f"{written[0]}  {comment}"]
    return _joined([*lines[:place], *written, *lines[over:]])


def _joined(lines: list[str]) -> str:
    return "\n".join([*lines, ""])


def _section(lines: list[str], change: Change) -> tuple[int, int]:
    """Return the first line of a table after its header, and the line after its last; -1 if there is no such table."""
    headers = list(_headers(lines))
    if not change.table:
        return 0, headers[0][0] if headers else len(lines)
    kind = "[" if change.number is None else "[["
    same = [place for place, header in enumerate(headers) if header[1:] == (kind, change.table)]
    if (change.number or 0) >= len(same):
        return -1, -1
    own = same[change.number or 0]
    return headers[own][0] + 1, headers[own + 1][0] if own + 1 < len(headers) else len(lines)


def _headers(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(lines):
        if match := _HEADER.match(line):
            yield number, match[1], match[2]


def _end_of(lines: list[str], begin: int, end: int) -> int:
    """Return the line after the value that begins on line `begin`; a list can have several lines."""
    for after in range(begin + 1, end + 1):
        try:
            tomllib.loads("\n".join(lines[begin:after]))
        except tomllib.TOMLDecodeError:
            continue
        return after
    return begin + 1
