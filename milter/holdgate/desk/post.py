"""Submits the desk's mail to Postfix."""

import contextlib
import smtplib
from collections.abc import Iterator
from pathlib import Path

from holdgate.desk.channel import AwayError, RefusedError
from holdgate.submission import SMTP_TIMEOUT, connect, submit

__all__ = ["refusals", "submit", "submit_one"]

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


def submit_one(content: bytes, recipient: str, relay: tuple[str, int] | Path, sender: str = "") -> None:
    """Submit a message to Postfix. Raises smtplib's errors and OSError."""
    header, _, _ = content.partition(b"\r\n\r\n")
    with connect(relay, SMTP_TIMEOUT) as connection:
        connection.ehlo_or_helo_if_needed()
        options = ["BODY=8BITMIME"] if connection.has_extn("8bitmime") else []
        if connection.has_extn("smtputf8") and not (header.isascii() and recipient.isascii()):
            options.append("SMTPUTF8")
        connection.sendmail(sender, [recipient], content, options)
