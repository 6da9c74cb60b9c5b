"""Checks the blocks of a cabinet before libarchive reads it: version 3.6 was seen to crash on damaged cabinets.

Follows [MS-CAB] 2.1 (header), 2.2 (folders), 2.4 (blocks of data).
"""

import struct

from holdgate.extract.reading import Sink, UnreadableError

_PREVIOUS, _NEXT, _RESERVE = 1, 2, 4
_COMPRESSION, _STORED = 0xF, 0
_MOST = 32_768


def check(data: bytes, sink: Sink) -> None:
    """Raise UnreadableError("damaged") if a block is too long, or stored with another size than its own."""
    try:
        folders, flags = struct.unpack_from("<H2xH", data, 26)
        at, folder_reserve, data_reserve = 36, 0, 0
        if flags & _RESERVE:
            header_reserve, folder_reserve, data_reserve = struct.unpack_from("<HBB", data, at)
            at += 4 + header_reserve
        # Names of the previous cabinet and disk, and of the next ones.
        for _ in range(2 * bool(flags & _PREVIOUS) + 2 * bool(flags & _NEXT)):
            at = data.index(b"\0", at) + 1
        for number in range(folders):
            sink.budget.check_time()
            start, blocks, compression = struct.unpack_from("<IHH", data, at + number * (8 + folder_reserve))
            for _ in range(blocks):
                packed, size = struct.unpack_from("<4xHH", data, start)
                stored = compression & _COMPRESSION == _STORED
                # A block that continues in the next cabinet has no size.
                goes_on = size == 0 and flags & _NEXT
                if size > _MOST or (stored and size != packed and not goes_on):
                    raise UnreadableError("damaged")
                start += 8 + data_reserve + packed
    except (struct.error, ValueError):
        return  # it is truncated, which libarchive reports too, after what it could read
