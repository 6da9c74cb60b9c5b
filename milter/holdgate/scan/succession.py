"""What `holdgate-scan` passes on when it has read its settings: the process is replaced, and forgets them.

Zygotes and workers get a copy of the memory of the process that forks them. So it is one that has never read the
settings, which say much about the site, nor loaded what reads them: 8 MB.
"""

import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import NoReturn


@dataclass(frozen=True, slots=True)
class Serving:
    """What the service needs: descriptors of its socket and of its lock, whom it serves, and where readers are."""

    program: str
    verbose: bool
    path: str
    listener: int
    lock: int
    user_ids: tuple[int, ...]
    readers_directory: str


def become(serving: Serving) -> NoReturn:
    """Replace this process by one that serves. Raises OSError."""
    for descriptor in (serving.listener, serving.lock):
        os.set_inheritable(descriptor, True)
    os.execv(sys.executable, [sys.executable, "-m", "holdgate.scan.serving", json.dumps(asdict(serving))])
