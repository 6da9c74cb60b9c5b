"""Holdgate's unix sockets: only one daemon can own one, only one group can connect, the kernel identifies the peer."""

import fcntl
import os
import socket
import struct
from pathlib import Path

_BACKLOG = 64


def claim(path: Path, name: str = "holdgate-queue") -> int:
    """Take the lock of the socket at `path`. It is held as long as the returned descriptor is open.

    The lock is the kernel's (flock(2)) on a file next to the socket, so it is released when its holder is killed. The
    file is not removed. Raises BlockingIOError if another daemon `name` runs.
    """
    lock = path.with_name(f"{path.name}.lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise BlockingIOError(f"{lock}: another {name} runs with this socket; stop it first") from error
        raise
    return descriptor


def listen(path: Path, *, group_id: int | None, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """Bind a socket, readable and writable for its owner and one group. A socket left by a stopped daemon is removed.

    Without `group_id` it gets the group of its directory. Only the holder of the lock of `claim` may call this:
    otherwise it would remove the socket of a running daemon.
    """
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, kind)
    previous = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(previous)
    if group_id is not None:
        os.chown(path, -1, group_id)
    path.chmod(0o660)
    listener.listen(_BACKLOG)
    return listener


def peer_user(connection: socket.socket) -> int:
    """Return the user id of the connected process (unix(7), SO_PEERCRED), at the time when it connected."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user_id, _ = struct.unpack("3i", credentials)
    return int(user_id)
