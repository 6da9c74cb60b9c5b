"""A disk for part of a site: a file-system image that a fault can freeze, fill, turn read-only, or cut off.

The image is ext4 on a loop device (ext4(5), losetup(8)), so root is needed. A power cut is the file system's own
shutdown without a flush of its journal (`EXT4_IOC_SHUTDOWN`, `EXT4_GOING_FLAGS_NOLOGFLUSH` of linux/fs/ext4/ext4.h):
all data not synced since the last commit is dropped, and data for which fsync(2) returned is kept. The journal is
committed only every five minutes, so that little is written without a request.
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
        # ext4 created this directory; Postfix expects only its own queues here.
        (place / "lost+found").rmdir()

    def mount(self) -> None:
        """Mount it; the journal is replayed first, and errors are fixed."""
        if self.place.is_mount():
            return
        # 1 is "errors corrected" (e2fsck(8)).
        subprocess.run(["e2fsck", "-p", str(self._image)], capture_output=True, check=False, timeout=120)
        _run("mount", "-o", "loop,commit=300", str(self._image), str(self.place))

    def unmount(self) -> None:
        """Unmount it, at the latest when the last process that uses it has ended.

        A mount namespace created in the meantime, such as a container's, has a copy of the mount. While it exists,
        the next mount would return the file system in its current state: cut off, or read-only.
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
        """Sync everything to the image, as on a site that was installed long before."""
        _run("sync", "-f", str(self.place))

    def cut(self) -> None:
        """Drop data that was not synced; every access fails until it is mounted again."""
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _NO_FLUSH))
        finally:
            os.close(descriptor)

    def turn_read_only(self) -> None:
        """Make the file system read-only for all users, as after a disk error."""
        _run("mount", "-o", "remount,abort", str(self.place))

    def freeze(self) -> None:
        """Block every write."""
        with suppress(subprocess.CalledProcessError):  # another fault may have it unmounted
            _run("fsfreeze", "-f", str(self.place))

    def thaw(self) -> None:
        """Unblock writes."""
        with suppress(subprocess.CalledProcessError):
            _run("fsfreeze", "-u", str(self.place))

    def fill(self) -> None:
        """Use all free space."""
        with (self.place / _FILLER).open("wb") as stream, suppress(OSError):
            while True:
                stream.write(bytes(2**20))
                stream.flush()

    def empty(self) -> None:
        """Free the space, synced: otherwise the disk could be full again after the next power cut."""
        (self.place / _FILLER).unlink(missing_ok=True)
        self.sync()


def available() -> bool:
    """Return whether this process can mount an image."""
    return os.geteuid() == 0 and Path("/dev/loop-control").exists()


def _run(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True, timeout=120).stdout
