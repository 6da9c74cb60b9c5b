"""Writes the report that returns a message to its sender: a delivery status notification (RFC 3464, RFC 6533).

It is put together from bytes, because the returned message must stand in it as it was, whatever its form.
"""

import re
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from holdgate import headers
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State

# A moderator's refusal and silence both are delivery not authorized (RFC 3463, section 3.8: X.7.1).
_STATUS = "5.7.1"

_INTRODUCTION = {
    State.REJECTED: "Your message was rejected by a moderator for these recipients:",
    State.EXPIRED: "The message has been returned to the sender because no decision was made\n"
    "in the time that a moderator had for it. It was not delivered to:",
}

_OURS = re.compile(
    rb"^(?:" + b"|".join(re.escape(name.encode()) for name in headers.ALL) + rb")[ \t]*:.*\n(?:[ \t].*\n)*",
    re.IGNORECASE | re.MULTILINE,
)


def compose(
    incident: Incident, kind: State, original: bytes | None, *, notice_from: str, return_size: int, now: datetime
) -> bytes:
    """Return the report as a message with CRLF line ends.

    `kind` is REJECTED or EXPIRED. `original` is the held message with LF line ends, or None when it is gone; up to
    `return_size` bytes it is returned whole, else its header. The Message-ID is the same each time for one incident
    and kind, so that a report that had to be sent twice is seen as one.
    """
    boundary = f"=_{incident.id}_{kind}"
    parts = [_explanation(incident, kind), _delivery_status(incident, kind, now)]
    if original is not None:
        parts.append(_returned(original, return_size))
    top = _top(incident, kind, boundary, notice_from, now)
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
    return top + body + b"--%s--\r\n" % boundary.encode()


def _top(incident: Incident, kind: State, boundary: str, notice_from: str, now: datetime) -> bytes:
    domain = parseaddr(notice_from)[1].partition("@")[2] or "localhost"
    message = EmailMessage(policy=SMTP.clone(utf8=not incident.sender.isascii()))
    message["From"] = notice_from
    message["To"] = f"<{incident.sender}>"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{incident.id}.{kind}@{domain}>"
    message["Subject"] = "Rejected: " if kind is State.REJECTED else "Returned: no decision was made: "
    message.replace_header("Subject", message["Subject"] + " ".join(incident.subject.split())[:200])
    if re.fullmatch(r"<[!-;=?-~]+@[!-;=?-~]+>", incident.message_id):
        message["In-Reply-To"] = message["References"] = incident.message_id
    # Nobody's autoresponder answers this (RFC 3834, section 5).
    message["Auto-Submitted"] = "auto-replied"
    message["MIME-Version"] = "1.0"
    top = message.as_bytes().removesuffix(b"\r\n")
    kinds = f'multipart/report; report-type=delivery-status;\r\n boundary="{boundary}"'
    return top + f"Content-Type: {kinds}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".encode()


def _explanation(incident: Incident, kind: State) -> bytes:
    lines = [_INTRODUCTION[kind], "", *(f"  {recipient}" for recipient in incident.recipients), ""]
    lines += [f"Subject: {' '.join(incident.subject.split())}", f"Incident: {incident.id}", ""]
    if incident.comment:
        lines += ["Moderator comments:", "", *incident.comment.splitlines(), ""]
    text = "\r\n".join("".join(c if c.isprintable() else " " for c in line) for line in "\n".join(lines).split("\n"))
    return b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + text.encode(
        errors="replace"
    )


def _delivery_status(incident: Incident, kind: State, now: datetime) -> bytes:
    said = "rejected by a moderator" if kind is State.REJECTED else "no moderator decided in time"
    groups = [f"Reporting-MTA: x-holdgate; {incident.id}\r\nArrival-Date: {format_datetime(incident.created_at)}\r\n"]
    for recipient in incident.recipients:
        form = "rfc822" if recipient.isascii() else "utf-8"
        groups.append(
            f"Final-Recipient: {form}; {''.join(c if c.isprintable() else '?' for c in recipient)}\r\n"
            f"Action: failed\r\nStatus: {_STATUS}\r\n"
            f"Diagnostic-Code: x-holdgate; {said}\r\nLast-Attempt-Date: {format_datetime(now)}\r\n"
        )
    text = "\r\n".join(groups)
    form = "message/delivery-status" if text.isascii() else "message/global-delivery-status"
    return f"Content-Type: {form}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}".encode()


def _returned(original: bytes, return_size: int) -> bytes:
    header, separator, body = original.partition(b"\n\n")
    header = _OURS.sub(b"", header + b"\n")
    whole = len(original) <= return_size
    form = "message/rfc822" if whole else "text/rfc822-headers"
    if not header.isascii():
        form = "message/global" if whole else "message/global-headers"
    content = header + (separator[1:] + body if whole else b"")
    lines = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return f"Content-Type: {form}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".encode() + lines
