"""Opens an SMTP connection to this machine's Postfix, over TCP or a unix socket."""

import smtplib
import socket
from pathlib import Path


class LocalSMTP(smtplib.SMTP):
    """SMTP over a unix socket, which smtplib supports for LMTP only."""

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = path
        super().__init__("localhost", timeout=timeout)

    def _get_socket(self, _host: str, _port: int, timeout: float) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            raise
        return connection


def connect(relay: tuple[str, int] | Path, timeout: float) -> smtplib.SMTP:
    """Connect; `timeout` is in seconds, for each step. Raises smtplib's errors and OSError."""
    if isinstance(relay, Path):
        return LocalSMTP(relay, timeout)
    return smtplib.SMTP(*relay, timeout=timeout)
