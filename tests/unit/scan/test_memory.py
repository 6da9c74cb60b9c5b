"""Huge pages: which memory is gathered, and that memory shared with the parent is not."""

import ctypes
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.scan import memory
from holdgate.scan.memory import _without


def ranges(edges: list[int]) -> list[tuple[int, int]]:
    """Return ranges between each two of some sorted numbers."""
    return list(zip(edges[::2], edges[1::2], strict=False))


EDGES = st.lists(st.integers(0, 60), unique=True).map(sorted).map(ranges)


@given(EDGES, EDGES)
def test_exactly_the_shared_ranges_are_left_out(own: list[tuple[int, int]], shared: list[tuple[int, int]]) -> None:
    left = _without(own, shared)
    places = {place for start, end in own for place in range(start, end)}
    others = {place for start, end in shared for place in range(start, end)}
    found = [place for start, end in left for place in range(start, end)]
    assert sorted(found) == sorted(places - others)
    assert all(start < end for start, end in left)


def test_only_the_new_part_of_a_range_that_has_grown_remains() -> None:
    assert _without([(0, 10), (20, 40)], [(0, 10), (25, 30)]) == [(20, 25), (30, 40)]


MB = 2**20
MAPS = f"""\
{0:x}-{1 * MB:x} r-xp 00000000 00:1f 4711                       /usr/bin/python3.11
{1 * MB:x}-{3 * MB:x} rw-p 00000000 00:1f 4711                       /usr/lib/library.so
{3 * MB:x}-{9 * MB:x} rw-p 00000000 00:00 0                          [heap]
{9 * MB:x}-{11 * MB:x} rw-p 00000000 00:00 0
{11 * MB:x}-{13 * MB:x} r--p 00000000 00:00 0
{13 * MB:x}-{15 * MB:x} rw-p 00000000 00:00 0                          [stack]
{15 * MB:x}-{17 * MB:x} rw-s 00000000 00:00 0
{17 * MB:x}-{19 * MB:x} rw-p 00000000 00:01 0                          /memfd:x (deleted)
"""


@pytest.fixture
def advised(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """The recorded calls of madvise: address, length, advice. An address of 4 MiB is refused."""
    asked: list[tuple[int, int, int]] = []

    class Kernel:
        @staticmethod
        def madvise(address: ctypes.c_void_p, length: ctypes.c_size_t, advice: int) -> int:
            asked.append((address.value or 0, length.value, advice))
            return -1 if address.value == 4 * MB else 0

    monkeypatch.setattr(memory, "_libc", Kernel)
    return asked


def test_private_memory_is_the_heap_and_anonymous_mappings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda path: MAPS if str(path) == "/proc/self/maps" else "")
    assert memory.private() == [(3 * MB, 9 * MB), (9 * MB, 11 * MB)]


def test_this_process_has_private_memory() -> None:
    assert all(start < end for start, end in memory.private())
    assert memory.private()


@pytest.mark.parametrize(
    ("ranges", "asked", "gathered"),
    [
        ([(6 * MB, 10 * MB)], [(6 * MB, 4 * MB)], 4 * MB),
        ([(6 * MB + 4096, 10 * MB)], [(8 * MB, 2 * MB)], 2 * MB),
        ([(6 * MB, 10 * MB - 4096)], [(6 * MB, 2 * MB)], 2 * MB),
        ([(6 * MB + 4096, 10 * MB - 4096)], [], 0),
        ([(7 * MB, 8 * MB)], [], 0),
        ([(4 * MB, 6 * MB), (8 * MB, 10 * MB)], [(4 * MB, 2 * MB), (8 * MB, 2 * MB)], 2 * MB),
        ([], [], 0),
    ],
    ids=["whole", "begins late", "ends early", "both", "small", "refused", "none"],
)
def test_only_complete_huge_pages_are_gathered(
    monkeypatch: pytest.MonkeyPatch,
    advised: list[tuple[int, int, int]],
    ranges: Any,
    asked: list[tuple[int, int]],
    gathered: int,
) -> None:
    monkeypatch.setattr(memory, "private", lambda: ranges)
    assert memory.gather() == gathered
    assert advised == [(start, length, 25) for start, length in asked]


def test_shared_memory_is_not_gathered(monkeypatch: pytest.MonkeyPatch, advised: list[tuple[int, int, int]]) -> None:
    monkeypatch.setattr(memory, "private", lambda: [(6 * MB, 12 * MB)])
    assert memory.gather([(8 * MB, 10 * MB)]) == 4 * MB
    assert [(start, length) for start, length, _ in advised] == [(6 * MB, 2 * MB), (10 * MB, 2 * MB)]


SMAPS = f"""\
{0:x}-{1 * MB:x} r-xp 00000000 00:1f 4711                       /usr/bin/python3.11
Size:               1024 kB
Anonymous:             0 kB
VmFlags:
{1 * MB:x}-{3 * MB:x} r--p 00000000 00:1f 4711                       /usr/lib/library.so
Anonymous:             0 kB
{3 * MB:x}-{5 * MB:x} r--p 00000000 00:1f 4711                       /usr/lib/a relocated library.so
Anonymous:             4 kB
{5 * MB:x}-{6 * MB:x} rw-p 00000000 00:1f 4711                       /usr/lib/library.so
Anonymous:             0 kB
{6 * MB:x}-{7 * MB:x} r-xp 00000000 00:00 0                          [vdso]
Anonymous:             0 kB
"""


def test_unchanged_pages_of_files_are_released_and_no_others(
    monkeypatch: pytest.MonkeyPatch, advised: list[tuple[int, int, int]]
) -> None:
    opened: list[str] = []

    def smaps(path: Path, **_: str) -> io.StringIO:
        opened.append(str(path))
        return io.StringIO(SMAPS)

    monkeypatch.setattr(Path, "open", smaps)
    memory.release_files()
    assert advised == [(0, MB, 4), (MB, 2 * MB, 4)]
    assert opened == ["/proc/self/smaps"]


def test_no_memory_is_released_without_smaps(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(path: Path, **_: str) -> io.StringIO:
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "open", missing)
    memory.release_files()


def test_a_process_continues_after_it_has_released_its_files() -> None:
    memory.release_files()
    assert json.loads('{"a": [1.5]}') == {"a": [1.5]}
