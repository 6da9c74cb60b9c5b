"""Reads documents of Hancom's word processor Hangul: HWP 5, streams of records in a compound file.

Follows Hancom's "Hangul Document File Formats 5.0", revision 1.3: 3.2.1 (file header), 3.2.6 (records), 4.3.2
(paragraph text, and the characters that represent controls in it), 4.3.10.15 (fields). `hangul_distribution` opens
distribution documents. Headers, footers, notes, memos, tables and text boxes are paragraphs among the others.
"""

import re
import struct
from array import array
from collections.abc import Iterator

from holdgate.extract.readers.archives.inflate import RAW, inflated
from holdgate.extract.readers.office import hangul_distribution
from holdgate.extract.readers.office.compound import Storage
from holdgate.extract.readers.openxml.hwpx import preview_lines
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Sink, UnreadableError

STREAM = "fileheader"
_SIGNATURE = b"HWP Document File"
_COMPRESSED, _PASSWORD, _DISTRIBUTED, _RIGHTS = 0x1, 0x2, 0x4, 0x10
_STYLE, _PARAGRAPH, _CONTROL, _EQUATION = 0x1A, 0x43, 0x47, 0x58
# Records of numbers only, and the names of typefaces, in DocInfo (4.2) and in sections (4.3).
_NUMBERS = frozenset({0x10, 0x11, *range(0x13, 0x1A), 0x42, *range(0x44, 0x47), *range(0x49, 0x4C), 0x4D})
# Images, drawings, tables and equations (4.3.9): a description of the object follows after this many bytes.
_DESCRIBED = (b" osg", b" lbt", b"deqe")
_DESCRIPTION = 44
_COMMAND = 9  # of a field (4.3.10.15)
_SCRIPT = 4  # of an equation
_TRAILER = 16  # bytes that Hangul leaves behind a deflated stream
# A control takes eight units: itself, six of data, and itself again; others take one unit.
_EXTENDED = re.compile(r"([\x01-\x09\x0b\x0c\x0e-\x17])(?s:.{6})\1")
_SINGLE = {0x18: "-", 0x1E: "\xa0", 0x1F: " "} | dict.fromkeys((*range(9), *range(0x0B, 0x18), *range(0x19, 0x1E)), "")


def read_storage(storage: Storage, sink: Sink) -> None:
    """Read the text, the scripts and the files of a document. Raises UnreadableError("encrypted")."""
    header = storage.read(STREAM)
    if not header.startswith(_SIGNATURE):
        sink.limited("unknown format, only strings read")
        for text in strings(header):
            sink.text(text)
        return
    (flags,) = struct.unpack_from("<I", header, 36)
    if flags & (_PASSWORD | _RIGHTS):
        raise UnreadableError("encrypted")
    is_packed = bool(flags & _COMPRESSED)
    # Hangul shows a distribution document to anyone: text and scripts are encrypted with a key that is in the file.
    is_distributed = bool(flags & _DISTRIBUTED)
    for tag, content in _records(_unpacked(storage.read("docinfo"), is_packed, sink), sink):
        _read_record(tag, content, sink)
    shown: set[str] = set()
    for name in ("bodytext", "viewtext"):
        for inner, stream in _streams(storage, name):
            data = _decrypted(inner.read(stream), is_distributed, sink)
            for tag, content in _records(_unpacked(data, is_packed, sink), sink):
                shown.update(_read_record(tag, content, sink).split("\n"))
    for inner, stream in _streams(storage, "scripts"):
        data = _decrypted(inner.read(stream), is_distributed, sink)
        _read_strings(_unpacked(data, is_packed, sink), sink, "script")
    for inner, stream in _streams(storage, "bindata"):
        content = _file(inner.read(stream), sink)
        # An object is preceded by its size.
        sink.embedded(content[4:] if stream.endswith(".ole") else content, inner.names[stream])
    for line in preview_lines(storage.read("prvtext").decode("utf-16-le", "replace"), shown):
        sink.text(line, "preview")


