"""Reads web archives (ISO 28500, WARC/1.0 and 1.1): the headers of each record, and its content.

A server's response includes its HTTP header, and can be in chunks (RFC 9112, 7.1) or compressed (RFC 9110, 8.4).
"""

import re
import zlib

from holdgate.extract.format import Format
from holdgate.extract.reading import Document, Sink, UnreadableError

_VERSION = re.compile(rb"WARC/1\.[01]\r?\n")
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,15})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_TYPE = re.compile(rb"^content-type:[ \t]*([\w.+/-]{1,100})", re.IGNORECASE | re.MULTILINE)
_CHUNKED = re.compile(rb"^transfer-encoding:[^\r\n]*chunked", re.IGNORECASE | re.MULTILINE)
_PACKED = re.compile(rb"^content-encoding:[ \t]*(?:x-)?(gzip|deflate)", re.IGNORECASE | re.MULTILINE)
_GZIP = b"\x1f\x8b"
_END = re.compile(rb"\r?\n\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]{0,200}\r?\n")


def read(document: Document, sink: Sink) -> None:
    """Pass on each record; raise UnreadableError("damaged") if the first has no length."""
    data, position, records = document.data, 0, 0
    while version := _VERSION.match(data, position):
        end = _END.search(data, version.end())
        length = _LENGTH.search(data, version.end(), end.end()) if end else None
        if end is None or length is None:
            break
        sink.budget.spend_entry()
        records += 1
        sink.text(data[version.end() : end.start()].decode("utf-8", "replace"), f"record {records}")
        position = end.end() + int(length[1])
        _read_block(data[end.end() : position], records, sink)
        if position > len(data):
            sink.limited("damaged, read up to the damage")
        while data[position : position + 1] in (b"\r", b"\n"):
            position += 1
    if not records:
        raise UnreadableError("damaged")
    if data[position:].strip(b"\0 \r\n"):
        sink.embedded(data[position:], "after the last record")


def _read_block(block: bytes, number: int, sink: Sink) -> None:
    """Pass on the block of a record, without its HTTP header, if it has one."""
    kind = ""
    if block.startswith(b"HTTP/") and (end := _END.search(block)):
        header, block = block[: end.start()], block[end.end() :]
        sink.text(header.decode("utf-8", "replace"), f"record {number}, header")
        found = _TYPE.search(header)
        kind = found[1].decode("ascii").lower() if found else ""
        if _CHUNKED.search(header):
            block = _without_chunks(block)
        if packed := _PACKED.search(header):
            block = _unpacked(block, packed[1].lower(), sink)
    sink.budget.spend_bytes(len(block))
    sink.embedded(block, "", kind)


def _without_chunks(block: bytes) -> bytes:
    """Join chunks; data after the last one is kept unchanged."""
    pieces, position = [], 0
    while (chunk := _CHUNK.match(block, position)) and (size := int(chunk[1], 16)):
        pieces.append(block[chunk.end() : chunk.end() + size])
        position = chunk.end() + size
        position += 2 if block[position : position + 2] == b"\r\n" else 0
    rest = block[position:] if chunk is None else block[chunk.end() :]
    return b"".join(pieces) + rest.strip(b"\r\n")


def _unpacked(block: bytes, coding: bytes, sink: Sink) -> bytes:
    """Decode a content coding; a block that is not encoded as declared is passed on unchanged."""
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 32 if coding == b"gzip" or block[:1] == b"\x78" else -zlib.MAX_WBITS)
    try:
        content = inflate.decompress(block, sink.budget.limits.entry_bytes)
    except zlib.error:
        return block
    sink.budget.check_entry(len(block), len(content))
    if inflate.unconsumed_tail:
        sink.limited("member too large")
    if inflate.unused_data.startswith(_GZIP):
        # Several members (RFC 1952, 2.2), which the reader of compressed files puts together.
        return block
    return content + inflate.unused_data


FORMAT = Format(
    kind="warc",
    read=read,
    holds="web archives (WARC)",
    read_by="Holdgate",
    unread="",
    signatures=((0, b"WARC/1."),),
    extensions="warc",
    types="application/warc",
)
