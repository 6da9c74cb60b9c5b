"""Decides which reader a document needs: by its content, with the formats' declarations, and inside containers.

The name and the declared type are only compared with the content; policies can use a difference. Unknown content
without control bytes is `text`; the rest is `binary`, of which only strings are read.
"""

import re
import struct
from collections import Counter
from collections.abc import Callable

import olefile
from olefile.olefile import OleDirectoryEntry

from holdgate.extract import ole_file
from holdgate.extract.charset import wide_codec
from holdgate.extract.format import REGISTRY, TEXTUAL, Format
from holdgate.extract.reading import Document

ENRICHED = ("text/enriched", "text/richtext")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""[MS-CFB] 2.2"""

_ZIP_MARKS = (b"\x03\x04", b"\x05\x06", b"\x07\x08", b"00")
_EXECUTABLE = (b"MZ", b"\x7fELF")
_TEXT_BYTES = bytes(byte for byte in range(256) if byte >= 32 or byte in b"\t\n\r\f\b\x1b")
# NUL does not exclude text: files with holes have it.
_NOT_CONTROLS = _TEXT_BYTES + b"\0\x0e\x0f\x7f"
_BLOCK, _DENSE = 512, 26
_ASCII = bytes(range(128))
# One comment is enough: it can contain others. With a repetition, comments would take exponential time.
_MARKUP = re.compile(rb"\s*+(?:<!--.*?-->\s*+)?<(?:(!doctype\s+html|html|head|body|meta|title|script|style|table|div|p"
                     rb"|br|font|span|a|img|h[1-6]|center|b|i|u|ul|ol)[\s>/]|(\?xml|!doctype|[a-z_][\w.-]*(?::[\w.-]+)?[\s>/]))",
                     re.IGNORECASE | re.DOTALL)  # fmt: skip
_PAGES = ("htm", "html")
_HEADER = re.compile(
    rb"(?:from|to|cc|received|return-path|date|subject|message-id|mime-version|content-type|content-transfer-encoding"
    rb"|delivered-to|reply-to|sender|dkim-signature|authentication-results|x-[a-z-]+|resent-from)"
    rb":.*(?:\r?\n[ \t].*)*\r?\n",
    re.IGNORECASE,
)
_MBOX = re.compile(rb"From \S.{0,200}\d\d:\d\d.*\r?\n(?=[!-9;-~]+:)")


def identify(document: Document) -> str:
    """Return the kind of document: one of the registered formats, or "message"."""
    data = document.data
    if data[:2] == b"PK" and data[2:4] in _ZIP_MARKS:
        return zip_kind(data)
    if data.startswith(OLE):
        return ole_kind(data)
    for offset, signature, kind in REGISTRY.signatures:
        if data.startswith(signature, offset):
            return kind
    formats = REGISTRY.formats.values()
    for one in formats:
        if one.recognise is not None and one.recognise(data):
            return one.kind
    if not data.startswith(_EXECUTABLE) and is_text(data):
        return text_kind(document)
    for one in formats:
        if one.recognise_binary is not None and one.recognise_binary(document):
            return one.kind
    return "zip" if zip_directory(data) else "binary"


def binary_part(data: bytes) -> bytes:
    """Return the non-text part of a text, b"" if there is none: a script can have an archive at its end."""
    if len(data.translate(None, _NOT_CONTROLS)) < _DENSE or wide_codec(data):
        return b""
    starts = [start for start in range(0, len(data), _BLOCK) if _is_dense(data[start : start + _BLOCK])]
    if not starts:
        return b""
    before = max(0, starts[0] - _BLOCK)
    first = next(at for at in range(before, len(data)) if data[at] not in _NOT_CONTROLS)
    return data[data.rfind(b"\n", 0, first) + 1 : starts[-1] + _BLOCK]


def _is_dense(block: bytes) -> bool:
    """Return whether a block has more control bytes than a text has."""
    return len(block.translate(None, _NOT_CONTROLS)) * _BLOCK >= _DENSE * max(len(block), _BLOCK // 8)


def is_text(data: bytes) -> bool:
    """Return whether data is text, by the control bytes in its first and last 4,000 bytes (text: at most 2 in 100)."""
    sample = data[:4_000] + data[-4_000:]
    if len(sample.translate(None, _TEXT_BYTES)) * 50 <= len(sample):
        return not _is_even(sample)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if wide := wide_codec(data):
        text = data[:4_000].decode(wide, "replace")
        return sum(letter < " " and letter not in "\t\n\r\f" for letter in text) * 50 <= len(text)
    return False


def _is_even(sample: bytes) -> bool:
    """Return whether most bytes are the same non-ASCII byte, as in the white of an image."""
    high = sample.translate(None, _ASCII)
    return len(high) * 2 > len(sample) and max(Counter(high).values()) * 2 > len(sample)


def text_kind(document: Document) -> str:
    """Return the kind of a text: markup, a message, a table or plain."""
    data = document.data
    declared, extension = document.declared_type, extension_of(document.name)
    head = data[:2_000]
    if wide := wide_codec(data):
        head = head.decode(wide, "replace").encode()
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe")
    if declared in ("message/rfc822", "message/global"):
        return "message"
    if declared in ENRICHED:
        return "text"
    if found := _MARKUP.match(head):
        if found[2] and (kind := _first(lambda one: one.in_markup is not None and one.in_markup(data))):
            return kind
        is_page = declared == "text/html" or extension in _PAGES
        return "html" if found[1] or is_page or b"<html" in head.lower() else "xml"
    if declared == "text/html" or extension in _PAGES:
        return "html"
    if kind := _first(lambda one: one.in_text is not None and one.in_text(head)):
        return kind
    if _MBOX.match(head):
        return "mbox"
    if extension == "eml":
        return "message"
    if (first := _HEADER.match(head)) and _HEADER.match(head, first.end()) and declared != "text/plain":
        return "message"
    if head[:6].upper() == b"BEGIN:":
        start = head[:40].upper()
        if start.startswith((b"BEGIN:VCALENDAR", b"BEGIN:VCARD")):
            return "card" if b"VCARD" in start else "calendar"
    if declared == "text/csv" or extension in ("csv", "tsv"):
        return "csv"
    return "text"


def begins_with_field(data: bytes) -> bool:
    """Return whether bytes begin with a header field of mail (RFC 5322, 3.6; RFC 2045)."""
    return _HEADER.match(data[:2_000].lstrip()) is not None


def _first(fits: Callable[[Format], bool]) -> str:
    """Return the kind of the first format that matches, "" if none does."""
    return next((one.kind for one in REGISTRY.formats.values() if fits(one)), "")


def zip_kind(data: bytes) -> str:
    """Return the kind of a zip-based format by the names in its directory, or that of zip files."""
    directory = zip_directory(data) or data[:4_000]
    return _first(lambda one: one.in_zip is not None and one.in_zip(directory, data)) or "zip"


def zip_directory(data: bytes) -> bytes:
    """Return the central directory of a zip file, b"" if it has none (APPNOTE.TXT 4.3.12 and 4.3.16)."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_557))
    if end < 0 or end + 22 > len(data):
        return b""
    (size,) = struct.unpack_from("<I", data, end + 12)
    if size == 0xFFFFFFFF:
        size = end
    start = max(0, end - size)
    return (
        data[start:end] if data.startswith(b"PK\x01\x02", start) or size == end else data[max(0, end - 200_000) : end]
    )


