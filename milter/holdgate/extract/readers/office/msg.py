"""Reads Outlook messages: properties, recipients, every form of the body, attachments, messages inside messages.

Follows [MS-OXMSG] 2.1.2 and 2.1.3 (property streams), 2.1.4 (multiple values), 2.2 (storages), 2.4 (property stream).
"""

import struct

from holdgate.extract.readers.office import mapi
from holdgate.extract.readers.office.compound import Storage, Within
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Sink

PROPERTIES = "__properties_version1.0"
PREFIX = "__substg1.0_"
# Bytes before the first entry of a property stream: in a message, one inside another, a recipient or an attachment.
MESSAGE, INNER_MESSAGE, OTHER = 32, 24, 8


def read_storage(storage: Storage, sink: Sink) -> None:
    """Read the message in a storage with all its recipients and attachments."""
    _read_message(storage, sink, 0)


def _read_message(storage: Storage, sink: Sink, depth: int) -> None:
    """Read one message; one inside it is read the same way."""
    if depth > sink.budget.limits.mime_depth:
        sink.limited("nested too deeply")
        return
    charset = _read_properties(storage, sink, INNER_MESSAGE if depth else MESSAGE, "message", "cp1252")
    for inner in storage.storages():
        name = inner.name.lower()
        if name.startswith("__recip_version1.0"):
            _read_properties(inner, Within(sink, "recipient"), OTHER, "recipient", charset)
        elif name.startswith("__attach_version1.0"):
            _read_attachment(inner, sink, charset, depth)
        elif name == "__nameid_version1.0":
            for stream in inner.untaken():
                names = inner.read(stream)
                for text in strings(names, narrow=False) if stream.endswith("00040102") else ():
                    sink.text(text, "property names")


def _read_properties(storage: Storage, sink: Sink, header: int, what: str, charset: str) -> str:
    """Pass on the properties of a message, recipient or attachment; return the charset of its 8-bit strings."""
    entries = storage.read(PROPERTIES)
    fixed: dict[int, bytes] = {}
    for at in range(header, len(entries) - 15, 16):
        kind, number = struct.unpack_from("<HH", entries, at)
        fixed[number] = entries[at + 8 : at + 16]
        if kind == mapi.TIME:
            mapi.read_property(number, kind, fixed[number], fixed, charset, sink, what)
    charset = mapi.charset_of(fixed) or charset
    for name in storage.untaken():
        if not name.startswith(PREFIX):
            continue
        try:
            number, kind = int(name[12:16], 16), int(name[16:20], 16)
        except ValueError:
            continue
        if number != mapi.ATTACHED:
            mapi.read_property(number, kind & ~mapi.MULTIPLE, storage.read(name), fixed, charset, sink, what)
    return charset


def _read_attachment(storage: Storage, sink: Sink, charset: str, depth: int) -> None:
    """Pass on an attachment: a file or a message. The reader of the compound file handles an OLE object."""
    numbers = (mapi.LONG_NAME, mapi.SHORT_NAME, mapi.SHOWN_NAME)
    names = [_string(storage, number, charset) for number in numbers]
    mime_type = _string(storage, mapi.MIME_TYPE, charset).lower()
    name = next(filter(None, names), "")
    _read_properties(storage, Within(sink, f"attachment {name}".strip()), OTHER, "attachment", charset)
    for text in dict.fromkeys(filter(None, names)):
        sink.text(text, "attachment name")
    content = f"{PREFIX}{mapi.ATTACHED:04x}{mapi.BINARY:04x}"
    if content in storage:
        sink.embedded(storage.read(content), name or "attachment", mime_type)
    inner = storage.storage(f"{PREFIX}{mapi.ATTACHED:04x}{mapi.OBJECT:04x}")
    if inner is not None and PROPERTIES in inner:
        _read_message(inner, Within(sink, f"attached message {name}".strip()), depth + 1)


def _string(storage: Storage, number: int, charset: str) -> str:
    """Return a string property of an attachment."""
    wide = storage.read(f"{PREFIX}{number:04x}{mapi.STRING:04x}")
    if wide:
        return wide.decode("utf-16-le", "replace").rstrip("\0")
    return mapi.text_of(storage.read(f"{PREFIX}{number:04x}{mapi.STRING_8:04x}"), charset)
