"""Reads the source of macros.

Follows [MS-OVBA] 2.4.1 (compression) and 2.3.4.3 (module streams). A module stream contains its compiled form and then
its source, compressed. The source always begins with `Attribute`, by which it is found without the dir stream.
"""

import struct

from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Sink

# The first three bytes are the container's signature and a chunk's header, the fourth flags eight literal bytes.
SOURCE = b"\x00Attribut"
CHUNK = 4_096


def read_module(data: bytes, name: str, sink: Sink) -> None:
    """Pass on the source of the module `name`, or the strings of its stream if no source is found."""
    sink.signal("macro")
    at = data.rfind(SOURCE)
    place = f"macro {name}"
    if at >= 3 and data[at - 3] == 1:
        source = decompressed(data[at - 3 :], sink)
        sink.text(source.decode("cp1252", "replace"), place)
    else:
        for text in strings(data):
            sink.text(text, place)


def decompressed(data: bytes, sink: Sink) -> bytes:
    """Return the content of a compressed container (2.4.1.3), up to any damage."""
    out = bytearray()
    at, written = 1, 0
    while at + 2 <= len(data):
        (header,) = struct.unpack_from("<H", data, at)
        end = min(at + (header & 0x0FFF) + 3, len(data))
        at += 2
        if header & 0x8000:
            _decompress_chunk(data, at, end, out)
        else:
            out += data[at : at + CHUNK]
            end = at + CHUNK
        at = end
        sink.budget.check_time()
        sink.budget.spend_bytes(len(out) - written)
        written = len(out)
    return bytes(out)


def _decompress_chunk(data: bytes, at: int, end: int, out: bytearray) -> None:
    """Append one chunk: flag bytes, each followed by eight tokens, literal or copied (2.4.1.3.4 and on)."""
    start = len(out)
    while at < end and len(out) - start < CHUNK:
        flags = data[at]
        at += 1
        for bit in range(8):
            if at >= end:
                return
            if not flags >> bit & 1:
                out.append(data[at])
                at += 1
                continue
            if at + 2 > end:
                return
            (token,) = struct.unpack_from("<H", data, at)
            at += 2
            written = len(out) - start
            bits = max((max(written, 1) - 1).bit_length(), 4)
            length = (token & (0xFFFF >> bits)) + 3
            offset = (token >> (16 - bits)) + 1
            if offset > written:
                return
            for _ in range(min(length, CHUNK - written)):
                out.append(out[-offset])
