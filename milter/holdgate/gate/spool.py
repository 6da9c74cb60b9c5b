"""Collects a message outside the Python heap: in an anonymous memory file while small, on disk if it grows.

Neither file has a name, so a killed daemon leaves nothing behind.
"""

import os
from pathlib import Path

_BUFFER = 2**16
# Linux copies at most this many bytes in one sendfile(2).
_COPY = 2**30


class Spool:
    """Bytes written in order, read back by `message`.

    The first bytes stay in a buffer; up to `memory` bytes go to a memory file (memfd_create(2)); a larger message goes
    to an unnamed file in `directory` (open(2), O_TMPFILE). Writing raises OSError if the disk is full.
    """

    def __init__(self, directory: Path, memory: int) -> None:
        self._directory = directory
        self._memory = memory
        self._buffer = bytearray()
        self._in_memory = True
        self.descriptor = -1
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._buffer += data
        self.size += len(data)
        if len(self._buffer) >= _BUFFER:
            self._flush()

    def message(self) -> int | bytes:
        """Return everything written: bytes if it is short, else a descriptor that is read from the start."""
        if self.descriptor < 0:
            return bytes(self._buffer)
        self._flush()
        return self.descriptor

    def close(self) -> None:
        """Release memory and disk. Can be called twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        self._buffer = bytearray()

    def _flush(self) -> None:
        if self.descriptor < 0:
            self.descriptor = os.memfd_create("holdgate-message", os.MFD_CLOEXEC)
        if self._in_memory and self.size > self._memory:
            self._move_to_disk()
        # A bytearray cannot be resized while a memoryview of it exists, and Python 3.14 releases a call's arguments
        # later than expected. So it is replaced, not cleared.
        buffer, self._buffer = self._buffer, bytearray()
        with memoryview(buffer) as whole:
            written = 0
            while written < len(whole):
                with whole[written:] as rest:
                    written += os.write(self.descriptor, rest)

    def _move_to_disk(self) -> None:
        on_disk = os.open(self._directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            offset, end = 0, self.size - len(self._buffer)
            while offset < end:
                offset += os.sendfile(on_disk, self.descriptor, offset, min(end - offset, _COPY))
        except OSError:
            os.close(on_disk)
            raise
        os.close(self.descriptor)
        self.descriptor = on_disk
        self._in_memory = False
