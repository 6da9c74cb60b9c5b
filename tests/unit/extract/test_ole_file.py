"""Streams of compound files are read as olefile reads them, intact or damaged."""

import random
import struct
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import olefile

from holdgate.extract import ole_file
from tests.data.compound_writer import compound

_DOCUMENTS = Path(__file__).parents[2] / "data/documents"
_SIZES = (0, 1, 63, 64, 65, 640, 4_095, 4_096, 4_097, 9_000)


def _written() -> bytes:
    return compound({f"stream {size}": random.Random(size).randbytes(size) for size in _SIZES})


def _files() -> list[bytes]:
    return [_written(), *((_DOCUMENTS / name).read_bytes() for name in ("sheet.xls", "text.doc"))]


def _streams(file: olefile.OleFileIO) -> list[tuple[int, int]]:
    entries = [entry for entry in file.direntries if entry and entry.entry_type == olefile.STGTY_STREAM]
    return [(entry.isectStart, entry.size) for entry in entries]


def _outcome(read: Callable[[], bytes]) -> object:
    try:
        return read()
    except Exception as error:
        return type(error)


def test_each_stream_has_its_content() -> None:
    """All sizes around those of a small sector, of a sector, and of the limit between both kinds."""
    file = ole_file.opened(_written())
    found = {size: ole_file.stream(file, start, size) for start, size in _streams(file)}
    assert found == {size: random.Random(size).randbytes(size) for size in _SIZES}


def _damaged(whole: bytes, chance: random.Random) -> bytes:
    """Change entries of the tables of sectors, and shorten every second file."""
    data = bytearray(whole)
    for place in (76, 60):  # the first sector of the FAT, and of the table of small sectors ([MS-CFB], 2.2)
        (sector,) = struct.unpack_from("<I", data, place)
        for _ in range(chance.randint(0, 8)):
            entry = (sector + 1) * 512 + 4 * chance.randrange(128)
            struct.pack_into(
                "<I", data, entry, chance.choice((0, 1, 2, 7, 2**32 - 2, 2**32 - 1, chance.randrange(300)))
            )
    if chance.random() < 0.5:
        del data[chance.randrange(len(data) // 2, len(data)) :]
    return bytes(data)


def _by_olefile(file: olefile.OleFileIO, first: int, size: int) -> bytes:
    content: bytes = file._open(first, size).read()
    return content


def test_a_damaged_file_gives_the_same_result_as_olefile() -> None:
    """Wrong sectors, loops, sizes and ends: the same bytes or the same kind of error."""
    chance = random.Random(1)
    outcomes = Counter[str]()
    for whole in _files() * 60:
        data = _damaged(whole, chance)
        try:
            file = olefile.OleFileIO(data)
            streams = _streams(file)
        except Exception:
            continue
        for start, size in streams:
            for first in (start, start + 1, chance.randrange(2**32)):
                expected = _outcome(partial(_by_olefile, file, first, size))
                found = _outcome(partial(ole_file.stream, file, first, size))
                assert found == expected
                complete = isinstance(expected, bytes) and len(expected) == size
                outcomes["complete" if complete else "shorter" if isinstance(expected, bytes) else "error"] += 1
    assert outcomes["complete"] > 500
    assert outcomes["shorter"] > 500


def test_a_file_whose_sectors_are_scattered_is_read_in_their_order() -> None:
    """A chain of sectors can go back and forth."""
    content = random.Random(1).randbytes(5_000)
    data = bytearray(compound({"one": content}))
    file = olefile.OleFileIO(bytes(data))
    ((start, size),) = _streams(file)
    sector, fat = file.sectorsize, file.fat
    second = fat[start]
    third = fat[second]
    fourth = fat[third]
    # Swap the second and the third sector of the stream, in the content and in the table.
    place = {number: (number + 1) * sector for number in (second, third)}
    one, two = (bytes(data[place[number] : place[number] + sector]) for number in (second, third))
    data[place[second] : place[second] + sector], data[place[third] : place[third] + sector] = two, one
    swapped = olefile.OleFileIO(bytes(data))
    swapped.fat[start], swapped.fat[third], swapped.fat[second] = third, second, fourth
    assert ole_file.stream(swapped, start, size) == content
