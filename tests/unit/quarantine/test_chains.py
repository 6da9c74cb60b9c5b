"""The chains of several writers: each is verified, each names the others, and no writer waits for all."""

import json
import random
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, MetaData, Table, func, insert, select, text

from holdgate.quarantine import history, verification
from holdgate.quarantine.chains import NAMED_DIGITS, End, Writer, named_heads
from holdgate.quarantine.incident import Actor, Ask, Incident, NewNotice
from holdgate.quarantine.links import GENESIS
from holdgate.quarantine.schema import chains, events
from holdgate.quarantine.states import State
from holdgate.quarantine.store import ConflictError, Store, migrate, open_store
from holdgate.quarantine.versions import head
from testbed.postgres import PostgresServer
from tests.support.tampering import Tamperer, relink, visiting

ACTOR = Actor("anna@corp.example", "page", "192.0.2.1")
RELEASED = Path(__file__).parents[2] / "data" / "trail-of-1.0.json"
WRITERS = [("mx1", "milter"), ("mx1", "queue"), ("mx2", "milter"), ("mx2", "desk")]
NAMES = ["mx1/milter", "mx1/queue", "mx2/desk", "mx2/milter"]


def held(number: int = 0) -> Incident:
    incident = Incident(queue_id=f"4{number}", sender="a@corp.example", recipients=["b@partner.example"], policy="p")
    return replace(incident, state=State.HELD)


@pytest.fixture(params=[pytest.param("postgresql", marks=pytest.mark.postgresql)])
def shared_url(postgres: PostgresServer) -> str:
    """The URL of a new store that several machines can use."""
    url = postgres.new_database()
    migrate(url)
    return url


def opened(url: str) -> Iterator[list[Store]]:
    stores = [open_store(url, node, role=role) for node, role in WRITERS]
    yield stores
    for store in stores:
        store.close()


@pytest.fixture
def stores(shared_url: str) -> Iterator[list[Store]]:
    yield from opened(shared_url)


def end_in_file(writer: Writer, connection: Connection, count: int) -> End:
    """What `Writer.end` reads in PostgreSQL, in a file: a trail of several chains is verified without a server."""
    added = insert(chains).prefix_with("OR IGNORE").values(name=writer.name, number=0, hash=GENESIS, count=0)
    connection.execute(added)
    rows = connection.execute(select(chains.c.name, chains.c.number, chains.c.hash)).all()
    (own,) = (row for row in rows if row.name == writer.name)
    others = [(row.name, row.number, row.hash[:NAMED_DIGITS]) for row in rows if row.name != writer.name]
    last = connection.execute(select(func.max(events.c.number))).scalar() or 0
    numbers = range(last + 1, last + 1 + count)
    return writer._end([(own.number, own.hash, number, json.dumps(others), head()) for number in numbers])


@pytest.fixture
def taking_turns(store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Store]]:
    """Stores whose writers take turns, also in a file."""
    if store_url.startswith("sqlite"):
        monkeypatch.setattr(Writer, "end", end_in_file)
    yield from opened(store_url)


@pytest.fixture
def busy(taking_turns: list[Store]) -> list[Store]:
    """Stores whose writers took turns: each chain has eight events."""
    for number in range(4):
        for store in taking_turns:
            incident = held(number)
            store.record(incident, ACTOR, note="a note")
            taking_turns[number].add_event(incident.id, "revealed", ACTOR)
    return taking_turns


def test_a_trail_of_the_released_version_verifies_and_continues(url: str) -> None:
    migrate(url, "0012")
    rows = json.loads(RELEASED.read_text(encoding="utf-8"))
    with visiting(url) as visitor, visitor.begin() as connection:
        tables = MetaData()
        tables.reflect(connection)
        connection.execute(tables.tables["chain"].delete())
        for name in ("nodes", "incidents", "requests", "notices", "events", "chain"):
            for row in rows[name]:
                connection.execute(tables.tables[name].insert(), _typed(tables.tables[name], row))
    migrate(url)
    store = open_store(url, "mx1.corp.example", role="desk")
    before = rows["chain"][0]
    found = store.audit.verify(before["hash"])
    assert (found.problem, found.count, found.head) == ("", before["count"], before["hash"])
    store.record(held(), ACTOR)
    store.add_event(rows["incidents"][0]["id"], "revealed", ACTOR)
    found = store.audit.verify(before["hash"])
    assert (found.problem, found.count) == ("", before["count"] + 2)
    others = {"mx1.corp.example/desk"} if url.startswith("postgresql") else set()
    assert found.chains.keys() == {""} | others
    store.close()


def _typed(table: Table, row: dict[str, object]) -> dict[str, object]:
    """Return values of SQLite in the form that the column needs."""
    types = {column.name: str(column.type) for column in table.columns}
    result: dict[str, object] = {}
    for name, value in row.items():
        if value is not None and types[name] in ("DATETIME", "TIMESTAMP"):
            result[name] = datetime.fromisoformat(str(value))
        elif value is not None and types[name] == "JSON":
            result[name] = json.loads(str(value))
        elif value is not None and types[name] == "BOOLEAN":
            result[name] = bool(value)
        else:
            result[name] = value
    return result


