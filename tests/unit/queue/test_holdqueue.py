"""The hold queue's directory shows whether Postfix must be asked, with directories made by the test."""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_postfix_lists_the_queue_only_once_while_nothing_changes(files: Files, place: Path) -> None:
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
def test_a_change_is_noticed_and_only_a_new_file_causes_a_listing(
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


def test_an_unreadable_directory_gives_no_stamp(files: Files) -> None:
    queue = HoldQueue(files)
    assert [queue.messages()[1] for _ in range(2)] == ["", ""]
    assert files.listings == 2


@pytest.mark.parametrize(("takes", "lasts"), [(0, 60), (3, 60), (5, 100), (60, 1200)])
def test_listings_take_at_most_a_twentieth_of_the_time(
    files: Files, place: Path, monkeypatch: pytest.MonkeyPatch, takes: float, lasts: float
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("holdgate.queue.holdqueue.time.monotonic", lambda: clock[0])

    def held() -> list[HeldMessage]:
        files.listings += 1
        clock[0] += takes
        return files.found()

    monkeypatch.setattr(files, "held", held)
    queue = HoldQueue(files)
    queue.messages()
    clock[0] += lasts
    queue.messages()
    assert files.listings == 1
    clock[0] += 0.5
    queue.messages()
    assert files.listings == 2


def test_a_listing_expires(files: Files, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holdqueue, "_LIFETIME", -1.0)
    monkeypatch.setattr(holdqueue, "_SHARE", float("inf"))
    queue = HoldQueue(files)
    queue.messages()
    queue.messages()
    assert files.listings == 2


def test_only_messages_whose_file_is_unchanged_since_the_listing_count_as_held(files: Files, place: Path) -> None:
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


def test_files_that_arrive_or_move_during_a_listing_are_listed_again(
    files: Files, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that is only in Postfix's listing, or only among the files, is not known."""
    queue = HoldQueue(files)
    (place / "4moves").touch()
    with monkeypatch.context() as patch:
        seen = [HeldMessage("4a", 100, 1, "", []), HeldMessage("4later", 100, 1, "", [])]
        patch.setattr(files, "found", lambda: seen)
        assert queue.messages()[0] == seen
    (place / "4later").touch()
    assert {one.queue_id for one in queue.messages()[0]} == {"4a", "4moves", "4later"}
    assert files.listings == 2


def test_a_failed_listing_is_not_cached(files: Files, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_synced_directories_are_closed_again(files: Files, place: Path) -> None:
    queue = HoldQueue(files)
    before = len(list(Path("/proc/self/fd").iterdir()))
    queue.sync()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


class Alone(Files):
    """Shows single files too: by name, with the time of arrival that is in them; one is damaged."""

    def keeps_zone(self) -> bool:
        return True

    def held(self) -> list[HeldMessage]:
        self.listings += 1
        return [self.read(path) for path in self.directory.rglob("4*")]

    def read(self, path: Path) -> HeldMessage:
        return HeldMessage(path.name, int(path.read_text() or 0), 1, "", [])

    def held_alone(self, queue_id: str) -> HeldMessage | None:
        (path,) = self.directory.rglob(queue_id)
        return None if queue_id == "4damaged" else self.read(path)


def long(files: Alone, monkeypatch: pytest.MonkeyPatch) -> HoldQueue:
    """Return a queue that counts as long."""
    monkeypatch.setattr(holdqueue, "_WORTH", 1)
    queue = HoldQueue(files)
    queue.messages()
    return queue


def test_a_few_new_files_in_a_long_queue_are_read_one_by_one(
    files: Files, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = Alone(files.directory)
    queue = long(alone, monkeypatch)
    version = queue.versions.newest()
    (place / "4b").write_text("7")
    assert queue.among([("4b", 7), ("4a", 0)]).keys() == {("4b", 7), ("4a", 0)}
    assert queue.changes_since(version) == ([HeldMessage("4b", 7, 1, "", [])], [])
    version = queue.versions.newest()
    (place / "4a").unlink()
    assert [message.queue_id for message in queue.messages()[0]] == ["4b"]
    assert queue.changes_since(version) == ([], ["4a"])
    assert alone.listings == 1
    for name in ("4c", "4d", "4e"):
        (place / name).touch()
    assert len(queue.messages()[0]) == 4
    assert alone.listings == 2  # three are not few compared with one


@pytest.mark.parametrize("why", ["damaged", "zone", "moves"])
def test_a_file_that_cannot_be_read_on_its_own_causes_a_listing(
    files: Files, place: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    alone = Alone(files.directory)
    queue = long(alone, monkeypatch)
    if why == "zone":
        monkeypatch.setattr(Alone, "keeps_zone", lambda _: False)
    if why == "moves":

        def changes(self: Alone, queue_id: str) -> HeldMessage:
            exchange(place / queue_id)
            return self.read(place / queue_id)

        monkeypatch.setattr(Alone, "held_alone", changes)
    (place / ("4damaged" if why == "damaged" else "4b")).touch()
    assert len(queue.messages()[0]) == 2
    assert alone.listings == 2


STEPS = st.tuples(st.sampled_from(["come", "go", "look", "list"]), st.integers(0, 5))


@given(st.lists(STEPS, max_size=15))
def test_the_known_messages_are_always_those_in_the_queue(history: list[tuple[str, int]]) -> None:
    """For all moves of files, whether they were read one by one or listed, and also for a reader of changes only."""
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        hold = Path(directory) / "hold"
        hold.mkdir()
        files = Alone(hold)
        queue = long(files, patch)
        seen: dict[str, HeldMessage] = {}
        version = ""
        for number, (step, which) in enumerate([*history, ("look", 0)]):
            paths = sorted(hold.iterdir())
            if step == "come":
                (hold / f"4{number}").write_text(str(number))
            elif step == "go":
                for path in paths[which : which + 1]:
                    path.unlink()
            else:
                messages, _ = queue.messages(fresh=step == "list")
                changes = queue.changes_since(version)
                if changes is None:
                    seen = {message.queue_id: message for message in messages}
                else:
                    seen = {name: one for name, one in seen.items() if name not in changes[1]}
                    seen |= {message.queue_id: message for message in changes[0]}
                version = queue.versions.newest()
                there = {path.name: files.read(path) for path in hold.iterdir()}
                assert seen == {message.queue_id: message for message in messages} == there


class Listed(Postfix):
    """A hold queue with given contents."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.names = directory, set[str]()

    def hold_directory(self) -> Path:
        return self.directory

    def held(self) -> list[HeldMessage]:
        return [HeldMessage(name, 100, 1, "", []) for name in self.names]


@pytest.mark.parametrize(("count", "changed", "is_known"), [(300, 250, True), (300, 251, False), (0, 100, True)])
def test_a_client_that_missed_over_half_of_a_queue_gets_the_complete_queue(
    tmp_path: Path, count: int, changed: int, is_known: bool
) -> None:
    """And 100 more, so that a short queue is not sent again and again."""
    postfix = Listed(tmp_path)
    queue = HoldQueue(postfix)
    postfix.names = {f"4{number}" for number in range(count)}
    queue.messages(fresh=True)
    version = queue.versions.newest()
    queue.versions.note([f"4{number}" for number in range(changed)])
    assert (queue.changes_since(version) is not None) is is_known


def test_the_directories_of_a_queue_are_known_before_the_first_listing(files: Files, place: Path) -> None:
    hold = files.directory
    queue = HoldQueue(files)
    assert set(queue.directories()) == {hold, *(path for path in hold.rglob("*") if path.is_dir())}
    (hold / "B").mkdir()
    assert hold / "B" in queue.directories(), "Postfix makes a directory when it is needed first"
