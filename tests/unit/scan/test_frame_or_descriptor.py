"""How a worker gets a message: in the frame of its job, or by a read-only descriptor."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdgate.scan.content import content_of


@pytest.fixture
def message() -> Iterator[int]:
    descriptor = os.memfd_create("message")
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("size", [0, 1, 65_536])
def test_a_short_message_is_sent_in_the_frame(message: int, size: int) -> None:
    os.write(message, b"x" * size)
    for given in (message, b"x" * size):
        with content_of(given) as passed:
            assert passed == (b"x" * size, ())


def test_the_descriptor_of_a_long_message_is_read_only(message: int) -> None:
    os.write(message, b"x" * 65_537)
    with content_of(message) as (content, (descriptor,)):
        assert content == b""
        with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
            os.write(descriptor, b"y")
        assert os.pread(descriptor, 100_000, 0) == b"x" * 65_537
        # Other ways to write to the file are refused too.
        with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
            os.ftruncate(descriptor, 0)
        assert Path(f"/proc/self/fdinfo/{descriptor}").read_text().split()[3][-1] == "0"


def test_the_descriptor_is_closed_when_the_worker_is_lost(message: int) -> None:
    os.write(message, b"x" * 65_537)
    with contextlib.suppress(ZeroDivisionError), content_of(message) as (_, descriptors):
        raise ZeroDivisionError
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        os.fstat(descriptors[0])