def paragraph(data: bytes) -> str:
    """Return the text of a paragraph (UTF-16, little-endian) without the controls in it.

    >>> paragraph("Card\\x1e4111\\x0b??????\\x0b 1111\\r".encode("utf-16-le"))
    'Card\\xa04111 1111'
    """
    units = array("H", data[: len(data) // 2 * 2])
    # Not decoded at once: two numbers of a control can look like a surrogate pair.
    text = _EXTENDED.sub(lambda match: "\t" if match[1] == "\t" else "", "".join(map(chr, units)))
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.translate(_SINGLE)


def _streams(storage: Storage, name: str) -> Iterator[tuple[Storage, str]]:
    """Yield the unread streams of a storage inside this one."""
    inner = storage.storage(name)
    for stream in inner.untaken() if inner is not None else ():
        assert inner is not None
        yield inner, stream


def _records(data: bytes, sink: Sink) -> Iterator[tuple[int, bytes]]:
    """Yield tags and contents of records; for data that is not a record, the strings are passed on."""
    at = 0
    while at + 4 <= len(data):
        sink.budget.check_time()
        (header,) = struct.unpack_from("<I", data, at)
        start, size = at + 4, header >> 20
        if size == 0xFFF:  # the size is in the next four bytes
            if start + 4 > len(data):
                break
            (size,) = struct.unpack_from("<I", data, start)
            start += 4
        if start + size > len(data):
            break
        yield header & 0x3FF, data[start : start + size]
        at = start + size
    if at < len(data):
        sink.limited("damaged")
        _read_strings(data[at:], sink, "remains")


def _read_record(tag: int, content: bytes, sink: Sink) -> str:
    """Pass on the text of one record; return it if it is the text of a paragraph, else ""."""
    if tag == _PARAGRAPH:
        text = paragraph(content)
        if text.strip():
            sink.text(text)
        return text
    if tag == _CONTROL and content[3:4] == b"%":
        _read_counted(content, _COMMAND, sink, "field")
    elif tag == _CONTROL and content.startswith(_DESCRIBED):
        _read_counted(content, _DESCRIPTION, sink, "description of an object")
    elif tag == _EQUATION:
        _read_counted(content, _SCRIPT, sink, "equation")
    elif tag == _STYLE:
        _read_counted(content, 0, sink, "style")
    elif tag not in _NUMBERS:
        _read_strings(content, sink, "object")
    return ""


def _read_counted(data: bytes, at: int, sink: Sink, place: str) -> None:
    """Pass on a text that is preceded by its length in units."""
    if len(data) >= at + 2:
        (count,) = struct.unpack_from("<H", data, at)
        text = data[at + 2 : at + 2 + 2 * count].decode("utf-16-le", "replace")
        if text.strip():
            sink.text(text, place)


def _read_strings(data: bytes, sink: Sink, place: str) -> None:
    for text in strings(data, narrow=False):
        sink.text(text, place)


def _decrypted(data: bytes, is_distributed: bool, sink: Sink) -> bytes:
    """Return a stream of a distribution document without its encryption; one without a key is not encrypted."""
    if not is_distributed or not data:
        return data
    sink.budget.spend_bytes(len(data))
    content = hangul_distribution.opened(data)
    return data if content is None else content


def _unpacked(data: bytes, is_packed: bool, sink: Sink) -> bytes:
    """Return a stream unpacked, as far as possible."""
    if not is_packed or not data:
        return data
    content, _, is_whole = inflated(data, sink, RAW)
    if not is_whole:
        sink.limited("damaged")
    return content


def _file(data: bytes, sink: Sink) -> bytes:
    """Return an image or object. Each can be packed, independent of the file header (4.2.3)."""
    content, rest, is_whole = inflated(data, sink, RAW)
    return content if is_whole and len(rest) <= _TRAILER else data
