"""Knows the hold queue without asking Postfix each time: its listing is kept as long as the files in it stay the same.

A listing (``postqueue -j``) reads every queue file, and takes a second for 10,000 messages. A look at the directory's
time of change takes microseconds, one at each file in it some milliseconds. Postfix moves files into and out of it by
rename(2), which sets both times; so a file that is where it was, with the inode and the time of change that it had at a
listing, is the message that was listed, and only a new file makes another listing necessary.
"""

import hashlib
import os
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from holdgate.queue.postfix import HeldMessage, Postfix

# How long a listing is believed, whatever the directory says, in seconds.
_LIFETIME = 60.0

# A directory that changed so shortly ago may change again without another time to show for it, in nanoseconds: the
# kernel's clock for files ticks every few milliseconds, that of some file systems each second or two.
_SETTLED = 2_500_000_000

# What names one message: queue id and time of arrival. Of a request they may be anything.
Key = tuple[Any, Any]

# What is remembered of a queue file: its path, and the inode and time of change by which it is known.
_File = tuple[str, int, int]


class HoldQueue:
    """One instance's hold queue. No lock: the agent carries out one request at a time."""

    def __init__(self, postfix: Postfix) -> None:
        self._postfix = postfix
        self._directory: Path | None = None
        self._directory_until = 0.0
        self._inside: dict[str, tuple[int, list[str]]] = {}
        self._stamp = ""
        self._messages: dict[Key, HeldMessage] = {}
        self._files: dict[str, _File] = {}
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
        is_known = not fresh and time.monotonic() - self._listed_at <= _LIFETIME
        if not is_known or not ((stamp and stamp == self._stamp) or self._has_only_lost()):
            self._list()
        self._stamp = stamp
        return list(self._messages.values()), stamp

    def among(self, keys: Collection[Key]) -> dict[Key, HeldMessage]:
        """Return those of some messages that are held at this moment. Raises PostfixError."""
        if not all(key in self._messages and self._is_same(key[0]) for key in keys):
            self.messages()
        return {key: self._messages[key] for key in keys if key in self._messages}

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

    def _list(self) -> None:
        """Ask Postfix. Only of files that were there before it was asked is it known what they are."""
        self._listed_at = float("-inf")
        files = self._scan() or {}
        listed = self._postfix.held()
        self._messages = {(message.queue_id, message.arrival_time): message for message in listed}
        names = {message.queue_id for message in listed}
        self._files = {name: file for name, file in files.items() if name in names}
        self._listed_at = time.monotonic()

    def _has_only_lost(self) -> bool:
        """Say whether every file is one of those that were listed; if so, forget the messages that are gone."""
        files = self._scan()
        if files is None or any(self._files.get(name) != file for name, file in files.items()):
            return False
        if any(message.queue_id not in self._files for message in self._messages.values()):
            return False  # it came while Postfix was listing
        self._files = files
        self._messages = {key: message for key, message in self._messages.items() if message.queue_id in files}
        return True

    def _is_same(self, queue_id: str) -> bool:
        """Say whether a message's file is what it was at the listing."""
        file = self._files.get(queue_id)
        if file is None:
            return False
        try:
            found = os.lstat(file[0])
        except OSError:
            return False
        return (found.st_ino, found.st_ctime_ns) == file[1:]

    def _scan(self) -> dict[str, _File] | None:
        """Return every queue file by name, None where they cannot be read, or move too fast."""
        found: dict[str, _File] = {}
        try:
            self._look()
            for path in self._inside:
                with os.scandir(path) as entries:
                    for entry in entries:
                        if not entry.is_dir(follow_symlinks=False):
                            status = entry.stat(follow_symlinks=False)
                            found[entry.name] = entry.path, status.st_ino, status.st_ctime_ns
        except OSError:
            return None
        return found

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
