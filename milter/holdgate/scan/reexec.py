"""Replaces `holdgate-scan` after it has read its settings by a process that does not have them in memory.

Zygotes and workers get a copy of the memory of the process that forks them. So that process has never read the
settings, which reveal much about the site, nor loaded the 8 MB of code that reads them.
"""

import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import NoReturn


@dataclass(frozen=True, slots=True)
class ServerArguments:
    """What the service needs: descriptors of its socket and its lock, the users it serves, the readers' directory."""

    program: str
    verbose: bool
    path: str
    listener: int
    lock: int
    user_ids: tuple[int, ...]
    readers_directory: str


def exec_server(arguments: ServerArguments) -> NoReturn:
    """Replace this process by one that serves. Raises OSError."""
    for descriptor in (arguments.listener, arguments.lock):
        os.set_inheritable(descriptor, True)
    os.execv(sys.executable, [sys.executable, "-m", "holdgate.scan.serving", json.dumps(asdict(arguments))])
