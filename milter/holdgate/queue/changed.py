"""What a message that was approved with changes needs to be held in the place of its original: fields and envelope."""

import os
import re
from collections.abc import Collection

from holdgate import headers
from holdgate.mask import mask_numbers
from holdgate.quarantine.incident import Change, Incident
from holdgate.queue.wishes import Addressee, Sent

EXCLUDE = "without-recipients"
"""The kind of change by which a message is not sent to some of its recipients."""

# Flags of Postfix's dsn_mask.h, and their keywords (RFC 3461, 4.1, 4.3).
_NOTIFY = {1: "NEVER", 2: "SUCCESS", 4: "FAILURE", 8: "DELAY"}
_RET = {1: "FULL", 2: "HDRS"}
# The first field that Holdgate has put before the header of a copy.
_OWN = re.compile(rb"^X-(?:Holdgate|Netskope)-", re.IGNORECASE | re.MULTILINE)
_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)


class AmbiguousError(Exception):
    """It is not certain which recipients of a queue file are those to leave out."""


def kept(incident: Incident, envelope: Sent, excluded: Collection[str]) -> list[Addressee]:
    """Return the recipients of a queue file except those that `excluded` names, in the incident's form.

    The targets of an alias or list belong to the recipient that the client named. An excluded address does not get the
    message through another recipient either. Spellings in another case are one recipient, as for Postfix, which keeps
    one of them in its file. Raises AmbiguousError if a name is ambiguous.
    """
    if not excluded:
        return envelope.recipients
    names = {one.casefold() for one in excluded}
    known = {one.casefold() for one in incident.recipients}
    if not names < known or not all(one.called for one in envelope.recipients):
        raise AmbiguousError
    gone: set[str] = set()
    for name in names:
        named = {one.called.casefold() for one in envelope.recipients if mask_numbers(one.called).casefold() == name}
        if len(named) != 1:  # none, or several whose masked numbers are equal
            raise AmbiguousError
        gone |= named
    left = [one for one in envelope.recipients if not {one.called.casefold(), one.address.casefold()} & gone]
    if not left:
        raise AmbiguousError
    return left


def is_altered(change: Change) -> bool:
    """Return whether the content of a message is changed, and not only its recipients or its signature."""
    return bool(set(change.kinds) - {EXCLUDE})


def marked(content: bytes, incident: Incident, change: Change, *, is_signed: bool) -> bytes:
    """Return the message to submit: with the fields by which it is held, recognised, and delivered.

    `is_signed`: milters see the message when it is submitted, and sign it then (signing.py).
    """
    altered = is_altered(change)
    if is_signed:
        content = _unsigned(content)
    fields = {headers.INCIDENT: incident.id, headers.CHANGED: f"{change.token}-{os.urandom(4).hex()}"}
    if not altered and headers.first(content, headers.INCIDENT) == incident.id:
        del fields[headers.INCIDENT]
    if change.transport:
        fields[headers.ROUTE] = change.transport
    top = "".join(f"{name}: {value}\n" for name, value in fields.items())
    if altered:
        content = content.replace(b"\r\n", b"\n")
    return (top.encode() + content).replace(b"\n", b"\r\n")


def as_submitted(content: bytes) -> bytes:
    """Return a held copy (gate/split.py) as the milter submitted it, with its trace fields.

    What milters added above Holdgate's fields when it was held, such as a signature, is removed.
    """
    begin = _OWN.search(content, 0, content.find(b"\n\n") + 1)
    if begin is None:
        return content
    above, _ = headers.split(content[: begin.start()])
    trace = b"".join(b"%s:%s\n" % (name.encode(), value) for name, value in above if name.lower() == "received")
    return trace + content[begin.start() :]


def _unsigned(content: bytes) -> bytes:
    """Return a held message (LF line ends) without the signatures that it got when it was held.

    Milters insert them above the Received field of this Postfix. Those below are of others, and stay. DKIM does not
    cover the envelope (RFC 6376, 2.4), but DKIM2 signatures name all recipients, and a verifier expects those.
    """
    trace = _RECEIVED.search(content, 0, content.find(b"\n\n") + 1)
    above, body = headers.split(content[: trace.start()] if trace is not None else b"")
    if trace is None or body:  # Postfix was asked to remove it, or it is not in the header
        return content
    kept = [b"%s:%s\n" % (name.encode(), value) for name, value in above if name.lower() not in headers.SIGNATURES]
    return b"".join(kept) + content[trace.start() :]


def dsn_wishes(one: Addressee) -> list[str]:
    """Return the parameters of RCPT by which a copy asks for the same reports (RFC 3461)."""
    words = [word for flag, word in _NOTIFY.items() if one.notify & flag]
    kind, _, address = one.original.partition(";")
    original = [f"ORCPT={kind};{_xtext(address)}"] if address and one.original.isascii() else []
    return [*([f"NOTIFY={','.join(words)}"] if words else []), *original]


def dsn_options(envelope: Sent) -> list[str]:
    """Return the parameters of MAIL by which a copy asks for the same reports (RFC 3461)."""
    ret = [f"RET={_RET[envelope.returned]}"] if envelope.returned in _RET else []
    name = envelope.envelope_id
    return [*ret, *([f"ENVID={_xtext(name)}"] if name and name.isascii() else [])]


def mail_options(envelope: Sent, change: Change) -> list[str]:
    """Return the parameters of MAIL: BODY and SMTPUTF8 are those of the original if its content is not changed."""
    return [*dsn_options(envelope), *([] if is_altered(change) else content_options(envelope))]


def content_options(envelope: Sent) -> list[str]:
    """Return the parameters of MAIL by which Postfix takes the content as it took that of the original."""
    return [*(["BODY=8BITMIME"] if envelope.is_8bit else []), *(["SMTPUTF8"] if envelope.is_utf8 else [])]


def _xtext(text: str) -> str:
    """Encode a text as xtext (RFC 3461, section 4)."""
    return "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c):02X}" for c in text)
