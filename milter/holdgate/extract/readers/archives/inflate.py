"""Inflates a zlib stream, as far as possible, within the budget."""

import zlib

from holdgate.extract.reading import Sink

RAW = -zlib.MAX_WBITS
"""The `window` of a deflated stream without a header (RFC 1951)."""
_STEP = 1 << 20


def inflated(data: bytes, sink: Sink, window: int = zlib.MAX_WBITS) -> tuple[bytes, bytes, bool]:
    """Return the inflated data, the data after the stream, and whether the stream was complete.

    `window` is zlib's wbits: by default a stream with a header (RFC 1950). Raises LimitReachedError.
    """
    inflate = zlib.decompressobj(window)
    out, pending = bytearray(), data
    try:
        while pending and not inflate.eof:
            piece = inflate.decompress(pending, _STEP)
            pending = inflate.unconsumed_tail
            out += piece
            sink.budget.spend_bytes(len(piece))
            sink.budget.check_entry(len(data), len(out))
    except zlib.error:
        pass
    return bytes(out), inflate.unused_data, inflate.eof
