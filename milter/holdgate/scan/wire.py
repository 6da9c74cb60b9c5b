"""The protocol between pool, zygote and workers: one frame in each direction, with open descriptors or bytes.

A frame is its length (4 bytes, big-endian), a JSON object and, if a message is sent inside it, a line feed and the
message.
A worker has read hostile input, so its output is never unpickled, and an answer has a maximum size.
"""

import json
import os
import socket
import struct
import time
from typing import Any

_LENGTH = struct.Struct("!I")
_CHUNK = 2**17
_TIMEVAL = struct.Struct("@ll")
_DESCRIPTOR = struct.Struct("@i")

ANSWER_LIMIT = 8 * 2**20
"""Maximum size of an answer about a message, in bytes: findings and names, no content."""
TEXT_LIMIT = 64 * 2**20
"""Maximum size of an answer with a message's text, in bytes; only `holdgate extract` requests it."""


class WireError(Exception):
    """The peer has disconnected or sent invalid data."""


def send(
    connection: socket.socket, message: dict[str, Any], descriptors: tuple[int, ...] = (), content: bytes = b""
) -> None:
    """Send a frame. Raises OSError, and TimeoutError by the connection's own time limit."""
    send_encoded(connection, json.dumps(message).encode(), descriptors, content)


def send_encoded(
    connection: socket.socket, message: bytes, descriptors: tuple[int, ...] = (), content: bytes = b""
) -> None:
    """Send a frame whose object is already JSON, without a line feed in it."""
    if content:
        message += b"\n" + content
    frame = _LENGTH.pack(len(message)) + message
    if descriptors:
        sent = socket.send_fds(connection, [frame], descriptors)
        if sent == len(frame):
            return
        frame = frame[sent:]
    try:
        connection.sendall(frame)
    except BlockingIOError as error:  # the time limit set by `set_timeout`
        raise TimeoutError from error


def send_at_once(connection: socket.socket, message: dict[str, Any]) -> None:
    """Send a short frame if that is possible without waiting, else raise BlockingIOError. Raises OSError."""
    encoded = json.dumps(message).encode()
    connection.send(_LENGTH.pack(len(encoded)) + encoded, socket.MSG_DONTWAIT)


def receive(
    connection: socket.socket, descriptors: int = 0, timeout: float | None = None, limit: int = ANSWER_LIMIT
) -> tuple[dict[str, Any], list[int]]:
    """Receive one object with up to `descriptors` open descriptors, which the caller must close.

    Raises WireError at the end of the stream and for invalid data, OSError, and TimeoutError if the frame is not
    complete
    after `timeout` seconds.
    """
    connection.settimeout(None)
    set_timeout(connection, timeout or 0.0)
    message, _, received = receive_job(connection, descriptors, timeout, limit)
    return message, received


def receive_job(
    connection: socket.socket, descriptors: int = 0, timeout: float | None = None, limit: int = ANSWER_LIMIT
) -> tuple[dict[str, Any], bytes, list[int]]:
    """Receive one object, the message sent inside its frame (b"" if there is none), and open descriptors."""
    frame, received = receive_frame(connection, descriptors, timeout, limit)
    encoded, _, content = frame.partition(b"\n")
    try:
        message = json.loads(encoded)
        if not isinstance(message, dict):
            raise WireError("not an object")
    except (WireError, ValueError, RecursionError) as error:
        _close(received)
        if isinstance(error, WireError):
            raise
        raise WireError("not JSON") from error
    return message, content, received


def receive_frame(
    connection: socket.socket, descriptors: int = 0, timeout: float | None = None, limit: int = ANSWER_LIMIT
) -> tuple[bytes, list[int]]:
    """Receive an unparsed frame of at most `limit` bytes. There is one at a time on a connection.

    Raises as `receive` does. `timeout` limits the complete frame; `set_timeout` limits the wait for its first byte.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    received: list[int] = []
    try:
        if descriptors:
            data, received = _receive_with(connection, descriptors)
        else:
            data = connection.recv(_CHUNK)
        if not data:
            raise WireError("closed")
        if len(data) < _LENGTH.size:
            data += _exactly(connection, _LENGTH.size - len(data), deadline)
        (length,) = _LENGTH.unpack_from(data)
        if length > limit:
            raise WireError("an answer beyond all bounds")
        missing = length + _LENGTH.size - len(data)
        if missing < 0:
            raise WireError("more than one frame")
        return data[_LENGTH.size :] + (_exactly(connection, missing, deadline) if missing else b""), list(received)
    except BlockingIOError as error:
        _close(received)
        raise TimeoutError from error
    except (WireError, OSError):
        _close(received)
        raise


def read_frame(descriptor: int, limit: int = ANSWER_LIMIT) -> bytes:
    """Read a frame with read(2) only, so that accompanying descriptors are dropped. Raises WireError and OSError."""
    (length,) = _LENGTH.unpack(_read(descriptor, _LENGTH.size))
    if length > limit:
        raise WireError("an answer beyond all bounds")
    return _read(descriptor, length)


def set_timeout(connection: socket.socket, seconds: float) -> None:
    """Have the kernel end a blocking send or receive after `seconds`, 0 for never (socket(7), SO_RCVTIMEO)."""
    value = _TIMEVAL.pack(int(seconds), int(seconds % 1 * 1_000_000))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)


def _exactly(connection: socket.socket, count: int, deadline: float | None) -> bytes:
    received = bytearray()
    while len(received) < count:
        if deadline is not None:
            set_timeout(connection, max(deadline - time.monotonic(), 0.001))
        chunk = connection.recv(min(count - len(received), 2**20))
        if not chunk:
            raise WireError("closed")
        received += chunk
    return bytes(received)


def _receive_with(connection: socket.socket, descriptors: int) -> tuple[bytes, list[int]]:
    """Receive bytes and up to `descriptors` descriptors that programs started by this process do not inherit.

    `socket.recv_fds` ignores its flags (Python gh-107898), so it would make them inheritable.
    """
    data, ancillary, _, _ = connection.recvmsg(
        _CHUNK, socket.CMSG_LEN(descriptors * _DESCRIPTOR.size), socket.MSG_CMSG_CLOEXEC
    )
    received = [
        descriptor
        for level, kind, encoded in ancillary
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
        for (descriptor,) in _DESCRIPTOR.iter_unpack(encoded[: len(encoded) // _DESCRIPTOR.size * _DESCRIPTOR.size])
    ]
    return data, received


def _read(descriptor: int, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        chunk = os.read(descriptor, min(count - len(received), 2**20))
        if not chunk:
            raise WireError("closed")
        received += chunk
    return bytes(received)


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
