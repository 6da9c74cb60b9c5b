"""Submits mail to this machine's Postfix by SMTP, over TCP or a unix socket."""

import re
import smtplib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SMTP_TIMEOUT = 60
"""Time limit of each step, in seconds."""

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


def submit(
    content: bytes,
    sender: str,
    recipients: Sequence[tuple[str, Sequence[str]]],
    relay: tuple[str, int] | Path,
    options: Sequence[str] = (),
    *,
    client: Client | None = None,
    is_declared: bool = False,
) -> str:
    """Submit one message with CRLF line ends to Postfix for all recipients, each with its options, or for none of them.

    `options` are those of MAIL; BODY and SMTPUTF8 are among them (`is_declared`), or set by what is submitted. With a
    `client`, Postfix treats the message as sent by it, or it is not submitted. Returns the queue id, "" if Postfix
    reports none. Raises smtplib's errors and OSError.
    """
    header, _, _ = content.partition(b"\r\n\r\n")
    with connect(relay, SMTP_TIMEOUT) as connection:
        connection.ehlo_or_helo_if_needed()
        if client is not None:
            _present(connection, client)
        dsn = connection.has_extn("dsn")
        given = [*(options if dsn else ())]
        is_ascii = header.isascii() and sender.isascii() and all(address.isascii() for address, _ in recipients)
        if not is_declared and connection.has_extn("8bitmime"):
            given.append("BODY=8BITMIME")
        if not is_declared and connection.has_extn("smtputf8") and not is_ascii:
            given.append("SMTPUTF8")
        code, answer = connection.mail(sender, given)
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, answer, sender)
        for address, wishes in recipients:
            code, answer = connection.rcpt(address, wishes if dsn else ())
            if code not in (250, 251):
                raise smtplib.SMTPRecipientsRefused({address: (code, answer)})
        code, answer = connection.data(content)
        if code != 250:
            raise smtplib.SMTPDataError(code, answer)
        return queue_id_in(answer)


def _present(connection: smtplib.SMTP, client: Client) -> None:
    """Have Postfix treat the following mail as sent by a client. Raises SMTPResponseException if it refuses."""
    code, answer = connection.docmd(xclient(client))
    if code != 220:
        raise smtplib.SMTPResponseException(code, answer)
    connection.ehlo()
