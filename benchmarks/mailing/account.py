"""Processor time and memory of process trees, including processes that have ended and were waited for."""

import os
import re
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(*roots: int) -> list[int]:
    """Return these processes and all their running descendants."""
    found: list[int] = []
    left = list(roots)
    while left:
        pid = left.pop()
        try:
            tasks = list(Path(f"/proc/{pid}/task").iterdir())
            below = [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except OSError:
            continue
        found.append(pid)
        left += below
    return found


def processor_seconds(*roots: int) -> float:
    """Return the processor time of the trees below `roots`, in seconds (proc_pid_stat(5))."""
    ticks = 0
    for pid in tree(*roots):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / _TICKS


def proportional_bytes(*roots: int) -> int:
    """Return the memory of the trees below `roots`, each page divided among those that share it (PSS)."""
    total = 0
    for pid in tree(*roots):
        try:
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        except OSError:
            continue
        total += int(found[1]) * 1024 if found else 0
    return total


def busy_seconds() -> float:
    """Return the processor time that all processes of the machine have used."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICKS
