"""What `holdgate check` reports about free disk space: on a full disk, mail is deferred and nothing can be decided."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from holdgate.config import Settings
from holdgate.queue.postfix import Postfix, PostfixError

_MIB = 1024**2
# Free space below which a problem is reported, in MiB: room for one large message.
LEAST = 20


def problems(path: Path, settings: Settings) -> Iterator[str]:
    """Yield the disks that have almost no free space, or no room for a further file."""
    for place, directory, effect in _directories(path, settings):
        if (room := _room(directory)) is not None:
            yield f"{place}: {directory}: its disk has {room[0]} free, so {effect}; {room[1]} there"


def _directories(path: Path, settings: Settings) -> Iterator[tuple[str, Path, str]]:
    """Yield the directories in which the daemons write: the place of the setting, the directory, what depends on it."""
    if not settings.store.is_shared:
        store = Path(settings.store.url.removeprefix("sqlite:///")).parent
        yield f"{path}: [store] url", store, "messages cannot be held, and nobody can decide"
    yield f"{path}: [milter] spool_directory", settings.milter.spool_directory, "large messages are deferred"
    try:
        queue = Path(Postfix(settings.queue.postfix_config).setting("queue_directory"))
    except (PostfixError, OSError, subprocess.SubprocessError):
        return  # reported as a problem elsewhere
    yield f"{settings.queue.postfix_config}/main.cf: queue_directory", queue, "Postfix defers mail"


def _room(directory: Path) -> tuple[str, str] | None:
    """Return how little room a directory's disk has for users other than root, and the remedy; None for enough."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return None
    free = found.f_bavail * found.f_frsize / _MIB
    if free < LEAST:
        return f"{free:.1f} MiB", f"free at least {LEAST} MiB"
    # Some file systems, such as btrfs, count no files.
    return ("no inode", "delete files") if found.f_files and not found.f_favail else None
