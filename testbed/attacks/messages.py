"""Attacks by a sender who wants to send a number: in every visible place of a message, with headers that only Holdgate
writes, or to recipients that look internal."""

import base64
import os
import smtplib
from collections.abc import Iterator
from itertools import count

from testbed import sample_mail
from testbed.attacks.archive import zipped
from testbed.attacks.attempt import NUMBER, Attempt
from testbed.ports import LOOPBACK, PATIENCE
from testbed.site import Site

PLACES, MARKS, RECIPIENTS = "number in a message", "forged mark", "recipient that looks internal"

ROUTED = {
    "virtual alias by a pattern": "{}-ext@site.corp.example",
    "virtual alias of an alias": "{}-chained@site.corp.example",
    "recipient_canonical by a pattern": "{}-moved@site.corp.example",
    "recipient_bcc": "{}-copied@site.corp.example",
    "alias of local(8)": "aliased+{}@site.corp.example",
    "alias of an alias, in capital letters": "Chained+{}@site.corp.example",
    "list in a file": "listed+{}@site.corp.example",
    "a command": "piped+{}@site.corp.example",
}
"""Recipients that look internal, and their results in Postfix's tables (see TABLES)."""
TABLES = {
    "virtual_alias_maps": r"""
/^(.*)-ext@site\.corp\.example$/ $1@partner.example
/^(.*)-chained@site\.corp\.example$/ $1-ext@site.corp.example
""",
    "recipient_canonical_maps": r"/^(.*)-moved@site\.corp\.example$/ $1@partner.example",
    "recipient_bcc_maps": r"/^(.*)-copied@site\.corp\.example$/ $1@partner.example",
}
"""Regular expressions, by the setting that uses them."""
ALIASES = """
aliased ext@partner.example
chained middle
middle aliased
listed :include:{directory}/list
piped "|cat >/dev/null"
"""

_numbers = count()
_TEXT = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
_BODY = f"her social security number is {NUMBER}.\r\n".encode()
_SEEN = f"social security number {NUMBER}".encode()


def attempts() -> Iterator[Attempt]:
    """Yield every attempt by mail."""
    for name, fields, body in _places():
        yield _attempt(PLACES, name, _message(fields, body))
    for name, value in _marks():
        yield _attempt(MARKS, name, _message(value + b"\r\n", _TEXT + _BODY))
    flood = b"".join(b"X-Holdgate-Status: complete\r\n" for _ in range(300))
    yield _attempt(MARKS, "300 copies of our fields", _message(flood, _TEXT + _BODY))
    for name, form in _forms():
        mailbox = f"inward{next(_numbers):03}"
        yield _attempt(RECIPIENTS, name, _message(b"", _TEXT + _BODY), form.format(mailbox), mailbox)


def _message(fields: bytes, body: bytes) -> bytes:
    own = (
        b""
        if b"\nMessage-ID:" in b"\n" + fields
        else b"Message-ID: <%s@corp.example>\r\n" % os.urandom(6).hex().encode()
    )
    first = b"" if b"\nFrom:" in b"\n" + fields else b"From: <anna@corp.example>\r\n"
    return first + own + b"Date: Mon, 23 Nov 2026 09:00:00 +0100\r\n" + fields + body


def _attempt(kind: str, name: str, content: bytes, recipient: str = "", marker: str = "") -> Attempt:
    marker = marker or f"outward{next(_numbers):03}"
    recipient = recipient or f"{marker}@partner.example"
    refused: list[str] = []

    def prepare(site: Site) -> None:
        try:
            with smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=PATIENCE) as connection:
                connection.ehlo()
                connection.mail("anna@corp.example", ["BODY=8BITMIME"])
                code, output = connection.docmd("RCPT", f"TO:<{recipient}>")
                if code != 250:
                    raise smtplib.SMTPResponseException(code, output)
                code, output = connection.data(content)
                if code != 250:
                    raise smtplib.SMTPResponseException(code, output)
        except smtplib.SMTPException as error:
            refused.append(str(error))

    def evaluate(site: Site) -> str:
        def known() -> str:
            if refused:
                return "refused"
            if any(marker in one for incident in site.store.incidents() for one in incident.recipients):
                return "held"
            if _delivered(site, marker):
                return "delivered"
            # A recipient that is evaluated as internal, and is internal: an unknown name.
            output = site.postfix.log.read_text(encoding="utf-8", errors="replace").splitlines()
            return "returned" if any(marker in line and "status=bounced" in line for line in output) else ""

        how = site.wait_for(known, f"the outcome of {name!r}")
        return "delivered" if how == "delivered" or _delivered(site, marker) else ""

    return Attempt(kind, name, evaluate, prepare)


