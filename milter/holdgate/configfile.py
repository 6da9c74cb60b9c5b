"""Reads settings files (TOML, UTF-8) and reports all problems at once, each with file, key and allowed values."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from holdgate import mistakes
from holdgate.config import ApiToken, Settings

DEFAULT_PATH = Path("/etc/holdgate/holdgate.toml")


class ConfigError(Exception):
    """The settings cannot be used; `problems` has one line for each problem."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file (UTF-8). Raises ConfigError with one line."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}; {_remedy(error)}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: byte {error.start} is not UTF-8; save the file in this encoding"]) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: {mistakes.of_toml(error, text)}"]) from error


def _remedy(error: OSError) -> str:
    return "allow its user to read it" if isinstance(error, PermissionError) else "correct the path"


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
    """Read a settings file that has errors, with defaults for the wrong settings; return None if that is impossible.

    Only for checking the rest of the file (`holdgate check`), never for running a daemon.
    """
    try:
        content = read_toml(path)
    except ConfigError:
        return None
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        for detail in error.errors():
            _remove_setting(content, [str(step) for step in detail["loc"]])
    try:
        return Settings.model_validate(content)
    except ValidationError:
        return None


def _remove_setting(content: dict[str, Any], steps: list[str]) -> None:
    """Delete the setting at `steps`: one key of a table, or the complete table if the error is not in one key."""
    table = content.get(steps[0]) if steps else None
    if len(steps) > 1 and isinstance(table, dict):
        table.pop(steps[1], None)
    elif steps:
        content.pop(steps[0], None)


def _problem(content: dict[str, Any], detail: Any) -> str:
    """Return one of pydantic's errors as `[table] key: problem`. A value that may hold a secret is never repeated."""
    table, *steps = detail["loc"] or ("",)
    place = f"[{table}] {mistakes.place_of(steps)}" if steps else str(table)
    if detail["type"] == "value_error" and table and not steps:
        place = f"[{table}]"  # keys of one table that contradict each other
    if table == "policy" and (not steps or detail["type"] == "extra_forbidden"):
        return f"{place}: policies are in a separate file, policies.toml; [policy] here sets its path"
    if detail["type"] == "extra_forbidden":
        known: Any = Settings
        for step in detail["loc"][:-1]:
            field = getattr(known, "model_fields", {}).get(step)
            known = field.annotation if field is not None else ApiToken
        key = str(detail["loc"][-1])
        return f"{place}: {mistakes.unknown_key(key, getattr(known, 'model_fields', {}), _places())}"
    return f"{place}: {mistakes.sentence(detail)}" if place else mistakes.sentence(detail)


def _places() -> dict[str, list[str]]:
    """Return the tables in which each setting name exists."""
    places: dict[str, list[str]] = {}
    for table, field in Settings.model_fields.items():
        for key in getattr(field.annotation, "model_fields", {}):
            places.setdefault(key, []).append(f"[{table}]")
    return places
