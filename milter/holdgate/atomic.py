"""Replaces a file atomically: after a crash at any moment, the file has either its old or its new content."""

import os
import secrets
from pathlib import Path


def replace_file(path: Path, content: bytes, *, mode: int | None = None, uid: int = -1, gid: int = -1) -> None:
    """Write `content` to a new file in the same directory, sync it, and rename it to `path`.

    Without `mode` the new file has the mode of the old one, or 0600 if there is no old file. It belongs to this
    process's user and group unless `uid` and `gid` are given: an unprivileged daemon cannot change a file's owner.
    Raises OSError, and then leaves no temporary file.
    """
    if mode is None:
        try:
            mode = path.stat().st_mode & 0o7777
        except FileNotFoundError:
            mode = 0o600
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if (uid, gid) != (-1, -1):
                os.fchown(descriptor, uid, gid)
            os.fchmod(descriptor, mode)
            file.flush()
            os.fsync(descriptor)
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
