"""The check of a cabinet's blocks, on single fields: none of these is a cabinet for another program."""

import struct

import pytest

from holdgate.extract.readers.archives import cab
from holdgate.extract.reading import UnreadableError
from tests.support.samples import cab as cabinet
from tests.support.sink import KeepingSink


def fields(packed: int, size: int, flags: int = 0, compression: int = 0) -> bytes:
    """Return a header without signature, one folder and one block that names two sizes; no file, no data."""
    extra = struct.pack("<HBB", 1, 1, 1) + b"x" if flags & 4 else b""
    extra += b"a\0b\0" * ((flags & 1) + (flags >> 1 & 1))
    reserve = b"x" * (flags >> 2 & 1)
    start = 36 + len(extra) + 8 + len(reserve)
    head = bytes(26) + struct.pack("<H2xH4x", 1, flags)
    return head + extra + struct.pack("<IHH", start, 1, compression) + reserve + struct.pack("<4xHH", packed, size)


@pytest.mark.parametrize("flags", range(8))
@pytest.mark.parametrize(
    ("packed", "size", "compression", "damaged"),
    [
        (20, 20, 0, False),
        (20, 21, 0, True),
        (20, 19, 0, True),
        (20, 32_768, 1, False),
        (20, 32_769, 1, True),
        (32_769, 32_769, 0, True),
    ],
)
def test_a_block_with_a_wrong_length_is_damaged(
    flags: int, packed: int, size: int, compression: int, damaged: bool
) -> None:
    data = fields(packed, size, flags, compression)
    if damaged:
        with pytest.raises(UnreadableError, match="damaged"):
            cab.check(data, KeepingSink())
    else:
        cab.check(data, KeepingSink())


def test_only_a_block_that_continues_in_the_next_cabinet_has_no_size() -> None:
    cab.check(fields(20, 0, flags=2), KeepingSink())
    with pytest.raises(UnreadableError, match="damaged"):
        cab.check(fields(20, 0), KeepingSink())


def test_a_cabinet_that_ends_early_is_left_to_the_reader() -> None:
    for length in range(60):
        cab.check(fields(20, 20)[:length], KeepingSink())
        cab.check(cabinet()[:length], KeepingSink())
