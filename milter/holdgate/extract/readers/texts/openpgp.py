"""Reads OpenPGP messages that are not encrypted: only signed, only compressed, or only wrapped.

Follows RFC 9580: packet headers in both forms with partial and indeterminate lengths (4.2), compressed data (5.6),
literal data (5.9). Anyone can read these without a key; if a message has an encrypted packet, all of it is encrypted.
"""

import bz2
import zlib
from collections.abc import Iterator

from holdgate.extract import armour
from holdgate.extract.format import Format
from holdgate.extract.reading import Document, Sink, UnreadableError

TYPE = "application/pgp-encrypted"
"""The MIME type of OpenPGP messages (RFC 3156, 4), encrypted or not."""

_ENCRYPTED = frozenset({1, 3, 9, 18, 20})
_SIGNATURE, _ONE_PASS, _COMPRESSED, _MARKER, _LITERAL, _PADDING = 2, 4, 8, 10, 11, 21
# The possible first packets of a message (RFC 9580, 10.3).
_OPENING = _ENCRYPTED | {_SIGNATURE, _ONE_PASS, _COMPRESSED, _MARKER, _LITERAL, _PADDING}
_DEEPEST = 8
_DEFLATE, _ZLIB, _BZIP2 = 1, 2, 3


def read(document: Document, sink: Sink) -> None:
    """Pass on each literal packet. Raises UnreadableError("encrypted") or ("damaged")."""
    data = armour.first_block(document.data, armour.PGP) if document.data[:1] != b"\0" else None
    if _read_packets(document.data if data is None else data, sink, 0) == 0:
        raise UnreadableError("damaged")


def _read_packets(data: bytes, sink: Sink, depth: int) -> int:
    """Pass on the literal packets in a sequence; return how many there were."""
    if depth > _DEEPEST:
        sink.limited("nested too deeply")
        return 1
    found = 0
    for tag, body in packets(data):
        sink.budget.check_time()
        if tag in _ENCRYPTED:
            raise UnreadableError("encrypted")
        if tag == _LITERAL and len(body) >= 2:
            end = 2 + body[1]
            content = body[end + 4 :]
            sink.budget.spend_bytes(len(content))
            sink.embedded(content, body[2:end].decode("utf-8", "replace").removeprefix("_CONSOLE") or "OpenPGP content")
            found += 1
        elif tag == _COMPRESSED and body:
            found += _read_packets(_inflated(body[0], body[1:], sink), sink, depth + 1)
        elif tag not in _OPENING:
            sink.limited("unknown OpenPGP packet")
    return found


def _inflated(algorithm: int, data: bytes, sink: Sink) -> bytes:
    most = sink.budget.limits.entry_bytes
    try:
        if algorithm == 0:
            unpacked = data
        elif algorithm in (_DEFLATE, _ZLIB):
            unpacked = zlib.decompressobj(-15 if algorithm == _DEFLATE else 15).decompress(data, most + 1)
        elif algorithm == _BZIP2:
            unpacked = bz2.BZ2Decompressor().decompress(data, most + 1)
        else:
            raise UnreadableError("unknown compression")
    except (zlib.error, OSError) as error:
        raise UnreadableError("damaged") from error
    sink.budget.check_entry(len(data), len(unpacked))
    sink.budget.spend_bytes(len(unpacked))
    return unpacked


def packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and body of each packet, the last one as far as possible; stop at an invalid packet header."""
    position = 0
    while position < len(data):
        first = data[position]
        position += 1
        if not first & 0x80:
            return
        if first & 0x40:
            tag, (body, position) = first & 0x3F, _new_body(data, position)
        else:
            tag, kind = first >> 2 & 0x0F, first & 3
            size = (1, 2, 4, 0)[kind]
            length = int.from_bytes(data[position : position + size], "big") if size else len(data) - position
            position += size
            body = data[position : position + length]
            position += length
        yield tag, body


def _new_body(data: bytes, position: int) -> tuple[bytes, int]:
    """Return a body in the current packet format, its partial lengths joined, and where it ends."""
    pieces: list[bytes] = []
    while position < len(data):
        first = data[position]
        position += 1
        partial = False
        if first < 192:
            length = first
        elif first < 224:
            length = (first - 192 << 8) + data[position] + 192 if position < len(data) else 0
            position += 1
        elif first == 255:
            length = int.from_bytes(data[position : position + 4], "big")
            position += 4
        else:
            length, partial = 1 << (first & 0x1F), True
        pieces.append(data[position : position + length])
        position += length
        if not partial:
            break
    return b"".join(pieces), position


def is_readable(data: bytes) -> bool:
    """Return whether a message, not armoured, begins with a packet that anyone can read."""
    tag, _ = next(packets(data), (0, b""))
    return tag in _OPENING - _ENCRYPTED


def _armoured(head: bytes) -> bool:
    block = armour.first_block(head, armour.PGP)
    return block is not None and is_readable(block)


def _declared(document: Document) -> bool:
    named = document.declared_type == TYPE or document.name.lower().endswith((".gpg", ".pgp"))
    return named and is_readable(document.data)


FORMAT = Format(
    kind="openpgp",
    read=read,
    holds="OpenPGP messages that are only signed, compressed or wrapped",
    read_by="Holdgate",
    unread="",
    in_text=_armoured,
    recognise_binary=_declared,
)
