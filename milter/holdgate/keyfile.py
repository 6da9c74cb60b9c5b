"""A file of secret keys, such as the desk's: one per line in hexadecimal. The first key signs, all keys verify.

A replaced key is followed by the time of its replacement. After `KEEP` it is removed, because nothing that it signed
is valid any more.
"""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from holdgate.atomic import replace_file

SIZE = 32
"""Minimum length of a key in bytes."""

# Longer than the longest deadline, which counts working days, and than a session.
KEEP = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class FileKey:
    """One line. `replaced_at` is None for the signing key, and for older keys whose time of replacement is unknown."""

    secret: bytes
    replaced_at: datetime | None = None


def create(path: Path) -> None:
    """Write a file with a new key if the file does not exist. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(_written([FileKey(secrets.token_bytes(SIZE))]))
        stream.flush()
        os.fsync(descriptor)


def read(path: Path) -> list[FileKey]:
    """Return the keys, the signing key first. Raises OSError, and ValueError for a file that is not of this form."""
    keys = []
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            key = FileKey(bytes.fromhex(words[0]), datetime.fromisoformat(words[1]) if words[1:] else None)
        except ValueError:
            raise ValueError(
                f"{path}: line {number}: not a key in hexadecimal, followed at most by the time of its replacement; "
                "restore the file, or remove it to get a new key"
            ) from None
        if len(key.secret) < SIZE:
            raise ValueError(
                f"{path}: line {number}: a key has at least {SIZE} bytes in hexadecimal; restore the file, or remove it"
            )
        keys.append(key)
    if not keys:
        raise ValueError(f"{path}: contains no key; restore the file, or remove it to get a new key")
    return keys


def state(path: Path) -> tuple[int, int, int]:
    """Return inode, modification time (ns) and size, which change when the file does. Raises OSError."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def rotate(path: Path, now: datetime, *, revoke: bool) -> int:
    """Put a new key before the others or, with `revoke`, replace them; return how many older keys still verify.

    Owner and mode of the file do not change. Raises OSError and ValueError.
    """
    first, *rest = [FileKey(one.secret, one.replaced_at or now) for one in read(path)]
    kept = [] if revoke else [replace(first, replaced_at=now)]
    kept += [one for one in rest if not revoke and one.replaced_at is not None and now - one.replaced_at < KEEP]
    owner = path.stat()
    replace_file(path, _written([FileKey(secrets.token_bytes(SIZE)), *kept]), uid=owner.st_uid, gid=owner.st_gid)
    return len(kept)


def _written(keys: Sequence[FileKey]) -> bytes:
    lines = []
    for key in keys:
        at = f" {key.replaced_at.astimezone(UTC).isoformat(timespec='seconds')}" if key.replaced_at else ""
        lines.append(f"{key.secret.hex()}{at}\n")
    return "".join(lines).encode("ascii")
