"""Nodes that share a store: each does its own work, one machine uses a name, and one desk sends a notice."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, update

from holdgate.node import Machine
from holdgate.quarantine.database import clock
from holdgate.quarantine.incident import Actor, Incident, NewNotice
from holdgate.quarantine.nodes import NodeTakenError, retry_until_free
from holdgate.quarantine.schema import desks, incidents
from holdgate.quarantine.schema import nodes as table
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, StoreError, open_store
from holdgate.queue.lease import Lease
from testbed.ports import PATIENCE, wait_for

ACTOR = Actor("holdgate-milter", "milter")
ONE, TWO = Machine("1" * 32, "one.corp.example", "1.0"), Machine("2" * 32, "two.corp.example", "1.0")


def incident(queue_id: str = "4abcDEF") -> Incident:
    return Incident(queue_id=queue_id, sender="a@corp.example", recipients=["b@partner.example"], policy="p")


@pytest.fixture
def stores(store_url: str) -> Iterator[tuple[Store, Store]]:
    """The store as the two nodes "a" and "b" see it."""
    opened = open_store(store_url, "a"), open_store(store_url, "b")
    yield opened
    for one in opened:
        one.close()


def shared(store: Store) -> bool:
    return store._engine.dialect.name != "sqlite"


def expire(store: Store, column: object) -> None:
    """Let a lease, or the time since a heartbeat, expire."""
    with store._engine.begin() as connection:
        past = datetime.now(UTC) - timedelta(hours=1)
        connection.execute(update(column).values(expires_at=past))  # type: ignore[arg-type]


def test_each_node_has_its_own_incidents_and_in_sqlite_one_node_has_all(stores: tuple[Store, Store]) -> None:
    a, b = stores
    mine, others = incident(), incident()  # queue ids are unique on one server only
    a.record(mine, ACTOR)
    b.record(others, ACTOR)
    assert [found.node for found in a.find("4abcDEF")] == ["a", "b"]
    if not shared(a):
        assert {one.id for one in a.open_incidents()} == {mine.id, others.id}
        return
    assert [one.id for one in a.open_incidents()] == [mine.id]
    assert [one.id for one in b.open_incidents()] == [others.id]
    assert [one.id for one in b.of_message("4abcDEF")] == [others.id]
    held = a.change(a.incident(mine.id) or mine, State.HELD, ACTOR)
    a.change(held, State.APPROVED, ACTOR)
    assert a.decided() == {mine.id}
    assert b.decided() == set()
    assert a.is_here(held)
    assert not b.is_here(held)
    assert a.audit.verify().problem == ""


def test_incidents_without_a_node_belong_to_the_first_one(store_url: str, stores: tuple[Store, Store]) -> None:
    a, b = stores
    before = open_store(store_url)
    old = incident()
    before.record(old, ACTOR)
    before.close()
    a.nodes.introduce("a")
    assert [one.name for one in a.nodes.all()] == ["a"]
    b.nodes.acquire("b", TWO)
    a.nodes.introduce("c")  # too late: the store has nodes
    assert [one.id for one in a.open_incidents()] == [old.id]
    assert [one.id for one in b.open_incidents()] == ([] if shared(a) else [old.id])
    assert a.nodes.has("a", old) == shared(a)
    assert not b.nodes.has("b", old) or not shared(a)
    assert "c" not in [one.name for one in a.nodes.all()]


def test_a_node_name_belongs_to_one_machine_until_its_lease_ends(stores: tuple[Store, Store]) -> None:
    a, _ = stores
    a.nodes.acquire("a", ONE)
    a.nodes.acquire("a", ONE)
    if not shared(a):
        a.nodes.acquire("a", TWO)
        return
    with pytest.raises(NodeTakenError, match=r'"a" is used by the machine one\.corp\.example'):
        a.nodes.acquire("a", TWO)
    with pytest.raises(NodeTakenError):
        a.nodes.check("a", TWO)
    with pytest.raises(NodeTakenError):
        a.nodes.retire("a")
    assert a.nodes.renew("a", ONE)
    assert not a.nodes.renew("a", TWO)
    assert a.nodes.is_used("a")
    assert a.nodes.is_used("")  # the first node
    expire(a, table)
    assert not a.nodes.is_used("a")
    a.nodes.acquire("a", TWO)
    assert not a.nodes.renew("a", ONE)
    a.nodes.release("a", TWO)
    a.nodes.acquire("a", ONE)


def test_a_machine_does_not_wait_for_a_lease_that_is_renewed(stores: tuple[Store, Store]) -> None:
    a, _ = stores
    if not shared(a):
        pytest.skip("nobody waits for a lease in a file")
    a.nodes.acquire("a", ONE)
    with pytest.raises(NodeTakenError):
        retry_until_free(lambda: a.nodes.acquire("a", TWO), lambda _: a.nodes.renew("a", ONE))
    retry_until_free(lambda: a.nodes.acquire("a", TWO), lambda _: expire(a, table))
    assert [one.machine for one in a.nodes.all()] == ["two.corp.example"]


def test_a_daemon_keeps_its_lease_and_exits_when_it_is_lost(
    stores: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, _ = stores
    monkeypatch.setattr("holdgate.queue.lease._PAUSE", 0.01)
    stop = threading.Event()
    lease = Lease(a.nodes, "a", ONE, stop)
    lease.acquire()
    if shared(a):
        # A store that was put back may have lost the row: it is written again.
        with a._engine.begin() as connection:
            connection.execute(table.delete())
        deadline = threading.Event()
        while not a.nodes.all() and not deadline.wait(0.01):
            pass
        with a._engine.begin() as connection:
            connection.execute(update(table).values(holder=TWO.holder))
        assert stop.wait(30)
        assert lease.lost
    lease.close()
    assert lease.lost == shared(a)


def test_nodes_are_listed_with_their_open_incidents(stores: tuple[Store, Store]) -> None:
    a, b = stores
    a.nodes.acquire("a", ONE)
    first, second = incident("4a"), incident("4b")
    a.record(first, ACTOR)
    b.record(second, ACTOR)
    moment = datetime.now(UTC) - timedelta(hours=2)
    held = a.change(a.incident(first.id) or first, State.HELD, ACTOR, held_at=moment)
    (listed,) = a.nodes.all()
    assert (listed.name, listed.machine, listed.version, listed.oldest) == ("a", "one.corp.example", "1.0", moment)
    assert listed.open == {State.HELD: 1} | ({} if shared(a) else {State.PENDING: 1})
    assert not listed.is_silent
    a.change(held, State.REJECTED, ACTOR)
    (listed,) = a.nodes.all()
    assert listed.waiting == 1
    if shared(a):
        expire(a, table)
        with a._engine.begin() as connection:
            connection.execute(update(table).values(seen_at=moment))
        assert a.nodes.all()[0].is_silent
        assert a.nodes.retire("a")
        assert not a.nodes.all()[0].is_silent
        assert not a.nodes.retire("nobody")
    else:
        with pytest.raises(StoreError, match="one node"):
            a.nodes.retire("a")


def test_a_task_belongs_to_the_desk_that_claims_it_until_that_desk_stops(stores: tuple[Store, Store]) -> None:
    a, b = stores
    with a.claims.claimed("x") as mine, b.claims.claimed("x") as others:
        assert (mine, others) == (True, True)  # commands claim nothing
    a.claims.heartbeat(ONE)
    b.claims.heartbeat(TWO)
    if not shared(a):
        assert a.claims.desks() == []
        return
    with a.claims.claimed("x") as mine, b.claims.claimed("x") as others, b.claims.claimed("y") as another:
        assert (mine, others, another) == (True, False, True)
    with b.claims.claimed("x") as others:
        assert others
    assert [one.machine for one in a.claims.desks()] == ["one.corp.example", "two.corp.example"]
    with a.claims.claimed("x") as mine:
        assert mine
        expire(a, desks)  # the desk is not heard of any more
        b.claims.heartbeat(TWO)
        assert [one.machine for one in b.claims.desks()] == ["two.corp.example"]
        with b.claims.claimed("x") as others:
            assert others
        a.claims.heartbeat(ONE)
    assert a.claims.desks()


def test_a_heartbeat_keeps_the_claim_of_a_task_that_begins_at_the_same_time(stores: tuple[Store, Store]) -> None:
    a, b = stores
    if not shared(a):
        return
    a.claims.heartbeat(ONE)
    claimed, sent = threading.Event(), threading.Event()
    others: list[bool] = []

    def work() -> None:
        with a.claims.claimed("x"):
            claimed.set()
            sent.wait(PATIENCE)
            with b.claims.claimed("x") as other:
                others.append(other)

    working = threading.Thread(target=work)

    def before(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("DELETE FROM claims") and "claims.desk =" in statement and not working.ident:
            working.start()
            wait_for(lambda: claimed.is_set() or a.claims._lock.locked(), "the beginning of the work")

    event.listen(a._engine, "before_cursor_execute", before)
    try:
        a.claims.heartbeat(ONE)
        b.claims.heartbeat(TWO)
    finally:
        event.remove(a._engine, "before_cursor_execute", before)
        sent.set()
        working.join(PATIENCE)
    assert others == [False]


def test_a_notice_shows_whether_its_message_is_here_and_still_due(stores: tuple[Store, Store]) -> None:
    a, b = stores
    one = incident()
    a.record(one, ACTOR, outbox=[NewNotice("alert", "boss@corp.example")])
    later = datetime.now(UTC) + timedelta(seconds=1)
    (mine,), (others,) = a.outbox.due(later), b.outbox.due(later)
    assert mine.is_here
    assert others.is_here != shared(a)
    assert b.outbox.is_still_due(others)
    a.outbox.failed(mine, ACTOR, later)
    assert not b.outbox.is_still_due(others)
    (again,) = b.outbox.due(later)
    a.outbox.sent(again, ACTOR)
    assert not b.outbox.is_still_due(again)


def test_only_one_of_two_simultaneous_starts_is_the_first_node(store_url: str) -> None:
    def begin(name: str) -> None:
        store = open_store(store_url, name)
        store.nodes.acquire(name, Machine(name * 32, name, "1.0"))
        store.close()

    threads = [threading.Thread(target=begin, args=[name]) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = open_store(store_url)
    with store._engine.begin() as connection:
        rows = connection.execute(table.select()).all()
    assert [row.is_first for row in rows].count(True) == 1
    store.close()


def test_times_come_from_the_clock_of_the_database(stores: tuple[Store, Store]) -> None:
    a, _ = stores
    with a._engine.begin() as connection:
        assert abs(clock(connection) - datetime.now(UTC)) < timedelta(minutes=1)
        assert connection.execute(incidents.select()).all() == []
