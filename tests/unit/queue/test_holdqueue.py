"""The hold queue's directory says whether Postfix has to be asked, on directories of the test's."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from holdgate.queue import holdqueue
from holdgate.queue.holdqueue import HoldQueue
from holdgate.queue.postfix import HeldMessage, Postfix, PostfixError

OLD = time.time() - 60


class Files(Postfix):
    """Lists the files below a directory, and counts how often it was asked."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.listings = 0

    def hold_directory(self) -> Path:
        return self.directory

    def held(self) -> list[HeldMessage]:
        self.listings += 1
        return self.found()

    def found(self) -> list[HeldMessage]:
        return [HeldMessage(path.name, 100, 1, "", []) for path in self.directory.rglob("4*")]


@pytest.fixture(params=["flat", "hashed"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where the files are: in the directory itself, or two below (hash_queue_names, hash_queue_depth = 2)."""
    hold = tmp_path / "hold"
    place = hold if request.param == "flat" else hold / "A/0"
    place.mkdir(parents=True)
    (place / "4a").touch()
    settle(hold)
    return place


def settle(hold: Path) -> None:
    """Have all directories have changed a minute ago."""
    for directory in (hold, *(path for path in hold.rglob("*") if path.is_dir())):
        os.utime(directory, (OLD, OLD))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "hold")


def test_postfix_is_asked_once_while_nothing_changes(files: Files, place: Path) -> None:
    queue = HoldQueue(files)
    stamps = {queue.messages()[1] for _ in range(5)}
    assert len(stamps) == 1
    assert "" not in stamps
    assert files.listings == 1
    queue.messages(fresh=True)
    assert files.listings == 2


# What may change, and whether Postfix has to be asked because of it.
CHANGES: list[tuple[Callable[[Path], object], bool]] = [
    (lambda place: (place / "4b").touch(), True),
    (lambda place: (place / "4a").unlink(), False),
    (lambda place: (place / "4a").rename(place / "4c"), True),
    (lambda place: exchange(place / "4a"), True),
    (lambda place: (place / "D").mkdir(), False),
]


def exchange(path: Path) -> None:
    """Put another file in the place of one: another message with a queue id that was used before."""
    (path.parent / "new").touch()
    (path.parent / "new").rename(path)


@pytest.mark.parametrize(("change", "lists"), CHANGES)
def test_a_change_is_seen_and_postfix_is_asked_once_if_a_file_is_new(
    files: Files, place: Path, change: Callable[[Path], object], lists: bool
) -> None:
    queue = HoldQueue(files)
    _, before = queue.messages()
    change(place)
    for _ in range(3):
        messages, stamp = queue.messages()
        assert stamp == ""
        assert messages == files.found()
    settle(files.directory)
    os.utime(place, (OLD + 1, OLD + 1))
    _, after = queue.messages()
    assert after not in ("", before)
    assert files.listings == 1 + lists
    queue.messages()
    assert files.listings == 1 + lists


def test_a_directory_that_cannot_be_read_says_nothing(files: Files) -> None:
    queue = HoldQueue(files)
    assert [queue.messages()[1] for _ in range(2)] == ["", ""]
    assert files.listings == 2


def test_a_listing_is_not_believed_for_ever(files: Files, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holdqueue, "_LIFETIME", -1.0)
    queue = HoldQueue(files)
    queue.messages()
    queue.messages()
    assert files.listings == 2


def test_of_some_messages_those_are_held_whose_file_is_as_it_was_listed(files: Files, place: Path) -> None:
    queue = HoldQueue(files)
    assert queue.among([("4a", 100), ("4b", 100), ("4a", 99)]).keys() == {("4a", 100)}
    assert files.listings == 1
    (place / "4b").touch()
    assert queue.among([("4a", 100)]).keys() == {("4a", 100)}
    assert files.listings == 1
    assert queue.among([("4a", 100), ("4b", 100)]).keys() == {("4a", 100), ("4b", 100)}
    assert files.listings == 2
    (place / "4a").unlink()
    assert queue.among([("4a", 100), ("4b", 100)]).keys() == {("4b", 100)}
    assert files.listings == 2
    exchange(place / "4b")
    queue.among([("4b", 100)])
    assert files.listings == 3


def test_what_comes_or_moves_while_postfix_lists_is_listed_again(
    files: Files, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that is in one of the two only, Postfix's listing and our look at the files, is known by neither."""
    queue = HoldQueue(files)
    (place / "4moves").touch()
    with monkeypatch.context() as patch:
        seen = [HeldMessage("4a", 100, 1, "", []), HeldMessage("4later", 100, 1, "", [])]
        patch.setattr(files, "found", lambda: seen)
        assert queue.messages()[0] == seen
    (place / "4later").touch()
    assert {one.queue_id for one in queue.messages()[0]} == {"4a", "4moves", "4later"}
    assert files.listings == 2


def test_a_listing_that_failed_is_not_remembered(files: Files, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = HoldQueue(files)
    with monkeypatch.context() as patch:
        patch.setattr(Files, "held", lambda _: (_ for _ in ()).throw(PostfixError("down")))
        with pytest.raises(PostfixError):
            queue.messages()
    assert [message.queue_id for message in queue.messages()[0]] == ["4a"]


def test_every_directory_that_may_have_lost_a_message_is_synced(
    files: Files, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    queue = HoldQueue(files)
    queue.messages()
    (place / "4a").unlink()
    queue.sync()
    assert place.stat().st_ino in synced


def test_what_is_synced_is_closed_again(files: Files, place: Path) -> None:
    queue = HoldQueue(files)
    before = len(list(Path("/proc/self/fd").iterdir()))
    queue.sync()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
