"""What pool, zygote and workers say to each other: JSON with its length in front, and open descriptors beside it.

A worker has read hostile input, so nothing it says is ever unpickled, and an answer has a largest size.
"""

import json
import os
import socket
import struct
import time
from typing import Any

_LENGTH = struct.Struct("!I")
ANSWER_LIMIT = 256 * 2**20


class WireError(Exception):
    """The other side is gone or says what it must not."""


def send(connection: socket.socket, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
    """Send one message, with open descriptors beside it. Raises OSError, TimeoutError by the connection's own time."""
    content = json.dumps(message).encode()
    frame = _LENGTH.pack(len(content)) + content
    if descriptors:
        sent = socket.send_fds(connection, [frame], descriptors)
        frame = frame[sent:]
    connection.sendall(frame)


def receive(
    connection: socket.socket, descriptors: int = 0, timeout: float | None = None
) -> tuple[dict[str, Any], list[int]]:
    """Receive one message with up to `descriptors` open descriptors, which then are the caller's to close.

    Raises WireError at the end of the stream and on nonsense, OSError, and TimeoutError when the message is not whole
    after `timeout` seconds.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    connection.settimeout(timeout)
    frame, received, _, _ = socket.recv_fds(connection, _LENGTH.size, descriptors)
    try:
        frame += _exactly(connection, _LENGTH.size - len(frame), deadline) if frame else b""
        if not frame:
            raise WireError("closed")
        (length,) = _LENGTH.unpack(frame)
        if length > ANSWER_LIMIT:
            raise WireError("an answer beyond all bounds")
        message = json.loads(_exactly(connection, length, deadline))
        if not isinstance(message, dict):
            raise WireError("not an object")
    except (WireError, ValueError, RecursionError, OSError) as error:
        for descriptor in received:
            os.close(descriptor)
        if isinstance(error, (WireError, OSError)):
            raise
        raise WireError("not JSON") from error
    return message, list(received)


def _exactly(connection: socket.socket, count: int, deadline: float | None) -> bytes:
    received = bytearray()
    while len(received) < count:
        if deadline is not None:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
        chunk = connection.recv(min(count - len(received), 2**20))
        if not chunk:
            raise WireError("closed")
        received += chunk
    return bytes(received)
