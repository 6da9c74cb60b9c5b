"""Reads Outlook's mailbox files (PST, OST): folders, messages, appointments, contacts and their attachments.

libpff reads the structure of the file ([MS-PST]); properties are read like those of a single message. The password of
such a file encrypts nothing: programs ask for it, libpff does not. Deleted items that are still listed are read too.
"""

import io
import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pypff

from holdgate.extract.format import Format
from holdgate.extract.readers.office import mapi
from holdgate.extract.readers.office.compound import Within
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink, UnreadableError

_UNICODE = 20
"""Versions from this on have 64-bit offsets ([MS-PST] 2.2.2.6)."""
_DEEPEST = 40
_MESSAGE = 5
"""The attachment method of an attached message ([MS-OXCMSG] 2.2.2.9)."""
_FIXED = frozenset({0x0002, 0x0003, 0x0014, 0x0040})


def read(document: Document, sink: Sink) -> None:
    """Pass on every item. Raises UnreadableError("damaged") if the file cannot be opened."""
    file = pypff.file()
    try:
        file.open_file_object(io.BytesIO(document.data))
        root = file.get_root_folder()
    except OSError as error:
        raise UnreadableError("damaged") from error
    try:
        _read_folder(root, "", sink, 0)
        for orphan in _each(file, "orphan_item", sink):
            _read_item(orphan, "deleted item", sink)
    finally:
        file.close()


def _each(parent: Any, one: str, sink: Sink, many: str = "") -> Iterator[Any]:
    """Yield a folder's or an item's children of a kind; damaged ones are left out and reported."""
    try:
        count = getattr(parent, f"get_number_of_{many or one + 's'}")()
    except OSError:
        sink.limited("damaged folder")
        return
    for number in range(count):
        sink.budget.check_time()
        try:
            yield getattr(parent, f"get_{one}")(number)
        except OSError:
            sink.limited("damaged item")


def _read_folder(folder: Any, path: str, sink: Sink, depth: int) -> None:
    if depth > _DEEPEST:
        sink.limited("nested too deeply")
        return
    try:
        name = folder.get_name() or ""
    except OSError:
        name = ""
    path = f"{path}/{name}".strip("/")
    sink.text(name, "folder")
    for message in _each(folder, "sub_message", sink):
        _read_item(message, f"folder {path}" if path else "", sink)
    for inner in _each(folder, "sub_folder", sink):
        _read_folder(inner, path, sink, depth + 1)


def _read_item(item: Any, place: str, sink: Sink) -> None:
    """Read a message with its recipients and attachments."""
    sink.budget.spend_entry()
    within = Within(sink, place) if place else sink
    charset = _read_properties(item, within, "message", "cp1252")
    recipients = getattr(item, "recipients", None)
    if recipients is not None:
        _read_properties(recipients, within, "recipient", charset)
    if not hasattr(item, "get_number_of_attachments"):
        return
    for attachment in _each(item, "attachment", sink):
        _read_properties(attachment, within, "attachment", charset)
        _read_attachment(attachment, within)


def _read_attachment(attachment: Any, sink: Sink) -> None:
    methods = [_data(entry, sink) for entry in _entries(attachment, sink) if entry.entry_type == mapi.METHOD]
    method = int.from_bytes(methods[0][:4], "little") if methods else 0
    try:
        name = attachment.get_long_filename() or ""
    except OSError:
        name = ""
    try:
        size = attachment.get_size()
        sink.budget.check_entry(size, size)
        content = attachment.read_buffer(size) if size else b""
    except OSError:
        sink.limited("damaged attachment")
        return
    sink.budget.spend_bytes(len(content))
    if method == _MESSAGE:
        # libpff has no function for an attached message: its properties are in the data, as the file stores them.
        sink.limited("attached message, only strings read")
        for text in strings(content):
            sink.text(text, "attached message")
    else:
        sink.embedded(content, name or "attachment")


def _read_properties(item: Any, sink: Sink, what: str, charset: str) -> str:
    """Pass on the properties of an item; return the charset of its 8-bit strings."""
    entries = [(entry.entry_type, entry.value_type, _data(entry, sink)) for entry in _entries(item, sink)]
    fixed = {number: data for number, kind, data in entries if number is not None and kind in _FIXED and data}
    charset = mapi.charset_of(fixed) or charset
    for number, kind, data in entries:
        if number is not None and kind is not None and data and number != mapi.ATTACHED:
            plain = _without_prefix(number, kind, data)
            for value in _values(kind, plain):
                mapi.read_property(number, kind & ~mapi.MULTIPLE, value, fixed, charset, sink, what)
    return charset


def _entries(item: Any, sink: Sink) -> Iterator[Any]:
    for record_set in _each(item, "record_set", sink):
        yield from _each(record_set, "entry", sink, "entries")


def _data(entry: Any, sink: Sink) -> bytes:
    try:
        return entry.get_data() or b""
    except OSError:
        sink.limited("damaged property")
        return b""


def _without_prefix(number: int, kind: int, data: bytes) -> bytes:
    """Remove the prefix of a subject: U+0001 and the prefix's length ([MS-PST] 2.5.3.1.1.1)."""
    if number == mapi.SUBJECT and kind == mapi.STRING and data.startswith(b"\1\0"):
        return data[4:]
    if number == mapi.SUBJECT and kind == mapi.STRING_8 and data.startswith(b"\1"):
        return data[2:]
    return data


def _values(kind: int, data: bytes) -> list[bytes]:
    """Return the values of a property, several if its type says so ([MS-PST] 2.3.3.4.2)."""
    if not kind & mapi.MULTIPLE or kind & ~mapi.MULTIPLE not in (mapi.STRING, mapi.STRING_8, mapi.BINARY):
        return [data]
    try:
        (count,) = struct.unpack_from("<I", data)
        starts = [*struct.unpack_from(f"<{min(count, len(data) // 4)}I", data, 4), len(data)]
    except struct.error:
        return [data]
    return [data[start:end] for start, end in pairwise(starts)]


def _claims(data: bytes) -> list[tuple[int, int]]:
    """The complete file, by the size in its header ([MS-PST] 2.2.2.6, ibFileEof)."""
    (version,) = struct.unpack_from("<H", data, 10)
    (size,) = struct.unpack_from("<Q", data, 184) if version > _UNICODE else struct.unpack_from("<I", data, 168)
    return [(0, size)]


FORMAT = Format(
    kind="pst",
    read=read,
    claims=_claims,
    holds="Outlook mailbox files: PST, OST",
    read_by="libpff",
    unread="attached messages, of which strings are read; deleted items that are no longer listed",
    signatures=((0, b"!BDN"),),
    extensions="pst ost",
    types="application/vnd.ms-outlook-pst",
)
