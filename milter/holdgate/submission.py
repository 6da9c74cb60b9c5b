"""Opens an SMTP connection to this machine's Postfix, over TCP or a unix socket."""

import re
import smtplib
import socket
from dataclasses import dataclass
from pathlib import Path

# Characters that must be encoded in XCLIENT's values (RFC 1891, xtext).
_XTEXT = re.compile(r"[^!-*,-<>-~]")
_QUEUED = re.compile(rb"\bqueued as ([0-9A-Za-z]{4,32})\b")


@dataclass(frozen=True, slots=True)
class Client:
    """An SMTP client, as a milter sees it: its address, the DNS name of that, and its login; "" for none."""

    name: str
    address: str
    login: str


def xclient(client: Client) -> str:
    """Return the command by which Postfix and its milters treat a message as this client's (XCLIENT_README)."""
    known = {
        "NAME": "" if client.name.startswith("[") or client.name == "unknown" else client.name,
        "ADDR": f"IPV6:{client.address}" if ":" in client.address else client.address,
        "LOGIN": client.login,
    }
    return " ".join(("XCLIENT", *(f"{key}={_xtext(value) or '[UNAVAILABLE]'}" for key, value in known.items())))


def queue_id_in(answer: bytes) -> str:
    """Return the queue id in Postfix's reply to a message, "" if it reports none."""
    found = _QUEUED.search(answer)
    return found[1].decode() if found else ""


def _xtext(value: str) -> str:
    return _XTEXT.sub(lambda match: "".join(f"+{byte:02X}" for byte in match[0].encode()), value)


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
