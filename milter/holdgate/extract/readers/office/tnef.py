"""Reads TNEF (winmail.dat): the message's attributes and properties, and its attachments.

Follows [MS-OXTNEF] 2.1.3 (stream and attributes), 2.1.3.3 (message attributes), 2.1.3.4 (message properties), 2.1.3.5
(recipients) and 2.1.3.6 (attachments).
"""

import struct
from dataclasses import dataclass

from holdgate.extract.format import Format
from holdgate.extract.readers.office import mapi
from holdgate.extract.readers.office.compound import Within
from holdgate.extract.readers.office.property_set import codec
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink, UnreadableError

SIGNATURE = b"\x78\x9f\x3e\x22"
RENDERING, TITLE, CONTENT, ATTACHMENT, TRANSPORT_NAME = 0x9002, 0x8010, 0x800F, 0x9005, 0x9001
MESSAGE, RECIPIENTS, CODEPAGE = 0x9003, 0x9004, 0x9007
# Version, class, ids, priority, icons.
WITHOUT_TEXT = frozenset({0x9006, 0x8008, 0x8009, 0x800D, 0x8011, 0x0600, 0x0601, 0x0002})
PLACES = {0x8004: "subject", 0x800C: ""}
FIXED = {0x0002: 4, 0x0003: 4, 0x0004: 4, 0x0005: 8, 0x0006: 8, 0x0007: 8, 0x000A: 4, 0x000B: 4, 0x0014: 8,
         0x0040: 8, 0x0048: 16}  # fmt: skip
VARIABLE = frozenset({mapi.STRING_8, mapi.STRING, mapi.BINARY, mapi.OBJECT})
NAMED = 0x8000
Properties = list[tuple[int, int, bytes]]


@dataclass(slots=True)
class Attachment:
    """An attachment whose attributes are being collected."""

    name: str = ""
    mime_type: str = ""
    content: bytes = b""


def read(document: Document, sink: Sink) -> None:
    """Read a TNEF stream as far as possible; raise UnreadableError("damaged") for anything else."""
    data = document.data
    if not data.startswith(SIGNATURE):
        raise UnreadableError("damaged")
    charset = "cp1252"
    attachment: Attachment | None = None
    at = 6
    while at + 9 <= len(data):
        sink.budget.check_time()
        number, _, size = struct.unpack_from("<xHHI", data, at)
        value = data[at + 9 : at + 9 + size]
        if len(value) < size:
            sink.limited("damaged")
        at += 11 + size
        if number == CODEPAGE and len(value) >= 4:
            charset = codec(struct.unpack_from("<I", value)[0])
        elif number == RENDERING:
            _finish(attachment, sink)
            attachment = Attachment()
        elif number in (TITLE, TRANSPORT_NAME, CONTENT, ATTACHMENT):
            attachment = attachment or Attachment()
            _collect(attachment, number, value, charset, sink)
        elif number == MESSAGE:
            _read_properties(_properties(value, 0, sink)[0], charset, sink, "message")
        elif number == RECIPIENTS:
            _read_recipients(value, charset, sink)
        elif number in PLACES:
            sink.text(mapi.text_of(value, charset), PLACES[number])
        elif number not in WITHOUT_TEXT:
            for text in strings(value):
                sink.text(text, "message properties")
    _finish(attachment, sink)


def _collect(attachment: Attachment, number: int, value: bytes, charset: str, sink: Sink) -> None:
    """Add one attribute of an attachment."""
    if number == CONTENT:
        attachment.content = value
    elif number == ATTACHMENT:
        properties, _ = _properties(value, 0, sink)
        for identifier, kind, data in properties:
            if kind in (mapi.STRING, mapi.STRING_8):
                text = data.decode("utf-16-le", "replace") if kind == mapi.STRING else mapi.text_of(data, charset)
                if identifier == mapi.LONG_NAME:
                    attachment.name = text.rstrip("\0")
                elif identifier == mapi.MIME_TYPE:
                    attachment.mime_type = text.rstrip("\0").lower()
            elif identifier == mapi.ATTACHED and kind in (mapi.OBJECT, mapi.BINARY):
                # An embedded message (a TNEF stream) or OLE storage is preceded by an interface id.
                content = data[16:] if kind == mapi.OBJECT else data
                sink.embedded(content, attachment.name or "embedded object")
        rest = [entry for entry in properties if entry[0] != mapi.ATTACHED]
        _read_properties(rest, charset, sink, "attachment")
    else:
        attachment.name = attachment.name or mapi.text_of(value, charset)


def _finish(attachment: Attachment | None, sink: Sink) -> None:
    """Pass on an attachment."""
    if attachment is None:
        return
    if attachment.name:
        sink.text(attachment.name, "attachment name")
    if attachment.content:
        sink.embedded(attachment.content, attachment.name or "attachment", attachment.mime_type)


def _read_recipients(value: bytes, charset: str, sink: Sink) -> None:
    """Pass on the properties of each recipient."""
    if len(value) < 4:
        return
    (count,) = struct.unpack_from("<I", value)
    at = 4
    for _ in range(min(count, len(value) // 4)):
        properties, at = _properties(value, at, sink)
        if not properties:
            break
        _read_properties(properties, charset, Within(sink, "recipient"), "recipient")


def _read_properties(properties: Properties, charset: str, sink: Sink, what: str) -> None:
    """Pass on properties."""
    fixed = {number: value for number, kind, value in properties if kind in FIXED}
    charset = mapi.charset_of(fixed) or charset
    for number, kind, value in properties:
        mapi.read_property(number, kind, value, fixed, charset, sink, what)


def _properties(data: bytes, at: int, sink: Sink) -> tuple[Properties, int]:
    """Return a list of properties as id, type and value, and where it ends; damage ends it early."""
    found: Properties = []
    try:
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
        for _ in range(min(count, len(data) // 4)):
            kind, number = struct.unpack_from("<HH", data, at)
            at += 4
            if number >= NAMED:
                (by_name,) = struct.unpack_from("<I", data, at + 16)
                at += 20
                if by_name:
                    (length,) = struct.unpack_from("<I", data, at)
                    found.append((number, mapi.STRING, data[at + 4 : at + 4 + length]))
                    at += 4 + length + -length % 4
                else:
                    at += 4
            values = 1
            base = kind & ~mapi.MULTIPLE
            if kind & mapi.MULTIPLE or base in VARIABLE:
                (values,) = struct.unpack_from("<I", data, at)
                at += 4
            if base not in VARIABLE and base not in FIXED:
                raise ValueError
            for _ in range(min(values, (len(data) - at) // 4 + 1)):
                size = FIXED.get(base, 0)
                if base in VARIABLE:
                    (size,) = struct.unpack_from("<I", data, at)
                    at += 4
                if at + size > len(data):
                    raise ValueError
                found.append((number, base, data[at : at + size]))
                at += size + -size % 4
    except (struct.error, ValueError):
        sink.limited("damaged properties")
    return found, at


FORMAT = Format(
    kind="tnef",
    read=read,
    holds="winmail.dat",
    read_by="Holdgate",
    unread="",
    signatures=((0, b"\x78\x9f\x3e\x22"),),  # [MS-OXTNEF] 2.1.3.1
)
