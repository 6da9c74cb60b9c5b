"""Submits the desk's mail to Postfix."""

import contextlib
import smtplib
from collections.abc import Iterator, Sequence
from pathlib import Path

from holdgate.desk.channel import AwayError, RefusedError
from holdgate.submission import Client, connect, queue_id_in, xclient

_SMTP_TIMEOUT = 60


_AWAY = (ConnectionError, TimeoutError, FileNotFoundError, smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError)


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Convert smtplib's errors to a channel's, without Postfix's text, which may repeat an address."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, _ = next(iter(error.recipients.values()))
        raise RefusedError(f"recipient refused with {code}", permanent=code >= 500, code=code) from error
    except _AWAY as error:
        raise AwayError from error
    except smtplib.SMTPSenderRefused as error:
        raise RefusedError(f"sender refused with {error.smtp_code}", code=error.smtp_code) from error
    except smtplib.SMTPResponseException as error:
        raise RefusedError(f"refused with {error.smtp_code}", code=error.smtp_code) from error


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
    with connect(relay, _SMTP_TIMEOUT) as connection:
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


def submit_one(content: bytes, recipient: str, relay: tuple[str, int] | Path, sender: str = "") -> None:
    """Submit a message to Postfix. Raises smtplib's errors and OSError."""
    header, _, _ = content.partition(b"\r\n\r\n")
    with connect(relay, _SMTP_TIMEOUT) as connection:
        connection.ehlo_or_helo_if_needed()
        options = ["BODY=8BITMIME"] if connection.has_extn("8bitmime") else []
        if connection.has_extn("smtputf8") and not (header.isascii() and recipient.isascii()):
            options.append("SMTPUTF8")
        connection.sendmail(sender, [recipient], content, options)
