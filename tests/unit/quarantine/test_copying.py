"""A store is copied completely to another database and back, continues after an interruption, and verifies."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from holdgate.node import Machine
from holdgate.quarantine import copying
from holdgate.quarantine.copying import copy
from holdgate.quarantine.incident import Actor, Ask, Incident, NewNotice
from holdgate.quarantine.states import State
from holdgate.quarantine.store import StoreError, migrate, open_store

ACTOR = Actor("holdgate-milter", "milter")
COUNT = 7


def fill(url: str) -> None:
    store = open_store(url, "mx1.corp.example")
    for number in range(COUNT):
        incident = Incident(
            queue_id=f"4id{number}",
            sender="anna@corp.example",
            recipients=["bob@partner.example"],
            policy="p",
            subject="Grüße \N{GRINNING FACE}",
            findings=[{"identifier": "iban", "masked": ["DE** *1"]}],
        )
        store.record(incident, ACTOR, outbox=[NewNotice("alert", "boss@corp.example")])
        held = store.change(store.incident(incident.id) or incident, State.HELD, ACTOR, held_at=datetime.now(UTC))
        asks = [Ask("boss@corp.example", "moderator")]
        deadline = datetime.now(UTC) + timedelta(days=2)
        store.amend(held, "asked", ACTOR, asks=asks, asked_at=datetime.now(UTC), deadline_at=deadline)
    store.seals.use(["a" * 64, "B" * 64], datetime.now(UTC) + timedelta(days=1))
    store.digests.subscribe("boss@corp.example", datetime.now(UTC), datetime.now(UTC))
    store.digests.subscribe("Ärger@corp.example", datetime.now(UTC), datetime.now(UTC))
    store.close()


def exported(url: str) -> tuple[object, ...]:
    store = open_store(url)
    found = store.incidents(), list(store.audit.export()), store.outbox.due(datetime.now(UTC)), store.audit.heads()
    store.close()
    return found


def run(source: str, target: str) -> list[copying.Step]:
    return list(copy(source, target))


@pytest.fixture
def filled(store_url: str) -> str:
    fill(store_url)
    return store_url


def test_copying_to_another_database_and_back_keeps_everything(
    filled: str, tmp_path: Path, new_url: Callable[[], str]
) -> None:
    there, back = f"sqlite:///{tmp_path}/copy.db", new_url()
    steps = run(filled, there)
    assert steps[-1].done == steps[-1].total > 4 * COUNT
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o660
    run(there, back)
    assert exported(filled) == exported(there) == exported(back)
    # It is a store like any other: new rows follow those that were copied.
    fill(back)
    store = open_store(back)
    assert store.audit.verify().problem == ""
    assert len(store.incidents()) == 2 * COUNT
    store.close()


def test_an_interrupted_copy_cannot_be_opened_and_can_be_continued(
    filled: str, new_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_BATCH", 2)
    target = new_url()
    for interrupted in range(1, 12, 3):
        steps = copy(filled, target)
        for _ in range(interrupted):
            next(steps)
        steps.close()
        with pytest.raises(StoreError, match="copying"):
            open_store(target)
        with pytest.raises(StoreError, match="copying"):
            migrate(target)
    run(filled, target)
    assert exported(filled) == exported(target)


def test_a_store_with_incidents_is_not_overwritten(filled: str, new_url: Callable[[], str]) -> None:
    target = new_url()
    migrate(target)
    fill(target)
    before = exported(target)
    with pytest.raises(StoreError, match="has incidents"):
        run(filled, target)
    with pytest.raises(StoreError, match="the same store"):
        run(filled, filled)
    assert exported(target) == before


def test_a_source_that_changed_during_the_copy_is_refused(
    filled: str, new_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_BATCH", 2)
    target = new_url()
    steps = copy(filled, target)
    while next(steps).table != "events":
        pass  # until the incidents are there
    steps.close()
    store = open_store(filled)
    (first, *_) = store.incidents()
    store.amend(first, "reminded", ACTOR, remind_at=datetime.now(UTC))
    store.close()
    with pytest.raises(StoreError, match=r"does not verify|rows in the copy"):
        run(filled, target)
    with pytest.raises(StoreError, match="copying"):
        open_store(target)


def test_a_store_that_a_node_uses_is_not_copied(filled: str, new_url: Callable[[], str]) -> None:
    if filled.startswith("sqlite"):
        pytest.skip("a file knows no leases")
    store = open_store(filled)
    store.nodes.acquire("mx1.corp.example", Machine("1" * 32, "one.corp.example", "1.0"))
    with pytest.raises(StoreError, match=r"mx1\.corp\.example uses the store"):
        run(filled, new_url())
    store.close()


def test_a_source_that_does_not_verify_is_refused(filled: str, new_url: Callable[[], str]) -> None:
    store = open_store(filled)
    with store._engine.begin() as connection:
        connection.execute(text("UPDATE incidents SET sender = 'eve@corp.example'"))
    store.close()
    with pytest.raises(StoreError, match="does not verify"):
        run(filled, new_url())


@pytest.fixture
def filled_file(tmp_path: Path, empty_store: Path) -> str:
    shutil.copy(empty_store, tmp_path / "source.db")
    fill(f"sqlite:///{tmp_path}/source.db")
    return f"sqlite:///{tmp_path}/source.db"


def open_files(directory: Path) -> list[str]:
    """Return the files below a directory that this process has open."""
    targets = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            targets.append(str(descriptor.readlink()))
    return [one for one in targets if one.startswith(str(directory))]


def test_a_copy_leaves_no_store_open_even_if_it_fails(filled_file: str, tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path}/copy.db"
    steps = copy(filled_file, target)
    next(steps)
    assert open_files(tmp_path)
    steps.close()
    assert open_files(tmp_path) == []
    run(filled_file, target)
    with pytest.raises(StoreError, match="has incidents"):
        run(filled_file, target)
    assert open_files(tmp_path) == []


def test_the_source_is_only_read(filled_file: str, tmp_path: Path) -> None:
    """So it can be copied from a medium that cannot be written, such as a snapshot."""
    snapshot = f"sqlite:///file:{tmp_path}/source.db?mode=ro&uri=true"
    run(snapshot, f"sqlite:///{tmp_path}/copy.db")
    assert exported(f"sqlite:///{tmp_path}/copy.db") == exported(filled_file)