def test_each_writer_has_a_chain_that_references_the_others(busy: list[Store]) -> None:
    found = busy[0].audit.verify()
    assert found.problem == ""
    assert found.chains.keys() == set(NAMES)
    assert {head.count for head in found.chains.values()} == {8}
    assert {name: head.hash for name, head in found.chains.items()}.items() <= busy[1].audit.heads().items()
    named = {(event["chain"], chain) for event in busy[0].audit.export() for chain, _, _ in named_heads(event["seen"])}
    assert named == {(one, other) for one in NAMES for other in NAMES if one != other}


def test_a_single_writer_in_a_file_references_no_other_chain(tmp_path: Path, empty_store: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    shutil.copy(empty_store, tmp_path / "store.db")
    for node, role in WRITERS:
        store = open_store(url, node, role=role)
        store.record(held(), ACTOR)
        assert {(event["chain"], event["seen"]) for event in store.audit.export()} == {("", "")}
        assert store.audit.verify().chains.keys() == {""}
        store.close()


def cut(connection: Connection) -> str:
    """Remove the last two events of a chain, and with them all that shows it in the chain itself."""
    connection.execute(
        text(
            "DELETE FROM events WHERE number IN "
            "(SELECT number FROM events WHERE chain = 'mx1/queue' ORDER BY number DESC LIMIT 2)"
        )
    )
    relink(connection, rebind=True, only="mx1/queue")
    return "chain mx1/queue"


def rewrite(connection: Connection) -> str:
    connection.execute(
        text(
            "UPDATE events SET who = 'bob@corp.example' WHERE number = "
            "(SELECT MIN(number) FROM events WHERE chain = 'mx2/desk')"
        )
    )
    relink(connection, rebind=True, only="mx2/desk")
    return "chain mx2/desk"


def remove(connection: Connection) -> str:
    connection.execute(text("DELETE FROM events WHERE chain = 'mx1/milter'"))
    connection.execute(text("DELETE FROM chains WHERE name = 'mx1/milter'"))
    return "chain mx1/milter"


def change(connection: Connection) -> str:
    connection.execute(
        text("UPDATE events SET origin = '' WHERE number = (SELECT MAX(number) FROM events WHERE chain = 'mx2/milter')")
    )
    return "chain mx2/milter: event"


def clear_seen(connection: Connection) -> str:
    connection.execute(text("UPDATE events SET seen = '' WHERE chain = 'mx2/milter' AND seen <> ''"))
    return "chain mx2/milter: event"


def rename(connection: Connection) -> str:
    connection.execute(text("UPDATE events SET chain = 'mx3/desk' WHERE chain = 'mx2/desk'"))
    connection.execute(text("UPDATE chains SET name = 'mx3/desk' WHERE name = 'mx2/desk'"))
    return "chain mx3/desk: event"


@pytest.mark.parametrize("act", [cut, rewrite, remove, change, clear_seen, rename])
@pytest.mark.parametrize("kept", [20_000, 1])
def test_verify_names_the_broken_chain(
    busy: list[Store], store_url: str, act: Callable[[Connection], str], kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "_KEPT", kept)
    with visiting(store_url) as visitor, Tamperer(visitor).begin() as connection:
        named = act(connection)
    problem = busy[0].audit.verify().problem
    assert named in problem
    assert sum(name in problem for name in ("chain mx1/queue:", "chain mx2/desk:", "chain mx1/milter:")) <= 1


def test_an_event_references_only_earlier_heads(busy: list[Store], store_url: str) -> None:
    """A head with a later number was written into the trail afterwards, however well it is linked."""
    with visiting(store_url) as visitor, Tamperer(visitor).begin() as connection:
        last = connection.execute(select(events).order_by(events.c.number.desc()).limit(1)).one()
        first = connection.execute(select(events).where(events.c.chain == "mx2/desk").limit(1)).one()
        named = json.dumps([[last.chain, last.number, last.hash[:NAMED_DIGITS]]])
        connection.execute(
            text("UPDATE events SET seen = :named WHERE number = :number").bindparams(named=named, number=first.number)
        )
        relink(connection, rebind=True, only="mx2/desk")
    assert f"chain mx2/desk: event {first.number} names a later one" in busy[0].audit.verify().problem


def test_recomputed_chains_do_not_match_a_head_kept_elsewhere(busy: list[Store], store_url: str) -> None:
    known = busy[0].audit.newest()
    with visiting(store_url) as visitor, Tamperer(visitor).begin() as connection:
        connection.execute(text("UPDATE events SET who = 'bob@corp.example' WHERE number = 1"))
        relink(connection, rebind=True)
    assert busy[0].audit.verify().problem == ""
    assert busy[0].audit.missing(known.values())
    assert "not in the chain" in busy[0].audit.verify(known["mx1/milter"].hash).problem


def test_a_writer_references_the_same_heads_again_after_a_rollback(taking_turns: list[Store]) -> None:
    one, other = taking_turns[:2]
    other.record(held(), ACTOR)
    incident = held(1)
    one.record(incident, ACTOR)
    other.record(held(2), ACTOR)
    with pytest.raises(ConflictError):
        one.change(replace(incident, revision=7), State.REJECTED, ACTOR)
    with one._engine.connect() as connection:
        history.write(connection, incident.id, ACTOR, ("revealed", ""))
        connection.rollback()
    one.add_event(incident.id, "revealed", ACTOR)
    last = max(one.audit.export(), key=lambda event: int(event["number"]))
    assert [name for name, _, _ in named_heads(last["seen"])] == ["mx1/queue"]
    assert one.audit.verify().problem == ""


def at_once(works: Sequence[Callable[[], None]]) -> list[Exception]:
    """Run all functions at the same time; return their exceptions."""
    errors: list[Exception] = []
    barrier = threading.Barrier(len(works))

    def go(work: Callable[[], None]) -> None:
        barrier.wait()
        try:
            work()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=go, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def decide(store: Store, incident: Incident, state: State) -> None:
    store.change(incident, state, ACTOR, outbox=[NewNotice(str(state), "a@corp.example")])


def test_only_one_of_several_simultaneous_decisions_is_stored(stores: list[Store]) -> None:
    for number in range(15):
        incident = held(number)
        stores[0].record(incident, ACTOR)
        decisions = [State.APPROVED, State.REJECTED, State.EXPIRED, State.VANISHED]

        lost = at_once(
            [partial(decide, store, incident, state) for store, state in zip(stores, decisions, strict=True)]
        )
        assert [type(error) for error in lost] == [ConflictError] * 3
        current = stores[1].incident(incident.id)
        assert current is not None
        assert [event.event for event in stores[1].history(incident.id)] == ["recorded", current.state]
        assert {error.incident.state for error in lost if isinstance(error, ConflictError)} == {current.state}
    assert len(stores[0].outbox.due(datetime.now(UTC))) == 15
    assert stores[0].audit.verify().problem == ""


def test_the_trail_verifies_after_simultaneous_writes_to_the_same_incidents(stores: list[Store]) -> None:
    incidents = [held(number) for number in range(3)]
    for incident in incidents:
        stores[0].record(incident, ACTOR)
        asks = [Ask("boss@corp.example", "moderator"), Ask("second@corp.example", "moderator")]
        now = datetime.now(UTC)
        stores[0].amend(incident, "asked", ACTOR, asks=asks, asked_at=now, deadline_at=now)

    works = [Busy(store, seed, [one.id for one in incidents]) for seed, store in enumerate([*stores, *stores])]
    assert at_once(works) == []
    assert stores[0].audit.verify().problem == ""


class Busy:
    """Does by chance, and again and again, what daemons do to some incidents."""

    def __init__(self, store: Store, seed: int, ids: list[str]) -> None:
        self.store, self.ids, self.rng = store, ids, random.Random(seed)

    def __call__(self) -> None:
        for _ in range(12):
            incident = self.store.incident(self.rng.choice(self.ids))
            assert incident is not None
            act = self.rng.choice([self.note, self.open, self.remind, self.enqueue, self.send, self.record])
            with suppress(ConflictError):  # another writer was first
                act(incident)

    def note(self, incident: Incident) -> None:
        self.store.add_event(incident.id, "revealed", ACTOR, "why")

    def open(self, incident: Incident) -> None:
        self.store.requests.opened(self.rng.choice(self.store.requests.of(incident.id)), ACTOR)

    def remind(self, incident: Incident) -> None:
        self.store.amend(incident, "reminded", ACTOR, remind_at=datetime.now(UTC), supersede=True)

    def enqueue(self, incident: Incident) -> None:
        self.store.outbox.enqueue(incident.id, NewNotice("answer", "a@corp.example"), ACTOR)

    def send(self, incident: Incident) -> None:
        now = datetime.now(UTC)
        for notice in [one for one in self.store.outbox.due(now) if one.incident_id == incident.id][:2]:
            if self.rng.random() < 0.5:
                self.store.outbox.sent(notice, ACTOR)
            else:
                self.store.outbox.failed(notice, ACTOR, now)

    def record(self, _incident: Incident) -> None:
        self.store.record(held(self.rng.randrange(99)), ACTOR, outbox=[NewNotice("alert", "a@corp.example")])


def test_a_writer_does_not_wait_for_writers_of_other_incidents(stores: list[Store]) -> None:
    """A writer with a suspended transaction blocks its own chain and incident, and nothing else."""
    one, other = stores[:2]
    mine, theirs = held(1), held(2)
    for incident in (mine, theirs):
        one.record(incident, ACTOR)
    with one._engine.begin() as connection:
        history.lock(connection, mine.id)
        history.write(connection, mine.id, ACTOR, ("revealed", ""))
        other.change(theirs, State.REJECTED, ACTOR)
        other.record(held(3), ACTOR)
        assert other.audit.verify().problem == ""
    assert [event.event for event in other.history(mine.id)] == ["recorded", "revealed"]
    assert other.audit.verify().problem == ""
