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
def test_a_cut_frame_or_one_without_an_object_is_refused(pair: Pair, frame: bytes) -> None:
    pair[0].sendall(frame)
    pair[0].close()
    with pytest.raises(wire.WireError):
        wire.receive(pair[1])


def test_a_peer_that_sends_slowly_gets_no_extra_time(pair: Pair) -> None:
    pair[0].sendall(b"\0\0\0\5{")
    with pytest.raises(TimeoutError):
        wire.receive(pair[1], timeout=0.05)


def test_an_answer_over_the_limit_is_refused_before_it_is_read(pair: Pair) -> None:
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
def test_a_message_is_sent_in_the_frame_of_its_job(content: bytes) -> None:
    left, right = socket.socketpair()
    with left, right:
        sending = threading.Thread(target=wire.send, args=(left, {"do": "inspect", "name": "a\nb"}, (), content))
        sending.start()
        assert wire.receive_job(right) == ({"do": "inspect", "name": "a\nb"}, content, [])
        sending.join()


def test_a_job_that_no_peer_reads_times_out(pair: Pair) -> None:
    wire.set_timeout(pair[0], 0.05)
    with pytest.raises(TimeoutError):
        wire.send(pair[0], {}, content=bytes(2**23))


@pytest.mark.parametrize("content", [b"", b"{}", b"x" * 300_000])
def test_a_frame_is_read_from_a_descriptor_without_the_following_bytes(content: bytes) -> None:
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
def test_an_incomplete_frame_is_an_error(sent: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            theirs.sendall(sent)
        with pytest.raises(wire.WireError):
            wire.read_frame(ours.fileno(), limit=16)


def test_a_frame_exactly_at_the_limit_is_accepted(pair: Pair) -> None:
    pair[0].sendall(struct.pack("!I", 10) + b"x" * 10)
    assert wire.receive_frame(pair[1], limit=10) == (b"x" * 10, [])
    pair[0].sendall(struct.pack("!I", 10) + b"y" * 10)
    assert wire.read_frame(pair[1].fileno(), limit=10) == b"y" * 10
    pair[0].sendall(struct.pack("!I", 11) + b"z" * 11)
    with pytest.raises(wire.WireError, match="beyond all bounds"):
        wire.read_frame(pair[1].fileno(), limit=10)


def test_a_frame_sent_in_pieces_is_reassembled(pair: Pair) -> None:
    encoded = b'{"a":"' + b"x" * 300_000 + b'"}'
    frame = struct.pack("!I", len(encoded)) + encoded

    def send() -> None:
        for at in range(3):
            pair[0].sendall(frame[at : at + 1])
        pair[0].sendall(frame[3:])

    thread = threading.Thread(target=send)
    thread.start()
    assert wire.receive(pair[1], timeout=30)[0] == {"a": "x" * 300_000}
    thread.join()


@pytest.mark.parametrize("frame", [b"\0\0\0\2[]", b"\0\0\0\1x", b"\0\0\0\5{", b"\xff\0\0\0{", b"\0\0\0\0{"])
def test_descriptors_of_a_refused_frame_are_closed(pair: Pair, frame: bytes) -> None:
    with open(os.devnull, "rb") as file:  # noqa: PTH123
        socket.send_fds(pair[0], [frame], [file.fileno()])
    pair[0].close()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with pytest.raises(wire.WireError):
        wire.receive(pair[1], descriptors=1)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_descriptors_of_a_late_frame_are_closed(pair: Pair) -> None:
    with open(os.devnull, "rb") as file:  # noqa: PTH123
        socket.send_fds(pair[0], [b"\0\0\0\5{"], [file.fileno()])
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with pytest.raises(TimeoutError):
        wire.receive(pair[1], descriptors=1, timeout=0.05)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_received_descriptor_is_not_inherited_by_programs(pair: Pair) -> None:
    with open(os.devnull, "rb") as file:  # noqa: PTH123
        wire.send(pair[0], {}, (file.fileno(),))
    _, (received,) = wire.receive(pair[1], descriptors=1)
    assert os.get_inheritable(received) is False
    os.close(received)


def test_no_more_descriptors_are_accepted_than_requested(pair: Pair) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with open(os.devnull, "rb") as file:  # noqa: PTH123
        wire.send(pair[0], {}, (file.fileno(), file.fileno(), file.fileno()))
    _, received = wire.receive(pair[1], descriptors=1)
    assert len(received) == 1
    os.close(received[0])
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_frame_with_a_descriptor_sent_in_pieces_arrives_completely(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_fds = socket.send_fds
    monkeypatch.setattr(socket, "send_fds", lambda one, frames, fds: send_fds(one, [frames[0][:7]], fds))
    with open(os.devnull, "rb") as file:  # noqa: PTH123
        wire.send(pair[0], {"do": "x"}, (file.fileno(),), content=b"content")
    message, content, (received,) = wire.receive_job(pair[1], descriptors=1)
    assert (message, content) == ({"do": "x"}, b"content")
    os.close(received)


def test_a_short_order_is_sent_without_waiting() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        wire.send_at_once(ours, {"do": "end", "worker": 7})
        assert wire.receive(theirs, timeout=30)[0] == {"do": "end", "worker": 7}
        with pytest.raises(BlockingIOError):  # noqa: PT012 (which of them is the last depends on the kernel)
            while True:
                wire.send_at_once(ours, {"do": "end"})


@pytest.mark.parametrize(
    ("seconds", "value"),
    [(0.0, (0, 0)), (2.25, (2, 250_000)), (60.0, (60, 0)), (0.001, (0, 1_000)), (1.9999999, (2, 0))],
)
def test_a_wait_has_a_time_limit_in_the_kernel(pair: Pair, seconds: float, value: tuple[int, int]) -> None:
    wire.set_timeout(pair[0], seconds)
    size = struct.calcsize("@ll")
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        given, microseconds = struct.unpack("@ll", pair[0].getsockopt(socket.SOL_SOCKET, option, size))
        # The kernel counts in ticks.
        assert given + microseconds / 1e6 == pytest.approx(value[0] + value[1] / 1e6, abs=0.01)


def test_receive_waits_for_the_first_byte_up_to_its_limit_or_forever_without_one(pair: Pair) -> None:
    size = struct.calcsize("@ll")

    def bound_of(one: socket.socket) -> int:
        return int(struct.unpack("@ll", one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, size))[0])

    for timeout, set_timeout in ((7.0, 7), (None, 0)):
        wire.send(pair[0], {})
        wire.receive(pair[1], timeout=timeout)
        assert bound_of(pair[1]) == set_timeout


@pytest.mark.parametrize("encoded", [b"{}", b"[" * 100_000, b"\xff"], ids=["object", "deep", "no UTF-8"])
def test_json_that_cannot_be_read_is_an_error_of_the_peer(pair: Pair, encoded: bytes) -> None:
    thread = threading.Thread(target=pair[0].sendall, args=(struct.pack("!I", len(encoded)) + encoded,))
    thread.start()
    if encoded == b"{}":
        assert wire.receive(pair[1], timeout=30) == ({}, [])
    else:
        with pytest.raises(wire.WireError, match=r"^not JSON$"):
            wire.receive(pair[1], timeout=30)
    thread.join()
