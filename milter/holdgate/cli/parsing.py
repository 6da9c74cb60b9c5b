"""The parser of the command line: its errors name what was probably meant, and show the usage of the right command."""

import argparse
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NoReturn

from holdgate.mistakes import did_you_mean

_NO_CHOICE = re.compile(r"invalid choice: '?([^']*?)'? \(choose from (.*)\)$")
# Other words for commands, which are not spelled like them.
_OTHER_WORDS = {
    **dict.fromkeys(("approve", "accept", "deliver", "send"), "release"),
    **dict.fromkeys(("deny", "refuse", "delete", "drop"), "reject"),
    **dict.fromkeys(("incidents", "queue", "held", "waiting"), "list"),
    **dict.fromkeys(("doctor", "verify", "diagnose", "lint"), "check"),
    **dict.fromkeys(("install", "init", "configure"), "setup"),
    **dict.fromkeys(("uninstall", "remove"), "detach"),
}
_SETTINGS_FILE = re.compile(r"-c\b|--config(=|$)")


class CommandParser(argparse.ArgumentParser):
    """A parser for a command; those of its subcommands are of the same class."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse what this command knows. What it does not know is an error here, with this command's usage."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{_hint(unknown)}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """Print usage and error, and exit with 2."""
        if match := _NO_CHOICE.search(message):
            known = [one.strip(" '") for one in match[2].split(",")]
            other = _OTHER_WORDS.get(match[1])
            message += f'; did you mean "{other}"?' if other in known else did_you_mean(match[1], known)
        if message.endswith(("required: COMMAND", "required: STEP")):
            message += f"; to list them, run: {self.prog} --help"
        super().error(message)


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return the type of an option that is a whole number within these bounds."""

    def parse(text: str) -> int:
        number = int(text) if re.fullmatch("-?[0-9]{1,18}", text) else None
        if number is None or not least <= number <= most:
            raise argparse.ArgumentTypeError(f'"{text}" is not a whole number from {least} to {most}')
        return number

    return parse


def moment(text: str) -> datetime:
    """Return the time that an option gives (ISO 8601), in the zone of this machine unless it names another one."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f'"{text}" is no time; write it as "2026-11-28 14:00"') from None


def _hint(unknown: Sequence[str]) -> str:
    given_late = any(_SETTINGS_FILE.match(one) for one in unknown)
    return "; write -c FILE before the command: holdgate -c FILE COMMAND" if given_late else ""
