"""Caches the listing of the hold queue while its files do not change.

A listing (``postqueue -j``) reads every queue file, and takes a second for 10,000 messages. Reading the directory's
change time takes microseconds, that of each file some milliseconds. Postfix moves files into and out of the queue by
rename(2), which sets both times. So a file at the same path, with the inode and change time of a listing, is the listed
message, and only a new file makes another listing necessary.
"""

import hashlib
import os
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from holdgate.queue.postfix import HeldMessage, Postfix

# Maximum age of a listing, in seconds, even if the directory did not change.
_LIFETIME = 60.0

# A directory that changed within this time may change again without a new change time, in nanoseconds: the kernel's
# clock for files ticks every few milliseconds, that of some file systems every one or two seconds.
_SETTLED = 2_500_000_000

# The key of a message: queue id and arrival time. In a request they can be any values.
Key = tuple[Any, Any]

# The cached identity of a queue file: its path, inode and change time.
_File = tuple[str, int, int]


class HoldQueue:
    """One instance's hold queue. It has no lock, because the agent carries out one request at a time."""

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
        """Return a stamp of the directory's state: while it is the same, so are the messages.

        Returns "" if the state is uncertain: the directory changed just now, or it cannot be read.
        """
        try:
            return self._look()
        except OSError:
            return ""

    def messages(self, *, fresh: bool = False) -> tuple[list[HeldMessage], str]:
        """Return the held messages and their stamp; runs Postfix only if necessary, or for `fresh`.

        Raises PostfixError.
        """
        stamp = self.stamp()
        is_known = not fresh and time.monotonic() - self._listed_at <= _LIFETIME
        if not is_known or not ((stamp and stamp == self._stamp) or self._has_only_lost()):
            self._list()
        self._stamp = stamp
        return list(self._messages.values()), stamp

    def among(self, keys: Collection[Key]) -> dict[Key, HeldMessage]:
        """Return those messages that are held at this moment. Raises PostfixError."""
        if not all(key in self._messages and self._is_same(key[0]) for key in keys):
            self.messages()
        return {key: self._messages[key] for key in keys if key in self._messages}

    def sync(self) -> None:
        """Return when the completed moves out of the queue would survive a power failure.

        postsuper(1) does not sync: the file system could restore a released or deleted message, while the store, on
        another disk, has it as removed. fsync(2) of a directory writes its moves. Raises OSError.
        """
        self._look()
        for path in self._inside:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _list(self) -> None:
        """List the queue with Postfix. Only files that existed before the listing are identified by it."""
        self._listed_at = float("-inf")
        files = self._scan() or {}
        listed = self._postfix.held()
        self._messages = {(message.queue_id, message.arrival_time): message for message in listed}
        names = {message.queue_id for message in listed}
        self._files = {name: file for name, file in files.items() if name in names}
        self._listed_at = time.monotonic()

    def _has_only_lost(self) -> bool:
        """Return whether every file is in the last listing; if so, forget the messages that were removed."""
        files = self._scan()
        if files is None or any(self._files.get(name) != file for name, file in files.items()):
            return False
        if any(message.queue_id not in self._files for message in self._messages.values()):
            return False  # it arrived during the listing
        self._files = files
        self._messages = {key: message for key, message in self._messages.items() if message.queue_id in files}
        return True

    def _is_same(self, queue_id: str) -> bool:
        """Return whether a message's file is the same as at the listing."""
        file = self._files.get(queue_id)
        if file is None:
            return False
        try:
            found = os.lstat(file[0])
        except OSError:
            return False
        return (found.st_ino, found.st_ctime_ns) == file[1:]

    def _scan(self) -> dict[str, _File] | None:
        """Return every queue file by name, or None if they cannot be read, or move too fast."""
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
    """Return the directories in which `hash_queue_names` has a queue's files: each name has one character."""
    with os.scandir(path) as entries:
        return sorted(entry.path for entry in entries if len(entry.name) == 1 and entry.is_dir(follow_symlinks=False))
