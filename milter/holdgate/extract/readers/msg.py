"""Reads Outlook messages: properties, recipients, every form of the body, attachments, messages inside messages.

Follows [MS-OXMSG] 2.1 (properties), 2.1.4 (multiple-valued), 2.2 (storages), [MS-OXPROPS] for the properties' ids,
[MS-OXRTFCP] for the compressed body, [MS-OXOMSG] for submission names.
"""

import struct
from datetime import UTC, datetime, timedelta

from holdgate.extract.readers import rtf
from holdgate.extract.readers.byte_strings import strings
from holdgate.extract.readers.compound import Storage, Within
from holdgate.extract.readers.property_set import codec
from holdgate.extract.readers.rtf_compressed import decompressed
from holdgate.extract.reading import Document, Sink, UnreadableError

PREFIX = "__substg1.0_"
STRING_8, STRING, BINARY, OBJECT = 0x001E, 0x001F, 0x0102, 0x000D
TIME, INTEGER, LONG = 0x0040, 0x0003, 0x0014
BODY, HTML, COMPRESSED_RTF, SUBJECT = 0x1000, 0x1013, 0x1009, 0x0037
ATTACHED, LONG_NAME, SHORT_NAME, SHOWN_NAME, MIME_TYPE = 0x3701, 0x3707, 0x3704, 0x3001, 0x370E
HEADERS = 0x007D
INTERNET_CODEPAGE, MESSAGE_CODEPAGE = 0x3FDE, 0x3FFD
PLACES = {BODY: "", HTML: "", SUBJECT: "subject", HEADERS: "headers", 0x0070: "subject", 0x0E1D: "subject"}
# Keys, entry and conversation ids: bytes that programs compare.
SILENT = frozenset(
    {0x001A, 0x0FF6, 0x0FF9, 0x0FFF, 0x300B, 0x300C, 0x3013, 0x3014, 0x65E2, 0x65E3, 0x0E0A, 0x0071, 0x3702, 0x3705}
)
# Dates of contacts, and of properties that programs and people name.
DATES = frozenset({0x3A41, 0x3A42, *range(0x8000, 0x10000)})
NAMES = "__nameid_version1.0"


def read_storage(storage: Storage, sink: Sink) -> None:
    """Read the message in a storage with all its recipients and attachments."""
    _read_message(storage, sink, 0)


def _read_message(storage: Storage, sink: Sink, depth: int) -> None:
    """Read one message; one inside it is read the same way."""
    if depth > sink.budget.limits.mime_depth:
        sink.limited("nested too deeply")
        return
    charset = _read_properties(storage, sink, 32 if depth == 0 else 24, "message")
    for inner in storage.storages():
        name = inner.name.lower()
        if name.startswith("__recip_version1.0"):
            _read_properties(inner, Within(sink, "recipient"), 8, "recipient", charset)
        elif name.startswith("__attach_version1.0"):
            _read_attachment(inner, sink, charset, depth)
        elif name == NAMES:
            for stream in inner.untaken():
                data = inner.read(stream)
                if stream.endswith("00040102"):
                    for text in strings(data, narrow=False):
                        sink.text(text, "property names")


def _read_properties(storage: Storage, sink: Sink, header: int, what: str, charset: str = "") -> str:
    """Hand over the properties of a message, recipient or attachment; return the charset of its 8-bit strings."""
    fixed = storage.read("__properties_version1.0")
    values: dict[int, bytes] = {}
    for at in range(header, len(fixed) - 15, 16):
        kind, number = struct.unpack_from("<HH", fixed, at)
        values[number] = fixed[at + 8 : at + 16]
        if kind == TIME and number in DATES:
            sink.text(_moment(values[number]), f"{what} properties")
    charset = _codepage(values) or charset or "cp1252"
    for name in storage.untaken():
        if not name.startswith(PREFIX):
            continue
        try:
            number, kind = int(name[12:16], 16), int(name[16:20], 16)
        except ValueError:
            continue
        if number in SILENT:
            storage.taken.add(name)
        elif number != ATTACHED:
            _read_property(number, kind & ~0x1000, storage.read(name), values, charset, sink, what)
    return charset


def _read_property(
    number: int, kind: int, data: bytes, values: dict[int, bytes], charset: str, sink: Sink, what: str
) -> None:
    """Hand over one property of variable length."""
    place = PLACES.get(number, f"{what} properties")
    if number == HTML:
        if kind == STRING:
            data = data.decode("utf-16-le", "replace").encode()
            sink.embedded(data, "message body (HTML)", "text/html", "utf-8")
        else:
            page = values.get(INTERNET_CODEPAGE, b"")[:4]
            named = codec(struct.unpack("<I", page)[0]) if len(page) == 4 else charset
            sink.embedded(data, "message body (HTML)", "text/html", named)
    elif number == COMPRESSED_RTF:
        body = decompressed(data, sink)
        if body:
            try:
                rtf.read(Document(body), sink)
            except UnreadableError as error:
                sink.limited(str(error))
    elif kind == STRING:
        sink.text(data.decode("utf-16-le", "replace").rstrip("\0"), place)
    elif kind == STRING_8:
        sink.text(_text(data, charset), place)
    elif kind == BINARY:
        for text in strings(data):
            sink.text(text, place)


def _text(data: bytes, charset: str) -> str:
    """Decode an 8-bit string: UTF-8 if it is, else in the code page of the message."""
    data = data.rstrip(b"\0")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(charset, "replace")


def _codepage(values: dict[int, bytes]) -> str:
    """Return the codec of the 8-bit strings, "" if the message names none."""
    for number in (MESSAGE_CODEPAGE, INTERNET_CODEPAGE):
        if number in values:
            return codec(struct.unpack_from("<I", values[number])[0])
    return ""


def _moment(raw: bytes) -> str:
    """Return a time as text, "" where it is none."""
    (ticks,) = struct.unpack("<Q", raw)
    if not 10**17 < ticks < 2 * 10**17:
        return ""
    return (datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)).strftime("%Y-%m-%d %H:%M")


def _read_attachment(storage: Storage, sink: Sink, charset: str, depth: int) -> None:
    """Hand over an attachment: a file or a message. An OLE object is left to who reads the compound file."""
    names = {number: _string(storage, number, charset) for number in (LONG_NAME, SHORT_NAME, SHOWN_NAME, MIME_TYPE)}
    name = names[LONG_NAME] or names[SHORT_NAME] or names[SHOWN_NAME]
    for text in dict.fromkeys(names.values()):
        sink.text(text, "attachment name")
    content = f"{PREFIX}{ATTACHED:04x}{BINARY:04x}"
    inner = storage.storage(f"{PREFIX}{ATTACHED:04x}{OBJECT:04x}")
    _read_properties(storage, Within(sink, f"attachment {name}".strip()), 8, "attachment", charset)
    if content in storage:
        sink.embedded(storage.read(content), name or "attachment", names[MIME_TYPE].lower())
    if inner is not None and "__properties_version1.0" in inner:
        _read_message(inner, Within(sink, f"attached message {name}".strip()), depth + 1)


def _string(storage: Storage, number: int, charset: str) -> str:
    """Return a string property of an attachment."""
    wide = storage.read(f"{PREFIX}{number:04x}{STRING:04x}")
    if wide:
        return wide.decode("utf-16-le", "replace").rstrip("\0")
    return _text(storage.read(f"{PREFIX}{number:04x}{STRING_8:04x}"), charset)