def _delivered(site: Site, marker: str) -> list[bytes]:
    return [one.content for one in site.next_hop.deliveries if any(marker in address for address in one.recipients)]


def _part(kind: bytes, content: bytes, fields: bytes = b"") -> bytes:
    return b"--b\r\nContent-Type: " + kind + b"\r\n" + fields + b"\r\n" + content + b"\r\n"


def _multipart(*parts: bytes) -> bytes:
    head = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    return head + b"".join(parts) + b"--b--\r\n"


def _places() -> Iterator[tuple[str, bytes, bytes]]:
    hello = _TEXT + b"hello\r\n"
    yield "text", b"", _TEXT + _BODY
    yield "subject", b"Subject: " + _SEEN + b"\r\n", hello
    encoded = base64.b64encode(_SEEN)
    yield "subject in an encoded word", b"Subject: =?utf-8?B?" + encoded + b"?=\r\n", hello
    for name in ("Comments", "Keywords", "X-Note", "Organization", "X-Priority", "X-Mailer", "List-Id", "Reply-To"):
        yield f"field {name}", name.encode() + b": " + _SEEN + b"\r\n", hello
    yield "name in From", b'From: "' + _SEEN + b'" <anna@corp.example>\r\n', hello
    yield "name in To", b'To: "' + _SEEN + b'" <bob@partner.example>\r\n', hello
    yield "comment in Cc", b"Cc: carl@corp.example (" + _SEEN + b")\r\n", hello
    yield from _shown(hello)
    yield "HTML", b"", b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<p>" + _BODY + b"</p>\r\n"
    html = b"<p>social security number 536<b>-90-</b>4399</p>"
    yield "HTML with markup inside", b"", b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n" + html + b"\r\n"
    coded = b"Content-Transfer-Encoding: base64\r\n"
    content = base64.encodebytes(_BODY).replace(b"\n", b"\r\n")
    yield "base64", b"", b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n" + coded + b"\r\n" + content
    wide = base64.encodebytes(_BODY.decode().encode("utf-16")).replace(b"\n", b"\r\n")
    yield "UTF-16", b"", b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-16\r\n" + coded + b"\r\n" + wide
    yield "second part", b"", _multipart(_part(b"text/plain", b"hello"), _part(b"text/plain", _BODY))
    inner = _part(b"message/rfc822", _message(b"Subject: inside\r\n", _TEXT + _BODY))
    yield "attached message", b"", _multipart(_part(b"text/plain", b"hello"), inner)
    named = b'Content-Disposition: attachment; filename="' + _SEEN + b'.txt"\r\n'
    yield "name of an attachment", b"", _multipart(_part(b"text/plain", b"hello", named))
    yield "text before the parts", b"", _multipart(_BODY, _part(b"text/plain", b"hello"))
    yield "document", b"", b"".join(sample_mail.card_in_document().as_bytes().partition(b"MIME-Version")[1:])
    yield "archive", b"", _multipart(_archive())
    yield "behind a body without end mark", b"", _TEXT + b"hello\r\n" * 2_000 + _BODY


