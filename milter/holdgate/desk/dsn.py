"""Writes the report that returns a message to its sender: a delivery status notification (RFC 3464, RFC 6533).

It is assembled from bytes, because the returned message must be in it unchanged, whatever its form.
"""

import base64
import re
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from holdgate import headers
from holdgate.desk.folding import SMTP
from holdgate.mask import MASK
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from holdgate.queue.wishes import Wishes

# For a rejection and for a missed deadline: delivery not authorized (RFC 3463, section 3.8: X.7.1).
_STATUS = "5.7.1"

# Longest line in bytes that SMTP must support (RFC 5321, 4.5.3.1.6, without CRLF).
_LINE_LENGTH = 998

_MESSAGE_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")

_HOLDGATE_FIELDS = re.compile(
    rb"^(?:" + b"|".join(re.escape(name.encode()) for name in headers.ALL) + rb")[ \t]*:.*\n(?:[ \t].*\n)*",
    re.IGNORECASE | re.MULTILINE,
)


def compose(
    incident: Incident,
    kind: State,
    text: tuple[str, str] | tuple[str, str, str],
    original: bytes | None,
    *,
    notice_from: str,
    now: datetime,
    wishes: Wishes = Wishes(),  # noqa: B008 (frozen)
) -> bytes:
    """Return the report as a message with CRLF line ends.

    `kind` is REJECTED or EXPIRED, `text` subject and explanation, as text and HTML ("" for none). `original` is the
    returned part of the message, made by `returned`, or None if the message no longer exists. `wishes` are the sender's
    (RFC 3461). The Message-ID is the same each time for one incident and kind, so that a report that was sent twice is
    recognised as one.
    """
    subject, explanation, html = (*text, "")[:3]
    boundary = f"=_{incident.id}_{kind}"
    first = text_part(explanation)
    if html:  # RFC 6522, section 3: the human-readable part can have any type
        either = multipart(
            EmailMessage(policy=SMTP), "alternative", f"{boundary}_text", [first, text_part(html, "html")]
        )
        first = either.removeprefix(b"MIME-Version: 1.0\r\n")
    parts = [first, _delivery_status(incident, kind, now, wishes)]
    if original is not None:
        parts.append(original)
    message = EmailMessage(policy=SMTP.clone(utf8=not incident.sender.isascii()))
    message["From"] = notice_from
    message["To"] = f"<{incident.sender}>"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{incident.id}.{kind}@{domain_of(notice_from)}>"
    message["Subject"] = subject
    if answered := safe_id(incident.message_id):
        message["In-Reply-To"] = message["References"] = answered
    # Prevents automatic answers (RFC 3834, section 5).
    message["Auto-Submitted"] = "auto-replied"
    return multipart(message, "report; report-type=delivery-status", boundary, parts)


def multipart(top: EmailMessage, subtype: str, boundary: str, parts: list[bytes]) -> bytes:
    """Assemble a message from its header fields and parts, which are bytes with header and CRLF line ends."""
    top["MIME-Version"] = "1.0"
    head = top.as_bytes().removesuffix(b"\r\n")
    kind = f'multipart/{subtype};\r\n boundary="{boundary}"'
    head += f"Content-Type: {kind}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".encode()
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
    return head + body + b"--%s--\r\n" % boundary.encode()


def text_part(text: str, subtype: str = "plain") -> bytes:
    """Return a text as a part of a multipart message. Lines are not wrapped: the template or a comment defines them."""
    content, head = text.replace("\n", "\r\n").encode(errors="replace"), "8bit"
    if any(len(line) > _LINE_LENGTH for line in content.split(b"\r\n")):
        content, head = base64.encodebytes(content).replace(b"\n", b"\r\n"), "base64"
    return (
        f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {head}\r\n\r\n".encode() + content
    )


def safe_id(message_id: str) -> str:
    """Return a sender's Message-ID if it can be referred to unchanged (RFC 5322, 3.6.4, more widely), else "".

    A Message-ID in which something was masked is no longer that of the message.
    """
    return message_id if _MESSAGE_ID.fullmatch(message_id) and MASK not in message_id else ""


def domain_of(address: str) -> str:
    """Return the domain of an address with or without a display name: the right side of Holdgate's Message-IDs."""
    return parseaddr(address)[1].partition("@")[2] or "localhost"


def _delivery_status(incident: Incident, kind: State, now: datetime, wishes: Wishes) -> bytes:
    reason = "rejected by a moderator" if kind is State.REJECTED else "no moderator decided in time"
    envelope_id = f"Original-Envelope-Id: {_printable(wishes.envelope_id)}\r\n" if wishes.envelope_id else ""
    groups = [
        f"{envelope_id}Reporting-MTA: x-holdgate; {incident.id}\r\n"
        f"Arrival-Date: {format_datetime(incident.created_at)}\r\n"
    ]
    for recipient in incident.recipients:
        if recipient in wishes.unwanted:
            continue
        original = wishes.originals.get(recipient, "")
        groups.append(f"Original-Recipient: {_typed(original)}\r\n" if original else "")
        form = "rfc822" if recipient.isascii() else "utf-8"
        groups[-1] += (
            f"Final-Recipient: {form}; {_printable(recipient)}\r\n"
            f"Action: failed\r\nStatus: {_STATUS}\r\n"
            f"Diagnostic-Code: x-holdgate; {reason}\r\nLast-Attempt-Date: {format_datetime(now)}\r\n"
        )
    text = "\r\n".join(groups)
    form = "message/delivery-status" if text.isascii() else "message/global-delivery-status"
    return f"Content-Type: {form}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}".encode()


def _printable(value: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in value)


def _typed(address: str) -> str:
    """Return an address in the form of RFC 3464, 2.3.1: "rfc822;bob@partner.example"."""
    kind, _, rest = _printable(address).partition(";")
    return f"{kind}; {rest}"


def without_holdgate_fields(message: bytes) -> bytes:
    """Return a held message (LF line ends) without the header fields that Holdgate added."""
    header, separator, body = message.partition(b"\n\n")
    if not separator:
        return message
    return _HOLDGATE_FIELDS.sub(b"", header + b"\n") + separator[1:] + body


def returned(original: bytes, *, whole: bool) -> bytes:
    """Return a held message (LF line ends) as a part: all of it, or its header only, without Holdgate's fields."""
    header, separator, body = original.partition(b"\n\n")
    header = _HOLDGATE_FIELDS.sub(b"", header + b"\n")
    form = "message/rfc822" if whole else "text/rfc822-headers"
    if not header.isascii():
        form = "message/global" if whole else "message/global-headers"
    content = header + (separator[1:] + body if whole else b"")
    lines = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return f"Content-Type: {form}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".encode() + lines
