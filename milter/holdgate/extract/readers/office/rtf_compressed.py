"""Unpacks the compressed rich text of messages.

Follows [MS-OXRTFCP] 2.1.3 (header, dictionary, runs) and 3.1 (decompression).
"""

import struct

from holdgate.extract.reading import Sink

COMPRESSED, UNCOMPRESSED = 0x75465A4C, 0x414C454D
DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
WINDOW = 4_096


def decompressed(data: bytes, sink: Sink) -> bytes:
    """Return the rich text; b"", with a report to the sink, if it is neither compressed nor marked as plain."""
    if len(data) < 16:
        return b""
    size, raw_size, kind = struct.unpack_from("<III", data)
    if kind == UNCOMPRESSED:
        return data[16 : 16 + raw_size]
    if kind != COMPRESSED:
        sink.limited("damaged rich text body")
        return b""
    sink.budget.check_entry(len(data), raw_size)
    out = bytearray(DICTIONARY)
    start = len(out)
    steps = 0
    at, end = 16, min(size + 4, len(data))
    limit = min(raw_size, sink.budget.limits.entry_bytes) + start
    while at < end and len(out) < limit:
        control = data[at]
        at += 1
        if not control:
            out += data[at : at + 8]
            at += 8
            continue
        for bit in range(8):
            if not control >> bit & 1:
                out += data[at : at + 1]
                at += 1
                continue
            if at + 2 > end:
                at = end
                break
            token = data[at] << 8 | data[at + 1]
            at += 2
            offset, length = token >> 4, (token & 0xF) + 2
            written = len(out) % WINDOW
            if offset == written:
                at = end
                break
            source = len(out) - ((written - offset) % WINDOW)
            if source < 0:
                at = end
                break
            while length:
                # What is copied may be what this run has just written.
                piece = out[source : source + length]
                out += piece
                source += len(piece)
                length -= len(piece)
        steps += 1
        if not steps & 0xFFF:
            sink.budget.check_time()
    sink.budget.spend_bytes(len(out) - start)
    return bytes(out[start:])
