"""Reads what policies need from a message's header: one reader for received mail and for a file under test."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from holdgate import headers
from holdgate.envelope import Envelope
from holdgate.gate import edits

_PLAIN = re.compile(rb"\s*(?:text/(?:plain|html)|multipart/alternative)\b", re.IGNORECASE)


def describe(envelope: Envelope, fields: Mapping[str, Sequence[bytes]], names: Iterable[str]) -> None:
    """Set an envelope's header values. `fields` are values by lower-case name, `names` the names that policies use."""

    def first(name: str) -> str:
        return headers.decode(next(iter(fields.get(name, ())), b""))

    envelope.header_from = first("from")
    envelope.subject = first("subject")
    envelope.message_id = first("message-id")
    envelope.headers = {name: [headers.decode(value) for value in fields.get(name, ())] for name in names}


def read(content: bytes, holdgate_fields: Collection[str]) -> tuple[dict[str, list[bytes]], bytes]:
    """Return the header fields of a message file, by lower-case name, and the content to inspect.

    The content has CRLF line ends, as received mail has, and no field that only Holdgate writes (`holdgate_fields`, see
    `edits.is_holdgate_field`). The line that mbox puts before a message is removed, as sendmail(1) does.
    """
    if content.startswith(b"From "):
        content = content.partition(b"\n")[2]
    found, body = headers.split(content)
    fields: dict[str, list[bytes]] = {}
    inspected = bytearray()
    for name, value in found:
        fields.setdefault(name.lower(), []).append(value)
        if not edits.is_holdgate_field(name.lower(), holdgate_fields):
            inspected += name.encode() + b":" + value.replace(b"\n", b"\r\n") + b"\r\n"
    return fields, bytes(inspected) + b"\r\n" + body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def seems_plain(content_types: Sequence[bytes]) -> bool:
    """Return whether a message with these Content-Type fields can be plain text and HTML only.

    The worker that reads it checks whether that is true.
    """
    return all(_PLAIN.match(value) for value in content_types)