def ole_kind(data: bytes) -> str:
    """Return the kind of a compound file by a stream that only one kind has."""
    try:
        # Storages without streams are omitted, as in listdir().
        names = {kid.name.lower() for kid in ole_file.opened(data).root.kids if _has_streams(kid)}
    except Exception:  # olefile raises OSError, IndexError, struct.error, ... on damage
        names = set()
        for stream, kind in REGISTRY.ole_streams:
            if "".join(f"{letter}\0" for letter in stream).encode() in data.lower():
                return kind
    for stream, kind in REGISTRY.ole_streams:
        if stream in names:
            return kind
    return "ole"


def _has_streams(entry: OleDirectoryEntry) -> bool:
    return entry.entry_type == olefile.STGTY_STREAM or any(map(_has_streams, entry.kids))


def extension_of(name: str) -> str:
    """Return the extension of a file name in lower case, without the dot."""
    return name.rpartition(".")[2].strip().lower() if "." in name else ""


def mismatch(document: Document, kind: str) -> str:
    """Return in a few words how name or declared type differ from the content, "" if they do not."""
    # AppleDouble files have the name of the file to which they belong.
    if kind in ("encrypted", "pkcs7", "apple") or not document.data:
        return ""
    family = TEXTUAL if REGISTRY.textual(kind) else kind
    extension = extension_of(document.name)
    if family not in REGISTRY.by_extension.get(extension, (family,)):
        return f"type mismatch: {family} named .{extension}"
    if family not in REGISTRY.by_type.get(document.declared_type, (family,)):
        return f"type mismatch: {family} declared {document.declared_type}"
    return ""
