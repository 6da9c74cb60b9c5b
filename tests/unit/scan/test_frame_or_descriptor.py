"""How a worker gets a message: in the frame of its job, or by a read-only descriptor."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdgate.scan import pool


@pytest.fixture
def message() -> Iterator[int]:
    descriptor = os.memfd_create("message")
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("size", [0, 1, 65_536])
def test_a_short_message_goes_in_the_frame(message: int, size: int) -> None:
    os.write(message, b"x" * size)
    assert pool._frame_or_descriptor(message) == (b"x" * size, ())
    assert pool._frame_or_descriptor(b"x" * size) == (b"x" * size, ())


def test_the_descriptor_of_a_long_message_cannot_write(message: int) -> None:
    os.write(message, b"x" * 65_537)
    content, (descriptor,) = pool._frame_or_descriptor(message)
    assert content == b""
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        os.write(descriptor, b"y")
    assert os.pread(descriptor, 100_000, 0) == b"x" * 65_537
    # What is written through another way is refused by its rights, too.
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        os.ftruncate(descriptor, 0)
    assert Path(f"/proc/self/fdinfo/{descriptor}").read_text().split()[3][-1] == "0"
    os.close(descriptor)
