"""Asks our own milter socket, as Postfix would, whether somebody answers: for systemd's readiness and watchdog."""

import re
import socket
import struct

_TIMEOUT = 10.0

# SMFIC_OPTNEG of libmilter's mfdef.h: version 6, every action and every protocol step offered, as Postfix does.
_NEGOTIATE = struct.pack("!cIII", b"O", 6, 0x1FF, 0x1FFFFF)
_QUIT = b"Q"


def answers(address: str) -> bool:
    """Say whether the milter at `address` ("unix:/path", "inet:PORT@HOST") negotiates.

    The answer comes from the callbacks' own interpreter, so that a milter that accepts connections and then hangs
    does not count as alive.
    """
    try:
        with connect(address) as connection:
            connection.sendall(_packet(_NEGOTIATE))
            answer = connection.recv(5, socket.MSG_WAITALL)
            connection.sendall(_packet(_QUIT))
    except OSError:
        return False
    return answer[4:5] == b"O"


def _packet(data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + data


def connect(address: str) -> socket.socket:
    """Connect to "unix:/path" or "inet:PORT@HOST". Raises OSError."""
    match = re.fullmatch(r"inet6?:(\d+)@(.+)", address)
    if match:
        return socket.create_connection((match[2].strip("[]"), int(match[1])), timeout=_TIMEOUT)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_TIMEOUT)
    try:
        connection.connect(address.removeprefix("unix:"))
    except OSError:
        connection.close()
        raise
    return connection
