"""Knows the hold queue without asking Postfix each time: its listing is kept as long as its directory stays the same.

A listing (``postqueue -j``) reads every queue file, and takes a second for 10,000 messages; a look at the directory's
time of change takes microseconds. Postfix moves files into and out of it by rename(2), which sets that time.
"""

import hashlib
import os
import time
from pathlib import Path

from holdgate.queue.postfix import HeldMessage, Postfix

# How long a listing is believed, whatever the directory says, in seconds.
_LIFETIME = 60.0

# How old a listing may be by which a message is looked at, in seconds.
_RECENT = 5.0

# A directory that changed so shortly ago may change again without another time to show for it, in nanoseconds: the
# kernel's clock for files ticks every few milliseconds, that of some file systems each second or two.
_SETTLED = 2_500_000_000


class HoldQueue:
    """One instance's hold queue. No lock: the agent carries out one request at a time."""

    def __init__(self, postfix: Postfix) -> None:
        self._postfix = postfix
        self._directory: Path | None = None
        self._directory_until = 0.0
        self._inside: dict[str, tuple[int, list[str]]] = {}
        self._stamp = ""
        self._messages: list[HeldMessage] = []
        self._listed_at = float("-inf")

    def stamp(self) -> str:
        """Return a word for the state of the directory: as long as it is the same, so are the messages.

        Returns "" when nothing can be said: the directory changed just now, or it cannot be read.
        """
        try:
            return self._look()
        except OSError:
            return ""

    def messages(self, *, fresh: bool = False) -> tuple[list[HeldMessage], str]:
        """Return the held messages and the stamp that they go with; asks Postfix where it must, or for `fresh`.

        Raises PostfixError.
        """
        stamp = self.stamp()
        if fresh or not stamp or stamp != self._stamp or time.monotonic() - self._listed_at > _LIFETIME:
            self._messages = self._postfix.held()
            self._stamp = stamp
            self._listed_at = time.monotonic()
        return self._messages, stamp

    def recent(self) -> list[HeldMessage]:
        """Return the messages that were held some seconds ago at most: enough to look at one, not to act on it."""
        if time.monotonic() - self._listed_at < _RECENT:
            return self._messages
        return self.messages()[0]

    def sync(self) -> None:
        """Return when the moves out of the queue made so far survive a power cut.

        postsuper(1) syncs nothing: the file system may still put back what was released or deleted, while the store,
        on a disk of its own, knows it as gone. fsync(2) of a directory writes the moves in it. Raises OSError.
        """
        self._look()
        for path in self._inside:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _look(self) -> str:
        if time.monotonic() > self._directory_until:
            self._directory = self._postfix.hold_directory()
            self._directory_until = time.monotonic() + _LIFETIME
        seen = hashlib.sha256()
        newest = 0
        known: dict[str, tuple[int, list[str]]] = {}
        waiting = [str(self._directory)]
        while waiting:
            path = waiting.pop()
            found = Path(path).stat()
            before = self._inside.get(path)
            inside = before[1] if before and before[0] == found.st_mtime_ns else _hashed(path)
            known[path] = found.st_mtime_ns, inside
            waiting += inside
            newest = max(newest, found.st_mtime_ns)
            seen.update(f"{path} {found.st_dev} {found.st_ino} {found.st_mtime_ns}\n".encode())
        self._inside = known
        return seen.hexdigest() if newest < time.time_ns() - _SETTLED else ""


def _hashed(path: str) -> list[str]:
    """Return the directories in which `hash_queue_names` has a queue's files: each has a name of one character."""
    with os.scandir(path) as entries:
        return sorted(entry.path for entry in entries if len(entry.name) == 1 and entry.is_dir(follow_symlinks=False))
