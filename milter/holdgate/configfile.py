"""Reads files of settings: TOML in UTF-8, every problem in one go, each with the file, the key and what is allowed."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from holdgate.config import Settings

DEFAULT_PATH = Path("/etc/holdgate/holdgate.toml")


class ConfigError(Exception):
    """The settings cannot be used; `problems` has one line for each thing that is wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file (UTF-8). Raises ConfigError with one line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: not valid TOML: {error}"]) from error


def load_settings(path: Path) -> Settings:
    """Read the settings file (TOML, UTF-8).

    Raises ConfigError with one line for each problem: the file, the key, what is wrong and what is allowed.
    """
    content = read_toml(path)
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        raise ConfigError([f"{path}: {_problem(content, detail)}" for detail in error.errors()]) from error


def load_leniently(path: Path) -> Settings | None:
    """Read a settings file that has mistakes, with the defaults in their place; None where that makes no sense.

    For looking at the rest of it (`holdgate check`), never for running.
    """
    try:
        content = read_toml(path)
    except ConfigError:
        return None
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        for detail in error.errors():
            _take_out(content, [str(step) for step in detail["loc"]])
    try:
        return Settings.model_validate(content)
    except ValidationError:
        return None


def _take_out(content: dict[str, Any], steps: list[str]) -> None:
    """Delete the setting at `steps`: the key of a table, or the whole table where the mistake is not in one key."""
    table = content.get(steps[0]) if steps else None
    if len(steps) > 1 and isinstance(table, dict):
        table.pop(steps[1], None)
    elif steps:
        content.pop(steps[0], None)


def _problem(content: dict[str, Any], detail: Any) -> str:
    """Say one of pydantic's errors as `[table] key: what is wrong`, never repeating a secret-bearing value."""
    *tables, key = [str(step) for step in detail["loc"]] or [""]
    place = f"[{'.'.join(tables)}] {key}" if tables else key
    if detail["type"] == "extra_forbidden":
        known = Settings if not tables else Settings.model_fields[tables[0]].annotation
        names = ", ".join(sorted(getattr(known, "model_fields", {})))
        return f"{place}: no such setting; known here: {names}"
    return f"{place}: {detail['msg'].removeprefix('Value error, ')}"
