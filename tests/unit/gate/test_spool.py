import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.gate.spool import Spool


def content(spool: Spool) -> bytes:
    return os.pread(spool.descriptor, os.fstat(spool.descriptor).st_size, 0)


def place_of(spool: Spool) -> str:
    return str(Path(f"/proc/self/fd/{spool.descriptor}").readlink())


@settings(max_examples=60)
@given(chunks=st.lists(st.binary(max_size=90_000), max_size=6), memory=st.sampled_from([0, 1, 65_536, 10**9]))
def test_written_chunks_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes], memory: int
) -> None:
    spool = Spool(tmp_path_factory.getbasetemp(), memory)
    for chunk in chunks:
        spool.write(chunk)
    message = spool.message()
    assert (message if isinstance(message, bytes) else content(spool)) == b"".join(chunks)
    assert isinstance(message, bytes) == (spool.descriptor < 0)
    assert spool.size == len(b"".join(chunks))
    spool.close()


def test_a_memory_view_that_outlives_the_call_causes_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.14 does so with an object that it passed to a function."""
    views: list[memoryview] = []
    write = os.write

    def keep(descriptor: int, data: memoryview) -> int:
        views.append(data[:1])
        return write(descriptor, data[:50_000])

    monkeypatch.setattr(os, "write", keep)
    spool = Spool(tmp_path, 10**6)
    spool.write(b"x" * 70_000)
    spool.write(b"y" * 70_000)
    spool.message()
    assert content(spool) == b"x" * 70_000 + b"y" * 70_000
    spool.close()
    assert len(views) == 4


def test_a_large_message_moves_to_an_unnamed_file_on_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 100_000)
    spool.write(b"x" * 99_000)
    spool.message()
    assert "memfd:" in str(Path(f"/proc/self/fd/{spool.descriptor}").readlink())
    spool.write(b"y" * 2_000)
    spool.message()
    assert str(tmp_path) in str(Path(f"/proc/self/fd/{spool.descriptor}").readlink())
    assert list(tmp_path.iterdir()) == []
    assert content(spool) == b"x" * 99_000 + b"y" * 2_000
    spool.close()
    spool.close()


def test_a_directory_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "none", 0)
    with pytest.raises(OSError, match="No such file"):
        spool.write(b"x" * 100_000)
    spool.close()


def test_a_message_that_moved_to_disk_stays_there(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 100_000)
    spool.write(b"x" * 150_000)
    descriptor = spool.descriptor
    for _ in range(3):
        spool.write(b"y" * 70_000)
    assert spool.descriptor == descriptor, "it is copied once"
    assert len(content(spool)) == spool.size
    spool.close()


def test_a_full_disk_leaves_no_descriptor_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    spool = Spool(tmp_path, 100_000)
    spool.write(b"x" * 90_000)
    monkeypatch.setattr(os, "sendfile", full)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="No space left"):
        spool.write(b"x" * 90_000)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    spool.close()
    spool.close()


def test_a_short_message_has_no_file_and_one_at_the_limit_has_none_on_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 100_000)
    assert spool.descriptor == -1
    spool.write(b"x" * 100_000)
    spool.message()
    assert "memfd" in place_of(spool)
    spool.write(b"x")
    spool.message()
    assert place_of(spool).startswith(str(tmp_path))
    assert os.fstat(spool.descriptor).st_mode & 0o777 == 0o600
    spool.close()


def test_closing_leaves_no_descriptor_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    spool = Spool(tmp_path, 10)
    spool.write(b"x" * 200_000)
    spool.message()
    spool.close()
    spool.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
