"""A control group for each container: systemd-nspawn puts all that are started in one group into one place.

Two systems that boot there have the same group for a unit of the same name, and each removes the other's.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def groups() -> list[Path]:
    """Return this process's directory in each hierarchy in which systemd has its units: version 2, and name=systemd."""
    own = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines())
    found = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        place, (kind, _, options) = Path(before.split()[4]), after.split(" ", 2)
        if kind == "cgroup2":
            found.append(place / own.get("", "/").lstrip("/"))
        elif kind == "cgroup" and "name=systemd" in options.split(","):
            found.append(place / own.get("name=systemd", "/").lstrip("/"))
    return found


class ControlGroup:
    """A new group below this process's. Where none can be made, commands stay in this process's group."""

    def __init__(self) -> None:
        name = f"holdgate-{secrets.token_hex(4)}"
        self._directories: list[Path] = []
        for group in groups():
            with suppress(OSError):
                (group / name).mkdir()
                self._directories.append(group / name)

    def command(self, words: Sequence[str]) -> list[str]:
        """Return the command that runs another one in the group."""
        enter = "".join(f"echo $$ > '{directory}/cgroup.procs'; " for directory in self._directories)
        return ["sh", "-c", f'{enter}exec "$@"', "sh", *words]

    def remove(self) -> None:
        """Remove the group and those in it, once all processes in them have ended."""
        for directory in self._directories:
            inner = sorted((path for path in directory.rglob("*") if path.is_dir()), reverse=True)
            for one in (*inner, directory):
                with suppress(OSError):
                    one.rmdir()
