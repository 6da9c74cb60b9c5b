"""The system calls for each version of Landlock (landlock.rst), recorded by a fake kernel."""

import ctypes
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from holdgate.scan import landlock


class Kernel:
    """Answers the system calls; `refused` is the one that it refuses."""

    def __init__(self, version: int, refused: int = 0) -> None:
        self.version, self.refused = version, refused
        self.rulesets: list[tuple[int, int, int, int, int]] = []
        self.restricted: list[tuple[int, int]] = []

    def syscall(self, number: int, first: Any, *rest: Any) -> int:
        if number == self.refused or self.version < 0:
            ctypes.set_errno(errno.EPERM)
            return -1
        if number == 444 and first is None:
            assert [one.value for one in rest] == [0, 1]  # LANDLOCK_CREATE_RULESET_VERSION
            return self.version
        if number == 444:
            given = first._obj
            size, flags = (one.value for one in rest)
            self.rulesets.append((given.handled_access_fs, given.handled_access_net, given.scoped, size, flags))
            return os.open(os.devnull, os.O_RDONLY)
        assert number == 446
        self.restricted.append((first, rest[0].value))
        return 0


def kernel(monkeypatch: pytest.MonkeyPatch, version: int, refused: int = 0) -> Kernel:
    one = Kernel(version, refused)
    monkeypatch.setattr(landlock, "_libc", one)
    return one


@pytest.mark.parametrize(("version", "abi"), [(6, 6), (1, 1), (0, 0), (-1, 0)])
def test_a_kernel_without_landlock_has_version_0(monkeypatch: pytest.MonkeyPatch, version: int, abi: int) -> None:
    kernel(monkeypatch, version)
    assert landlock.abi() == abi


@pytest.mark.parametrize(
    ("version", "files", "network", "scopes"),
    [
        (1, 0x1FFF, 0, 0),
        (2, 0x3FFF, 0, 0),
        (3, 0x7FFF, 0, 0),
        (4, 0x7FFF, 3, 0),
        (5, 0xFFFF, 3, 0),
        (6, 0xFFFF, 3, 3),
        (7, 0xFFFF, 3, 3),
    ],
)
def test_exactly_the_rights_that_a_version_knows_are_dropped(
    monkeypatch: pytest.MonkeyPatch, version: int, files: int, network: int, scopes: int
) -> None:
    one = kernel(monkeypatch, version)
    before = len(list(Path("/proc/self/fd").iterdir()))
    landlock.restrict(version)
    assert one.rulesets == [(files, network, scopes, 24, 0)]
    assert [flags for _, flags in one.restricted] == [0]
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("refused", [444, 446])
def test_a_refused_call_is_an_error_and_leaves_no_descriptor_open(
    monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    kernel(monkeypatch, 3, refused)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="Operation not permitted"):
        landlock.restrict(3)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
