"""Has the kernel keep a process's memory in huge pages, and releases pages of files that only its start needed.

A fork copies a page table entry for each 4 KiB page, and frees them all when the child ends. With pages of 2 MiB there
are hardly any. A page that the child writes to is still copied 4 KiB at a time.
"""

import contextlib
import ctypes
from collections.abc import Iterator, Sequence
from pathlib import Path

_HUGE = 2 << 20
_MADV_DONTNEED = 4
_MADV_COLLAPSE = 25  # Linux 6.1, madvise(2)

_libc = ctypes.CDLL(None, use_errno=True)


def gather(shared: Sequence[tuple[int, int]] = ()) -> int:
    """Move the private memory of this process into huge pages where it fills them; return the number of bytes.

    The ranges `shared` are not changed: a parent shares them, and moving them would copy them. If the kernel lacks
    memory or does not support it, nothing changes.
    """
    gathered = 0
    for start, end in _without(private(), shared):
        first, last = -(-start // _HUGE) * _HUGE, end // _HUGE * _HUGE
        length = last - first
        if first < last and _libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(length), _MADV_COLLAPSE) == 0:
            gathered += length
    return gathered


def release_files() -> None:
    """Release unchanged pages of libraries from this process; it gets those back that it uses again.

    Most were needed once, to load a library. The kernel keeps them in its cache of files while it has memory for it. If
    it does not show a process's memory, nothing changes.
    """
    with contextlib.suppress(FileNotFoundError):
        for start, end in list(_unchanged_files()):
            _libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)


def _unchanged_files() -> Iterator[tuple[int, int]]:
    """Yield the ranges of files that cannot be written to and have no changed page (proc_pid_smaps(5))."""
    place = rights = inode = ""
    with Path("/proc/self/smaps").open(encoding="utf-8", errors="replace") as file:
        for line in file:  # it has tens of thousands of lines
            words = line.split()
            if not words[0].endswith(":"):
                place, rights, _, _, inode, *_ = words
            elif words[:2] == ["Anonymous:", "0"] and rights in ("r-xp", "r--p") and inode != "0":
                start, _, end = place.partition("-")
                yield int(start, 16), int(end, 16)


def _without(ranges: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return `ranges` without `others`; both are in ascending order, and no two ranges of one list overlap."""
    left: list[tuple[int, int]] = []
    for start, end in ranges:
        begin = start
        for first, last in others:
            if last > begin and first < end:
                left.append((begin, first))
                begin = last
        left.append((begin, end))
    return [(start, end) for start, end in left if start < end]


def private() -> list[tuple[int, int]]:
    """Return the address ranges of the heap and of anonymous mappings (proc_pid_maps(5))."""
    found: list[tuple[int, int]] = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, rights, _, _, inode, *name = line.split(maxsplit=5)
        if rights == "rw-p" and inode == "0" and (not name or name[0] == "[heap]"):
            start, _, end = place.partition("-")
            found.append((int(start, 16), int(end, 16)))
    return found
