"""A directory that the processes of one test run share, for objects that take minutes to make: a package, a Debian."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def _open(directory: Path) -> int:
    """Make a directory if it is missing, and return a descriptor that holds a shared lock on it."""
    while True:
        directory.mkdir(mode=0o700, exist_ok=True)
        # Another process may remove it before the lock is held.
        with suppress(FileNotFoundError):
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            with suppress(FileNotFoundError):
                if os.path.samestat(directory.stat(), os.fstat(descriptor)):
                    return descriptor
            os.close(descriptor)


@contextmanager
def shared(run: str) -> Iterator[Path]:
    """Yield the directory of a test run. The last process that uses it removes it."""
    # A short name: podman takes no runroot with more than 50 characters.
    directory = Path(tempfile.gettempdir()) / f"hg-{run[:16]}"
    descriptor = _open(directory)
    try:
        yield directory
    finally:
        # flock(2) gives the shared lock up before it asks for the other: of two processes that end now, one gets it.
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory)
        os.close(descriptor)


class NotMadeError(Exception):
    """Another process of the run failed to make something; the argument says what, and why."""


def once(directory: Path, name: str, make: Callable[[], object]) -> None:
    """Call `make` in the first process; the others wait for it. Raises NotMadeError in them if it failed."""
    with (directory / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made, failed = directory / f"{name}.made", directory / f"{name}.failed"
        if failed.exists():
            raise NotMadeError(f"{name}: {failed.read_text(encoding='utf-8')}")
        if not made.exists():
            try:
                make()
            except Exception as error:
                failed.write_text(str(error), encoding="utf-8")
                raise
            made.touch()
