"""Replaces a file so that a crash at any moment leaves the whole old one or the whole new one."""

import contextlib
import os
import secrets
from pathlib import Path


def replace_file(path: Path, content: bytes, *, mode: int | None = None, uid: int = -1, gid: int = -1) -> None:
    """Write `content` into a new file beside `path`, sync it, and put it in the place of `path`.

    A `mode`, `uid` or `gid` that is not given is that of the file replaced; where there is none yet, 0600 and this
    process's own. Raises OSError, and leaves nothing behind.
    """
    with contextlib.suppress(FileNotFoundError):
        old = path.stat()
        mode = old.st_mode & 0o7777 if mode is None else mode
        uid = old.st_uid if uid < 0 else uid
        gid = old.st_gid if gid < 0 else gid
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if (uid, gid) != (-1, -1):
                os.fchown(descriptor, uid, gid)
            os.fchmod(descriptor, 0o600 if mode is None else mode)
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
