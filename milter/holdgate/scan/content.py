"""How a message is passed to a worker: in the frame of its job, or by a read-only descriptor."""

import contextlib
import os
from collections.abc import Iterator

# A message up to this size in bytes is small: it can use the reserved place, and a process for plain text.
SMALL = 2**18
# Up to this size in bytes a message is sent in the frame of its job; a larger one is passed as a descriptor.
_IN_FRAME = 2**16


def size_of(message: int | bytes) -> int:
    """Return the size in bytes of a message, given as bytes or by a descriptor."""
    return len(message) if isinstance(message, bytes) else os.fstat(message).st_size


@contextlib.contextmanager
def content_of(message: int | bytes) -> Iterator[tuple[bytes, tuple[int, ...]]]:
    """Yield what is sent in the frame, and the descriptors sent with it, which are closed afterwards.

    The descriptor is read-only, so a worker cannot change the message.
    """
    if isinstance(message, bytes):
        yield message, ()
        return
    size = os.fstat(message).st_size
    if size <= _IN_FRAME:
        yield os.pread(message, size, 0), ()
        return
    descriptor = os.open(f"/proc/self/fd/{message}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield b"", (descriptor,)
    finally:
        os.close(descriptor)