def _shown(body: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield header fields in unusual and obsolete forms that mail programs show (RFC 5322, 3.2.2, 3.4 and 4)."""
    encoded = b"=?utf-8?B?" + base64.b64encode(_SEEN) + b"?="
    words = _SEEN.replace(b" ", b"_")
    before, after = _SEEN[:-4], _SEEN[-4:]
    fields = {
        "name of a group in To": b"To: " + _SEEN + b": bob@partner.example;",
        "encoded name in To": b"To: " + encoded + b" <bob@partner.example>",
        "encoded name within quotes in Cc": b'Cc: "' + encoded + b'" <carl@corp.example>',
        "encoded comment in Cc": b"Cc: carl@corp.example (" + encoded + b")",
        "comment within a comment in Cc": b"Cc: carl@corp.example (a (" + _SEEN + b"))",
        "backslashes in a name": b'Cc: "' + _SEEN.replace(b"0", b"\\0") + b'" <carl@corp.example>',
        "quoted mailbox in Cc": b'Cc: "' + _SEEN + b'"@corp.example',
        "folds within the number": b"Subject: " + before + b"\r\n " + after,
        "fold right behind the colon": b"Subject:\r\n " + _SEEN,
        "two encoded words in a number": b"Subject: =?utf-8?Q?"
        + words[:-4]
        + b"?=\r\n =?utf-8?Q?"
        + words[-4:]
        + b"?=",
        "space before the colon": b"X-Note : " + _SEEN,
        "name of a field": b"X-" + NUMBER.encode() + b": social security number",
        "second From": b'From: <anna@corp.example>\r\nFrom: "' + _SEEN + b'" <anna@corp.example>',
        "comment in Received": b"Received: from a ("
        + _SEEN.replace(b"-", b"")
        + b") by b; Mon, 23 Nov 2026 09:00:00 +0100",
        "comment in Date": b"Resent-Date: Mon, 23 Nov 2026 09:00:00 +0100 (" + _SEEN + b")",
        "comment in MIME-Version": b"X-MIME-Version: 1.0 (" + _SEEN + b")",
        "comment in Message-ID": b"Message-ID: <a1@corp.example> (" + _SEEN + b")",
        "name in Disposition-Notification-To": b'Disposition-Notification-To: "' + _SEEN + b'" <anna@corp.example>',
        "parts of a parameter": b'Content-Disposition: attachment; filename*0="'
        + before
        + b'"; filename*1="'
        + after
        + b'"',
        "wide digits": "Subject: social security number ５３６-９０-４３９９".encode(),
    }
    for name, field in fields.items():
        yield name, field + b"\r\n", body


def _archive() -> bytes:
    packed = base64.encodebytes(zipped("note.txt", _BODY)).replace(b"\n", b"\r\n")
    return _part(b"application/zip; name=note.zip", packed, b"Content-Transfer-Encoding: base64\r\n")


def _marks() -> Iterator[tuple[str, bytes]]:
    for field in (
        b"X-Netskope-Inspected: true",
        b"X-NETSKOPE-INSPECTED:true",
        b"X-Netskope-Action: Allow",
        b"X-Netskope-Anything: true",
        b"X-Holdgate-Status: complete",
        b"X-Holdgate-Incident: AAAA-AAAA-AAAA",
        b"X-Holdgate-Seal: v=1; k=aaaaaaaa; t=1; r=aa; s=" + b"a" * 43,
        b"X-Holdgate-Anything: true",
    ):
        yield field.decode()[:40], field
    seal = b"v=2; k=aaaaaaaa; t=1; r=aa; s=" + b"a" * 43
    yield "a seal over several lines", b"X-Holdgate-Seal:\r\n v=2; k=aaaaaaaa;\r\n\tt=1; r=aa; s=" + b"a" * 43
    yield "a seal with a space before the colon", b"X-Holdgate-Seal : " + seal
    yield "a seal in capital letters", b"X-HOLDGATE-SEAL:" + seal.upper()
    yield "two seals", b"X-Holdgate-Seal: " + seal + b"\r\nx-holdgate-seal: " + seal
    yield "a mark with a tab before the colon", b"X-Netskope-Inspected\t: true"
    yield "a mark over two lines", b"X-Netskope-Inspected:\r\n true"
    yield "a mark in an encoded word", b"X-Netskope-Inspected: =?utf-8?Q?true?="
    yield (
        "a mark among others",
        b"X-Netskope-Inspected: true\r\nX-netskope-inspected: true\r\nX-Netskope-INSPECTED: false",
    )
    yield "the field of an accepted reply", b"X-Holdgate-Reply: " + b"a" * 32
    yield "the field of the route", b"X-Holdgate-Route: smtp:[127.0.0.1]:25"


def _forms() -> Iterator[tuple[str, str]]:
    yield "percent", "{}%partner.example@site.corp.example"
    yield "quoted", '"{}@partner.example"@site.corp.example'
    yield "bang", "partner.example!{}@site.corp.example"
    yield "two at signs", "{}@partner.example@site.corp.example"
    yield "source route", "@site.corp.example:{}@partner.example"
    yield "capital letters", "{}@PARTNER.example"
    yield "full stop at the end", "{}@partner.example."
    yield "percent twice", "{}%partner.example%site.corp.example@site.corp.example"
    yield "percent within quotes", '"{}%partner.example"@site.corp.example'
    yield "bang and percent", "partner.example!{}%site.corp.example@site.corp.example"
    yield "no domain", "{}%partner.example"
    yield "address literal", "{}@[127.0.0.1]"
    yield from ROUTED.items()
