"""Parts of sentences in output and errors: a number with its noun, and the reason of an error of the system."""

import subprocess
from typing import Any


def counted(number: int, noun: str, several: str = "") -> str:
    """Return a number with its noun, as in "1 message" or "4 messages"; `several` is an irregular plural."""
    return f"{number} {noun if number == 1 else several or noun + 's'}"


def reason_of(error: BaseException) -> str:
    """Return why something failed: of an OSError the system's words alone, without its number and Python's notation."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def failure_of(error: BaseException) -> str:
    """Return what failed and why: an error of the system with its file, a command, or a user that does not exist."""
    if isinstance(error, KeyError):
        user = str(error.args[0]).removeprefix("getpwnam(): name not found: ").strip("'") if error.args else ""
        return f'there is no user "{user}"; run: systemd-sysusers'
    if isinstance(error, subprocess.CalledProcessError):
        return f"{_program(error.cmd)}: exit code {error.returncode}"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"{_program(error.cmd)}: no result within {error.timeout:g} s"
    named = getattr(error, "filename", None)
    return f"{named}: {reason_of(error)}" if named else reason_of(error)


def _program(command: Any) -> str:
    return str(command[0]) if isinstance(command, list | tuple) else str(command)
