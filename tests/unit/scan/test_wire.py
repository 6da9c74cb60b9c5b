import os
import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_an_answer_beyond_the_limit_is_refused_before_it_is_read(pair: Pair) -> None:
    pair[0].sendall((300 * 2**20).to_bytes(4, "big") + b"{")
    with pytest.raises(wire.WireError, match="beyond all bounds"):
        wire.receive(pair[1], timeout=30)
    wire.send(pair[0], {"x": "y" * 100})
    with pytest.raises(wire.WireError, match="beyond all bounds"):
        wire.receive(pair[1], timeout=30, limit=100)


def test_two_frames_at_once_are_refused(pair: Pair) -> None:
    wire.send(pair[0], {})
    wire.send(pair[0], {})
    with pytest.raises(wire.WireError, match="more than one"):
        wire.receive(pair[1])


@given(st.binary(max_size=300_000))
def test_a_message_goes_in_the_frame_of_its_job(content: bytes) -> None:
    left, right = socket.socketpair()
    with left, right:
        sending = threading.Thread(target=wire.send, args=(left, {"do": "inspect", "name": "a\nb"}, (), content))
        sending.start()
        assert wire.receive_job(right) == ({"do": "inspect", "name": "a\nb"}, content, [])
        sending.join()


def test_nobody_who_takes_the_job_is_a_timeout(pair: Pair) -> None:
    wire.bound(pair[0], 0.05)
    with pytest.raises(TimeoutError):
        wire.send(pair[0], {}, content=bytes(2**23))


@pytest.mark.parametrize("content", [b"", b"{}", b"x" * 300_000])
def test_a_frame_is_read_from_a_descriptor_and_nothing_behind_it(content: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sending = threading.Thread(target=theirs.sendall, args=(struct.pack("!I", len(content)) + content + b"more",))
        sending.start()
        assert wire.read_frame(ours.fileno()) == content
        sending.join()
        assert ours.recv(10) == b"more"


@pytest.mark.parametrize(
    "sent", [b"", b"\0", b"\0\0\0\2{", b"\0\0\0\x11" + b"x" * 17], ids=["", "a byte", "cut", "long"]
)
def test_what_is_no_whole_frame_is_an_error(sent: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            theirs.sendall(sent)
        with pytest.raises(wire.WireError):
            wire.read_frame(ours.fileno(), limit=16)
