import os
import socket
from collections.abc import Iterator

import pytest

from holdgate.scan import wire

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    left, right = socket.socketpair()
    with left, right:
        yield left, right


def test_a_message_and_a_descriptor_arrive(pair: Pair) -> None:
    read, write = os.pipe()
    wire.send(pair[0], {"do": "inspect", "name": "ä"}, (write,))
    message, (received,) = wire.receive(pair[1], descriptors=1)
    assert message == {"do": "inspect", "name": "ä"}
    os.write(received, b"through")
    assert os.read(read, 10) == b"through"
    for descriptor in (read, write, received):
        os.close(descriptor)


@pytest.mark.parametrize("frame", [b"", b"\0", b"\0\0\0\5{", b"\xff\xff\xff\xff", b"\0\0\0\2[]", b"\0\0\0\1x"])
def test_what_is_cut_or_no_object_is_refused(pair: Pair, frame: bytes) -> None:
    pair[0].sendall(frame)
    pair[0].close()
    with pytest.raises(wire.WireError):
        wire.receive(pair[1])


def test_a_side_that_dribbles_does_not_get_more_time(pair: Pair) -> None:
    pair[0].sendall(b"\0\0\0\5{")
    with pytest.raises(TimeoutError):
        wire.receive(pair[1], timeout=0.05)
