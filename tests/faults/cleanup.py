"""Cleans up after a run that was killed: `python -m tests.faults.cleanup DIRECTORY`, started together with the run.

It waits for the end of its input, which comes however the run ends. It unmounts everything below the directory, which
also detaches the loop devices. If the run was killed, it ends the processes that still run there and deletes the
directory.
"""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.faults.target import send_signal, within

_ENDED_NORMALLY = b"ended"


class Cleanup:
    """Cleans up after this process, once it has ended or has called `close`."""

    def __init__(self, directory: Path) -> None:
        # A separate session: Ctrl-C or a signal to the group of this process does not end it.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.cleanup", str(directory)],
            stdin=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            cwd="/",
            start_new_session=True,
        )

    def close(self) -> None:
        """Unmount everything that is still mounted; the directory is kept."""
        self._process.communicate(_ENDED_NORMALLY, timeout=120)


def clean(directory: Path, *, killed: bool) -> None:
    """Remove everything that a run left below its directory."""
    if killed:
        for pid in within(directory):
            send_signal(pid, signal.SIGKILL)
    # The newest first: one may cover another.
    for place in reversed(mounts(directory)):
        # A frozen file system cannot be unmounted, not even later.
        for command in (["fsfreeze", "-u", str(place)], ["umount", "-l", str(place)]):
            with suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(command, capture_output=True, check=False, timeout=60)
    if killed:
        shutil.rmtree(directory, ignore_errors=True)


def mounts(directory: Path) -> list[Path]:
    """Return the mount points below a directory, oldest first."""
    places = [Path(line.split()[1]) for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [place for place in places if place.is_relative_to(directory)]


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    clean(Path(sys.argv[1]), killed=sys.stdin.buffer.read() != _ENDED_NORMALLY)
