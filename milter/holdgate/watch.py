"""Waits until files of a directory change, by inotify(7): nothing wakes up meanwhile.

The C library's functions are called directly. Changes that another machine makes to a network file system, and those
that are made through memory mappings, are not seen.
"""

import ctypes
import os
import select
import struct
import threading
from pathlib import Path

_MODIFY, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x2, 0x40, 0x80, 0x100, 0x200
_CHANGES = _MODIFY | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE
# A watch ends if its directory is moved or removed, or its file system unmounted. The removal of a directory is not
# reported while one of its files is open (Linux 6.1). An overflow has lost events.
_MOVE_SELF = 0x800
_ENDS = 0x8000 | 0x2000 | _MOVE_SELF
_OVERFLOW = 0x4000
# struct inotify_event: descriptor of the watch, mask, cookie, length of the name that follows.
_EVENT = struct.Struct("iIII")
_BUFFER = 64 * 1024

_libc = ctypes.CDLL(None, use_errno=True)


class Watch:
    """Watches the files of some directories until `close`. Raises OSError if one cannot be watched.

    `wait` belongs to one thread; `wake` may be called by others.
    """

    def __init__(self, *directories: Path) -> None:
        self._lock = threading.Lock()
        self._is_closed = False
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._events = -1
        try:
            self._events = _checked(_libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
            mask = ctypes.c_uint32(_CHANGES | _MOVE_SELF)
            for directory in directories:
                _checked(_libc.inotify_add_watch(self._events, os.fsencode(directory), mask))
        except OSError:
            self.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._events, select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop watching. No other thread may be in `wait`."""
        with self._lock:
            self._is_closed = True
            for descriptor in (self._events, self._wake):
                if descriptor >= 0:
                    os.close(descriptor)

    def wake(self) -> None:
        """End the current wait, or the next one; after `close` do nothing."""
        with self._lock:
            if not self._is_closed:
                os.eventfd_write(self._wake, 1)

    def wait(self, seconds: float | None) -> set[str]:
        """Return the names of the files that changed, as soon as one does; none after `seconds`, or when woken.

        With None there is no time limit. The name "" means that events were lost: any file may have changed. Raises
        OSError if no further changes can be detected.
        """
        ready = {descriptor for descriptor, _ in self._poll.poll(None if seconds is None else seconds * 1000)}
        if self._wake in ready:
            os.eventfd_read(self._wake)
        if self._events not in ready:
            return set()
        return _names(os.read(self._events, _BUFFER))


def _names(events: bytes) -> set[str]:
    names: set[str] = set()
    place = 0
    while place < len(events):
        _, mask, _, length = _EVENT.unpack_from(events, place)
        place += _EVENT.size
        if mask & _ENDS:
            raise OSError("a watched directory is gone")
        names.add("" if mask & _OVERFLOW else os.fsdecode(events[place : place + length].rstrip(b"\0")))
        place += length
    return names


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
