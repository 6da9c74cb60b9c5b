"""Submits mail to Postfix by SMTP, over TCP or a unix socket."""

import smtplib
import socket
from pathlib import Path

_SMTP_TIMEOUT = 60


class _LocalSMTP(smtplib.SMTP):
    """SMTP over a unix socket, which smtplib knows for LMTP alone."""

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


def _connect(relay: tuple[str, int] | Path) -> smtplib.SMTP:
    if isinstance(relay, Path):
        return _LocalSMTP(relay, _SMTP_TIMEOUT)
    return smtplib.SMTP(*relay, timeout=_SMTP_TIMEOUT)


def hand_over(content: bytes, recipient: str, relay: tuple[str, int] | Path, sender: str = "") -> None:
    """Give a message to Postfix. Raises smtplib's errors and OSError."""
    header, _, _ = content.partition(b"\r\n\r\n")
    with _connect(relay) as connection:
        connection.ehlo_or_helo_if_needed()
        options = ["BODY=8BITMIME"] if connection.has_extn("8bitmime") else []
        if connection.has_extn("smtputf8") and not (header.isascii() and recipient.isascii()):
            options.append("SMTPUTF8")
        connection.sendmail(sender, [recipient], content, options)
