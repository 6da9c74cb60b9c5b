"""What the gate takes from a message for the policies: one reader for mail that comes, and for a file that is tried."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from holdgate import headers
from holdgate.envelope import Envelope
from holdgate.gate import edits

_PLAIN = re.compile(rb"\s*(?:text/(?:plain|html)|multipart/alternative)\b", re.IGNORECASE)


def describe(envelope: Envelope, fields: Mapping[str, Sequence[bytes]], asked: Iterable[str]) -> None:
    """Set what an envelope has of the header; `fields` are values by name in lower case, `asked` those of policies."""

    def first(name: str) -> str:
        return headers.decode(next(iter(fields.get(name, ())), b""))

    envelope.header_from = first("from")
    envelope.subject = first("subject")
    envelope.message_id = first("message-id")
    envelope.headers = {name: [headers.decode(value) for value in fields.get(name, ())] for name in asked}


def read(content: bytes, ours: Collection[str]) -> tuple[dict[str, list[bytes]], bytes]:
    """Return the fields of a file with a message, by name in lower case, and what is inspected of it.

    That has CRLF line ends, as mail that comes, and no field that only we write (`ours`, see `edits.is_ours`). The line
    that an mbox puts before a message goes, as sendmail(1) takes it off.
    """
    if content.startswith(b"From "):
        content = content.partition(b"\n")[2]
    found, body = headers.split(content)
    fields: dict[str, list[bytes]] = {}
    inspected = bytearray()
    for name, value in found:
        fields.setdefault(name.lower(), []).append(value)
        if not edits.is_ours(name.lower(), ours):
            inspected += name.encode() + b":" + value.replace(b"\n", b"\r\n") + b"\r\n"
    return fields, bytes(inspected) + b"\r\n" + body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def seems_plain(content_types: Sequence[bytes]) -> bool:
    """Say whether a message with these Content-Type fields can be nothing but plain text and HTML.

    Whether it is, who reads it finds out.
    """
    return all(_PLAIN.match(value) for value in content_types)
