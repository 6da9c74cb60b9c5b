"""Changes of files are detected without polling."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdgate.watch import Watch
from testbed.ports import PATIENCE


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    (tmp_path / "known").write_text("1")
    with Watch(tmp_path) as made:
        yield made


def test_writing_creating_moving_and_removing_is_detected(watch: Watch, tmp_path: Path) -> None:
    with (tmp_path / "known").open("a") as file:
        file.write("2")
        file.flush()
        assert watch.wait(PATIENCE) == {"known"}
    (tmp_path / "new").touch()
    assert watch.wait(PATIENCE) == {"new"}
    (tmp_path / "new").rename(tmp_path / "moved")
    assert watch.wait(PATIENCE) == {"new", "moved"}
    (tmp_path / "moved").unlink()
    assert watch.wait(PATIENCE) == {"moved"}


def test_reading_is_not_a_change(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "known").read_text()
    (tmp_path / "known").stat()
    list(tmp_path.iterdir())
    assert watch.wait(0) == set()


def test_a_change_in_a_subdirectory_is_not_detected(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    assert watch.wait(PATIENCE) == {"below"}
    (tmp_path / "below" / "deep").touch()
    assert watch.wait(0) == set()


def test_several_directories_are_watched_together(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with Watch(tmp_path / "a", tmp_path / "b") as watch:
        (tmp_path / "a" / "one").touch()
        (tmp_path / "b" / "two").touch()
        assert watch.wait(PATIENCE) == {"one", "two"}


def test_another_thread_can_end_a_wait(watch: Watch) -> None:
    found: list[set[str]] = []
    waiting = threading.Thread(target=lambda: found.append(watch.wait(None)))
    waiting.start()
    watch.wake()
    waiting.join(PATIENCE)
    assert found == [set()]
    assert watch.wait(0) == set()  # once


def test_waking_a_closed_watch_does_nothing(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.close()
    with (tmp_path / "file").open("wb") as file:  # may have got the descriptor
        watch.wake()
        assert file.tell() == 0
    assert (tmp_path / "file").read_bytes() == b""


def test_a_removed_directory_ends_the_watch(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    with Watch(tmp_path / "gone") as watch:
        shutil.rmtree(tmp_path / "gone")
        with pytest.raises(OSError, match="is gone"):
            watch.wait(PATIENCE)


def test_a_moved_directory_ends_the_watch(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    with Watch(tmp_path / "here") as watch:
        (tmp_path / "here").rename(tmp_path / "there")
        with pytest.raises(OSError, match="is gone"):
            watch.wait(PATIENCE)


def test_a_missing_directory_cannot_be_watched(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(FileNotFoundError):
        Watch(tmp_path / "missing")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
