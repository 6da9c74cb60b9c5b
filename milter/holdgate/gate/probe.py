"""Asks whether somebody listens, and our own milter socket, as Postfix would, whether somebody answers there."""

import errno
import socket
import struct
from pathlib import Path

from holdgate.milters import Place, place_of

_TIMEOUT = 10.0

# SMFIC_OPTNEG of libmilter's mfdef.h: version 6, every action and every protocol step offered, as Postfix does.
_NEGOTIATE = struct.pack("!cIII", b"O", 6, 0x1FF, 0x1FFFFF)
_QUIT = b"Q"


def answers(address: str) -> bool:
    """Say whether the milter at `address`, written as in our settings, negotiates, as systemd's watchdog wants to know.

    The answer comes from the callbacks' own interpreter, so that a milter that accepts connections and then hangs
    does not count as alive.
    """
    try:
        with _connect(place_of(address)) as connection:
            connection.sendall(_packet(_NEGOTIATE))
            answer = connection.recv(5, socket.MSG_WAITALL)
            connection.sendall(_packet(_QUIT))
    except OSError:
        return False
    return answer[4:5] == b"O"


def _packet(data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + data


def listens(place: Place) -> bool | None:
    """Say whether somebody listens there; None where we may not ask."""
    try:
        _connect(place).close()
    except PermissionError:
        return None
    except OSError as error:
        # A socket of another kind than we tried, as the scan service's, is somebody's: a left one refuses (unix(7)).
        return error.errno == errno.EPROTOTYPE
    return True


def _connect(place: Place) -> socket.socket:
    """Connect to a path, or to host and port. Raises OSError."""
    if not isinstance(place, Path):
        return socket.create_connection(place, timeout=_TIMEOUT)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_TIMEOUT)
    try:
        connection.connect(str(place))
    except OSError:
        connection.close()
        raise
    return connection
