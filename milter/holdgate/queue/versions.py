"""Remembers which queue ids changed with each version of the hold queue, so that the reconciler gets only those."""

import secrets
from collections import deque
from collections.abc import Collection

# Limits for the remembered steps, and for the queue ids in all of them: after a longer pause, a caller gets everything.
_STEPS = 1_000
_NAMES = 20_000


class Versions:
    """The last `_STEPS` steps from one version to the next. A version also names the agent's process."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(8)
        self._steps: deque[frozenset[str]] = deque()
        self._forgotten = 0
        self._names = 0

    def newest(self) -> str:
        """Return the current version of the queue."""
        return f"{self._run}:{self._forgotten + len(self._steps)}"

    def note(self, queue_ids: Collection[str]) -> None:
        """Begin a new version, in which these queue ids changed."""
        self._steps.append(frozenset(queue_ids))
        self._names += len(queue_ids)
        while self._steps and (len(self._steps) > _STEPS or self._names > _NAMES):
            self._names -= len(self._steps.popleft())
            self._forgotten += 1

    def since(self, version: object) -> set[str] | None:
        """Return the queue ids that changed since a version; None if the version is unknown or forgotten."""
        run, _, number = version.partition(":") if isinstance(version, str) else ("", "", "")
        if run != self._run or not (number.isascii() and number.isdecimal()):
            return None
        first = int(number) - self._forgotten
        if not 0 <= first <= len(self._steps):
            return None
        return {name for step in list(self._steps)[first:] for name in step}
