"""Rule files: TOML validated by a model; every error names file, line, key and reason."""

import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from holdgate import mistakes
from holdgate.phrases import reason_of

Model = TypeVar("Model", bound="Strict")
_SYNTAX_PLACE = re.compile(r" \(at line (\d+), column \d+\)$")


class RuleError(Exception):
    """A rule file has an error. `str` returns "FILE:LINE: KEY: REASON"; KEY may be missing."""

    def __init__(self, path: Path, line: int, reason: str, key: str = "") -> None:
        self.path, self.line, self.reason, self.key = path, line, reason, key
        super().__init__(f"{path}:{line}: {key}: {reason}" if key else f"{path}:{line}: {reason}")


class Strict(BaseModel):
    """A table of a rule file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read(path: Path, model: type[Model]) -> Model:
    """Return the file as `model`. Raises RuleError for its first error."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(path, 1, unreadable(error)) from None
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        place = _SYNTAX_PLACE.search(str(error))
        line = int(place[1]) if place else text.count("\n") + 1
        reason = _SYNTAX_PLACE.sub("", mistakes.of_toml(error, text).partition("; ")[0])
        hint = mistakes.of_toml(error, text).partition("; ")[2]
        raise RuleError(path, line, f"{reason}; {hint}" if hint else reason) from None
    except ValidationError as error:
        first = error.errors()[0]
        key = tuple(part for part in first["loc"] if part != "[key]")
        unknown = "there is no such key; correct or remove it"
        reason = unknown if first["type"] == "extra_forbidden" else mistakes.sentence(first)
        raise RuleError(path, line_of(text, key), reason, ".".join(map(str, key))) from None


def unreadable(error: OSError | UnicodeDecodeError) -> str:
    """Return why a rule file cannot be read."""
    return f"cannot be read: {reason_of(error)}" if isinstance(error, OSError) else "is not UTF-8; save it as UTF-8"


def line_of(text: str, key: tuple[Any, ...]) -> int:
    """Return the number of the line of `key` (a path of names and list indices), or of its table's beginning."""
    lines = text.splitlines()
    best, table, index = 1, "", 0
    for part in key:
        if isinstance(part, int):
            index = part
            heading = re.compile(rf"\s*\[\[\s*{re.escape(table)}\s*\]\]")
            found = [number for number, line in enumerate(lines, 1) if heading.match(line)]
            best = found[index] if index < len(found) else best
            continue
        dotted = f"{table}.{part}" if table else str(part)
        name = re.compile(rf'\s*(?:\[+\s*{re.escape(dotted)}\s*\]+|["\']?{re.escape(str(part))}["\']?\s*=)')
        table = dotted
        best = next((number for number, line in enumerate(lines, 1) if number >= best and name.match(line)), best)
    return best
