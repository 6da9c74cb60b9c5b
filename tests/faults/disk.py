"""A disk for part of a site: a file-system image that a fault can freeze, fill, turn read-only, or cut off.

The image is ext4 on a loop device (ext4(5), losetup(8)), so root is needed. A power cut is the file system's own
shutdown without a flush of its journal (`EXT4_IOC_SHUTDOWN`, `EXT4_GOING_FLAGS_NOLOGFLUSH` of linux/fs/ext4/ext4.h):
all that was not synced since the last commit is dropped, what fsync(2) returned for is there after the next mount. A
commit of the journal is due only every five minutes, so that little is written that nobody asked to be.
"""

import fcntl
import os
import struct
import subprocess
import time
from contextlib import suppress
from pathlib import Path

# _IOR('X', 125, __u32), and its argument for "do not flush the journal".
_SHUTDOWN = 0x8004587D
_NO_FLUSH = 2

_FILLER = "filler"

# How long an image that is unmounted may be in use elsewhere, in seconds.
_IN_USE = 120.0


class Disk:
    """One image at `image`, mounted at `place` with `size` bytes (the image's file is sparse)."""

    def __init__(self, image: Path, place: Path, size: int) -> None:
        self._image, self.place = image, place
        with image.open("wb") as stream:
            stream.truncate(size)
        _run("mkfs.ext4", "-q", "-F", str(image))
        place.mkdir(parents=True, exist_ok=True)
        self.mount()
        # A directory of ext4's own, where Postfix expects its own queues alone.
        (place / "lost+found").rmdir()

    def mount(self) -> None:
        """Mount it; the journal is replayed first, and errors are mended."""
        if self.place.is_mount():
            return
        # 1 is "errors corrected" (e2fsck(8)).
        subprocess.run(["e2fsck", "-p", str(self._image)], capture_output=True, check=False, timeout=120)
        _run("mount", "-o", "loop,commit=300", str(self._image), str(self.place))

    def unmount(self) -> None:
        """Unmount it, at the latest when the last process that uses it is gone.

        A namespace that somebody made meanwhile, such as a container's, has a copy of the mount. Until that is gone,
        the next mount would give the file system as it is now: cut off, or read-only.
        """
        if self.place.is_mount():
            _run("umount", str(self.place))
        deadline = time.monotonic() + _IN_USE
        while _run("losetup", "-j", str(self._image)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self._image} is mounted in another namespace")
            time.sleep(0.05)

    def remove(self) -> None:
        """Unmount it in any state."""
        self.thaw()
        subprocess.run(["umount", "-l", str(self.place)], capture_output=True, check=False, timeout=60)

    def sync(self) -> None:
        """Write all that is there to the image, as it is long since on a site that was installed before."""
        _run("sync", "-f", str(self.place))

    def cut(self) -> None:
        """Drop what was not synced; from now on every access fails, until it is mounted anew."""
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _NO_FLUSH))
        finally:
            os.close(descriptor)

    def turn_read_only(self) -> None:
        """Have the file system turn read-only under all who use it, as after an error of the disk."""
        _run("mount", "-o", "remount,abort", str(self.place))

    def freeze(self) -> None:
        """Have every write wait."""
        with suppress(subprocess.CalledProcessError):  # another fault may have it unmounted
            _run("fsfreeze", "-f", str(self.place))

    def thaw(self) -> None:
        """Let writes go on."""
        with suppress(subprocess.CalledProcessError):
            _run("fsfreeze", "-u", str(self.place))

    def fill(self) -> None:
        """Take all room that is left."""
        with (self.place / _FILLER).open("wb") as stream, suppress(OSError):
            while True:
                stream.write(bytes(2**20))
                stream.flush()

    def empty(self) -> None:
        """Give the room back, for good: what is not synced may be full again after the next power cut."""
        (self.place / _FILLER).unlink(missing_ok=True)
        self.sync()


def available() -> bool:
    """Say whether this process may mount an image."""
    return os.geteuid() == 0 and Path("/dev/loop-control").exists()


def _run(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True, timeout=120).stdout
