"""Checks whether a socket has a listener, and whether the milter's own socket answers as Postfix expects."""

import errno
import socket
import struct
from pathlib import Path

from holdgate.milters import Place, place_of

_TIMEOUT = 10.0

# SMFIC_OPTNEG of libmilter's mfdef.h: version 6; every action and every protocol step offered, as Postfix does.
_NEGOTIATE = struct.pack("!cIII", b"O", 6, 0x1FF, 0x1FFFFF)
_QUIT = b"Q"


def answers(address: str) -> bool:
    """Return whether the milter at `address` (in the notation of the settings) negotiates, for the systemd watchdog.

    The response comes from the interpreter that runs the callbacks, so a milter that accepts connections and then hangs
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
    """Return whether a process listens there, or None if this user must not connect."""
    try:
        _connect(place).close()
    except PermissionError:
        return None
    except OSError as error:
        # A socket of another type than the tried one, such as the scan service's, is in use: an abandoned one refuses
        # (unix(7)).
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
