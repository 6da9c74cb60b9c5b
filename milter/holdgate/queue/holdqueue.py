"""Caches the listing of the hold queue while its files do not change.

A listing (``postqueue -j``) reads every queue file, and takes a second for 10,000 messages. Reading the directory's
change time takes microseconds, reading the names in it a second for 500,000. Postfix moves files into and out of the
queue by rename(2), which sets the directory's time. So a file at the same path, with the inode of a listing, is the
listed message. Before the agent acts on a message, it also compares the file's change time. If the queue is long and
few files are new, these are read separately (``postcat``); otherwise Postfix lists the queue.
"""

import hashlib
import os
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from holdgate.queue.postfix import HeldMessage, Postfix, PostfixError
from holdgate.queue.versions import Versions

# Maximum age of a listing, in seconds, even if the directory did not change. It is higher if the listings would take
# more than this share of the time.
_LIFETIME = 60.0
_SHARE = 1 / 20

# Maximum number of new files that are read separately, each of them instead of a listing of so many messages.
_FEW = 20
_WORTH = 200

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
        self._messages: dict[str, HeldMessage] = {}
        self._files: dict[str, _File] = {}
        self._is_sure = False
        self._zone, self._zone_until = False, float("-inf")
        self._believed_until = float("-inf")
        self.versions = Versions()

    def stamp(self) -> str:
        """Return a stamp of the directory's state: while it is the same, so are the messages.

        Returns "" if the state is uncertain: the directory changed just now, or it cannot be read.
        """
        try:
            return self._look()
        except OSError:
            return ""

    def directories(self) -> list[Path]:
        """Return the directories of the queue: more than one if `hash_queue_names` has it. Raises OSError."""
        self._look()
        return [Path(path) for path in self._inside]

    def messages(self, *, fresh: bool = False) -> tuple[list[HeldMessage], str]:
        """Return the held messages and their stamp; runs Postfix only if necessary, or for `fresh`.

        Raises PostfixError.
        """
        stamp = self.stamp()
        is_known = not fresh and time.monotonic() <= self._believed_until
        if not is_known or not ((stamp and stamp == self._stamp) or self._apply_changes()):
            self._list()
        self._stamp = stamp if self._is_sure else ""
        return list(self._messages.values()), self._stamp

    def changes_since(self, version: object) -> tuple[list[HeldMessage], list[str]] | None:
        """Return the messages that arrived since a version, and the queue ids of those that were removed since.

        None if the version is unknown, or nearly everything changed.
        """
        names = self.versions.since(version)
        if names is None or len(names) > len(self._messages) // 2 + 100:
            return None
        there = [self._messages[name] for name in sorted(names & self._messages.keys())]
        return there, sorted(names - self._messages.keys())

    def among(self, keys: Collection[Key]) -> dict[Key, HeldMessage]:
        """Return those of some messages that are held at this moment. Raises PostfixError."""
        others = [key[0] for key in keys if not self._is_same(key[0])]
        for name in others:
            self._files.pop(name, None)  # it is read again, if its file exists
        if others or any(self._known(key) is None for key in keys):
            self.messages()
        found = ((key, self._known(key)) for key in keys)
        return {key: message for key, message in found if message is not None}

    def _known(self, key: Key) -> HeldMessage | None:
        message = self._messages.get(key[0])
        return message if message is not None and message.arrival_time == key[1] else None

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
        self._believed_until = float("-inf")
        begun = time.monotonic()
        files = self._scan() or {}
        listed = {message.queue_id: message for message in self._postfix.held()}
        before, self._messages = self._messages, listed
        self.versions.note([name for name in before.keys() | listed.keys() if before.get(name) != listed.get(name)])
        self._files = {name: file for name, file in files.items() if name in listed}
        # Otherwise a message arrived during the listing, and the queue must be listed again.
        self._is_sure = len(self._files) == len(listed)
        now = time.monotonic()
        self._believed_until = now + max(_LIFETIME, (now - begun) / _SHARE)

    def _apply_changes(self) -> bool:
        """Forget messages whose files were removed, and read new ones if they are few; return whether that was all."""
        inodes = self._inodes()
        if inodes is None or not self._is_sure:
            return False
        fresh = [
            name for name, (_, inode) in inodes.items() if name not in self._files or self._files[name][1] != inode
        ]
        if fresh and (len(fresh) > min(_FEW, len(self._messages) // _WORTH) or not self._keeps_zone()):
            return False
        came: dict[str, HeldMessage] = {}
        for name in fresh:
            read = self._read(inodes[name][0], name)
            if read is None:
                return False
            came[name], self._files[name] = read
        gone = self._messages.keys() - inodes.keys()
        for name in gone:
            del self._messages[name]
            self._files.pop(name, None)
        self._messages |= came
        if gone or came:
            self.versions.note([*gone, *came])
        return True

    def _keeps_zone(self) -> bool:
        if time.monotonic() > self._zone_until:
            self._zone = self._postfix.keeps_zone()
            self._zone_until = time.monotonic() + _LIFETIME
        return self._zone

    def _read(self, path: str, name: str) -> tuple[HeldMessage, _File] | None:
        """Return the message of a new file, or None if the file alone does not show it."""
        try:
            before = os.lstat(path)
            message = self._postfix.held_alone(name)
            after = os.lstat(path)
        except (OSError, PostfixError):
            return None
        if message is None or (before.st_ino, before.st_ctime_ns) != (after.st_ino, after.st_ctime_ns):
            return None
        return message, (path, after.st_ino, after.st_ctime_ns)

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

    def _inodes(self) -> dict[str, tuple[str, int]] | None:
        """Return path and inode of every queue file by name, None if they cannot be read. The files are not opened."""
        found: dict[str, tuple[str, int]] = {}
        try:
            self._look()
            for path in self._inside:
                with os.scandir(path) as entries:
                    found |= {
                        entry.name: (entry.path, entry.inode())
                        for entry in entries
                        if not entry.is_dir(follow_symlinks=False)
                    }
        except OSError:
            return None
        return found

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
