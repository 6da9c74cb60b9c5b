"""Names of nodes and claims of desks, with a clock that the test sets, in a store that counts as shared.

It is a file of SQLite's: what several connections at once do is tried on PostgreSQL (test_nodes.py).
"""

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from holdgate.node import Machine
from holdgate.quarantine import claims as claims_module
from holdgate.quarantine import confirming
from holdgate.quarantine import nodes as module
from holdgate.quarantine.claims import Claims, LiveDesk, LostClaimError
from holdgate.quarantine.confirming import ConfirmingConnection, _Wait
from holdgate.quarantine.database import BUSY_TIMEOUT
from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.nodes import LEASE, Node, Nodes, NodeTakenError, OwnName, differing, retry_until_free
from holdgate.quarantine.schema import incidents
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, StoreError
from testbed.ports import wait_for

ONE = Machine("1" * 32, "one.corp.example", "1.0", "192.0.2.1:5000")
TWO = Machine("2" * 32, "two.corp.example", "1.1")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ACTOR = Actor("holdgate-queue", "queue")


class Clock:
    """The clock of the database."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self, _connection: object) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock()
    monkeypatch.setattr(module, "clock", one)
    monkeypatch.setattr(claims_module, "clock", one)
    return one


@pytest.fixture
def nodes(store: Store, clock: Clock) -> Nodes:
    if store._engine.dialect.name != "sqlite":
        pytest.skip("its own clock is asked")
    found = store.nodes
    found.is_shared = True
    return found


def by_name(nodes: Nodes) -> dict[str, Node]:
    return {one.name: one for one in nodes.all()}


# -- the lease of a name ----------------------------------------------------------------------------------------------


def test_a_node_name_belongs_to_one_machine_while_it_renews(nodes: Nodes, clock: Clock) -> None:
    nodes.acquire("a", ONE, "rules")
    nodes.acquire("a", ONE, "rules")
    nodes.check("a", ONE)
    for step in (nodes.acquire, nodes.check):
        with pytest.raises(NodeTakenError, match=r"is used by the machine one\.corp\.example") as taken:
            step("a", TWO)
        assert taken.value.left == LEASE
    clock.now += LEASE - SECOND
    with pytest.raises(NodeTakenError) as taken:
        nodes.check("a", TWO)
    assert taken.value.left == SECOND
    assert nodes.renew("a", ONE, "other rules")
    assert not nodes.renew("a", TWO)
    assert not nodes.renew("b", ONE)
    clock.now += LEASE - SECOND
    assert nodes.is_used("a")
    clock.now += SECOND
    assert not nodes.is_used("a"), "it ends at its last moment"
    nodes.check("a", TWO)
    nodes.acquire("a", TWO)
    assert not nodes.renew("a", ONE)
    assert (by_name(nodes)["a"].machine, by_name(nodes)["a"].version) == ("two.corp.example", "1.1")


def test_a_renewal_keeps_the_rules_that_are_in_use(nodes: Nodes, clock: Clock) -> None:
    nodes.acquire("a", ONE, "rules")
    assert by_name(nodes)["a"].rules == "rules"
    clock.now += SECOND
    nodes.renew("a", ONE, "other")
    found = by_name(nodes)["a"]
    assert (found.rules, found.seen_at, found.address) == ("other", NOW + SECOND, "192.0.2.1:5000")


def test_a_machine_that_lost_its_name_records_nothing_for_the_node(
    store: Store, nodes: Nodes, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the other machine's queue agent would look for its messages, and close them as vanished."""
    passed = [0.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: passed[0]))
    milter = Store(store._engine, "mx1", role="milter", machine=ONE)
    milter.nodes.is_shared = True

    def records() -> bool:
        passed[0] += 1
        one = Incident("4id", "a@corp.example", ["b@partner.example"], "p")
        with suppress(StoreError):
            milter.record(one, ACTOR)
        return milter.incident(one.id) is not None

    assert records(), "no queue agent has started yet"
    nodes.acquire("mx1", ONE)
    assert records()
    clock.now += LEASE
    assert records(), "its own lease has ended, and no other machine has the name"
    nodes.acquire("mx1", TWO)
    assert not records()
    assert not records()
    with pytest.raises(StoreError, match=TWO.name):
        milter.record(Incident("4id", "a@corp.example", ["b@partner.example"], "p"), ACTOR)
    nodes.release("mx1", TWO)
    assert records()
    nodes.acquire("mx2", TWO)
    assert records(), "another name"


def test_the_owner_of_a_name_is_queried_once_per_second(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    passed, asked = [100.0], list[int]()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: passed[0]))
    monkeypatch.setattr(nodes, "check", lambda *_: asked.append(int(passed[0])))
    name = OwnName(nodes, "mx1", ONE)
    for seconds in (0.0, 0.9, 0.2, 0.5):
        passed[0] += seconds
        name.check()
    assert asked == [100, 101]
    nodes.is_shared = False
    passed[0] += 100
    name.check()
    assert len(asked) == 2, "a store in a file has one node"


def test_a_name_is_free_at_once_after_its_machine_has_left(nodes: Nodes) -> None:
    nodes.acquire("a", ONE)
    nodes.release("a", TWO)
    assert nodes.is_used("a"), "the name is not of that machine"
    nodes.release("a", ONE)
    assert not nodes.is_used("a")
    nodes.acquire("a", TWO)


def test_a_node_is_retired_once_no_machine_uses_it(nodes: Nodes, clock: Clock) -> None:
    nodes.acquire("a", ONE)
    with pytest.raises(NodeTakenError):
        nodes.retire("a")
    clock.now += LEASE
    assert nodes.retire("a")
    assert not nodes.retire("unheard-of")
    assert by_name(nodes)["a"].retired_at == clock.now
    assert "a" not in nodes.silent_for()
    nodes.acquire("a", TWO)
    assert by_name(nodes)["a"].retired_at is None, "it is in use again"
    assert "a" in nodes.silent_for()


def test_a_store_in_a_file_has_one_node_and_no_lease(store: Store) -> None:
    if store._engine.dialect.name != "sqlite":
        pytest.skip("several nodes")
    store.nodes.acquire("a", ONE)
    store.nodes.acquire("b", TWO)
    assert [one.name for one in store.nodes.all()] == ["b"]
    store.nodes.check("b", ONE)
    assert store.nodes.renew("b", ONE)
    with pytest.raises(StoreError, match="one node"):
        store.nodes.retire("b")
    assert store.nodes.all()[0].silent_for == timedelta(0)
    incident = Incident("4id", "a@corp.example", ["b@partner.example"], "p")
    assert store.nodes.away(incident) == ""


def test_nodes_that_do_not_renew_are_listed_as_silent(nodes: Nodes, clock: Clock) -> None:
    nodes.acquire("a", ONE)
    clock.now += timedelta(minutes=2)
    nodes.acquire("b", TWO)
    assert nodes.silent_for()["a"] == timedelta(minutes=2)
    assert not by_name(nodes)["a"].is_silent
    clock.now += SECOND
    assert by_name(nodes)["a"].is_silent
    assert not by_name(nodes)["b"].is_silent
    clock.now = NOW - SECOND
    assert nodes.silent_for()["a"] == timedelta(0), "the clock was put back"


def incident(store: Store, node: str, state: State = State.HELD, at: datetime = NOW) -> Incident:
    one = Incident("4id", "a@corp.example", ["b@partner.example"], "p", state=state, held_at=at)
    store.record(one, ACTOR)
    with store._engine.begin() as connection:
        connection.execute(update(incidents).where(incidents.c.id == one.id).values(node=node))
    found = store.incident(one.id)
    assert found is not None
    return found


def test_nodes_are_listed_with_their_incidents_and_the_first_has_those_without_node(
    nodes: Nodes, store: Store, clock: Clock
) -> None:
    first = next(iter(by_name(nodes)), "a")
    nodes.acquire(first, ONE)
    nodes.acquire("z", TWO)
    incident(store, "", at=NOW - SECOND)
    incident(store, first)
    incident(store, first, State.APPROVED)
    incident(store, "z", at=NOW + SECOND)
    found = by_name(nodes)
    assert found[first].open == {State.HELD: 2, State.APPROVED: 1}
    assert found["z"].open == {State.HELD: 1}
    assert (found[first].oldest, found["z"].oldest) == (NOW - SECOND, NOW + SECOND)
    assert (found[first].waiting, found["z"].waiting) == (1, 0)


def test_the_node_of_an_incident_is_found(nodes: Nodes, store: Store, clock: Clock) -> None:
    first = next(iter(by_name(nodes)), "a")
    nodes.acquire(first, ONE)
    nodes.acquire("z", TWO)
    old, own, other, lost = (incident(store, node) for node in ("", first, "z", "gone"))
    assert [nodes.has(first, one) for one in (old, own, other, lost)] == [True, True, False, False]
    assert [nodes.has("z", one) for one in (old, own, other)] == [False, False, True]
    assert nodes.place_of(old) == nodes.place_of(own) == (first, "192.0.2.1:5000")
    assert nodes.place_of(lost) == ("gone", "")
    assert [nodes.away(one) for one in (old, own, other, lost)] == ["", "", "", ""]
    assert nodes.is_used("")
    clock.now += LEASE
    assert [nodes.away(one) for one in (old, own, other, lost)] == [first, first, "z", ""]
    assert not nodes.is_used("")
    nodes.acquire(first, ONE)
    nodes.release(first, ONE)
    assert nodes.away(own) == first


def test_nodes_with_different_rules_are_listed() -> None:
    def node(name: str, rules: str, retired_at: datetime | None = None) -> Node:
        return Node(name, "m", "v", NOW, timedelta(0), retired_at, rules, {}, None)

    found = [node("a", "x"), node("b", "y"), node("c", ""), node("d", "y", NOW)]
    assert differing(found, "x") == ["b"]


def test_a_machine_waits_for_a_name_until_it_is_free_or_renewed() -> None:
    pauses: list[float] = []
    lefts = iter([LEASE, LEASE - SECOND, LEASE - SECOND])

    def step() -> None:
        if (left := next(lefts, None)) is not None:
            raise NodeTakenError("a", "m", left)

    retry_until_free(step, pauses.append)
    assert pauses == [1.0, 1.0, 1.0]
    lefts = iter([LEASE - SECOND, LEASE])
    with pytest.raises(NodeTakenError):
        retry_until_free(step, pauses.append)
    lefts = iter([LEASE + SECOND])
    with pytest.raises(NodeTakenError):
        retry_until_free(step, pauses.append)
    assert len(pauses) == 4


# -- claims -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def desks(store: Store, clock: Clock) -> tuple[Claims, Claims]:
    if store._engine.dialect.name != "sqlite":
        pytest.skip("its own clock is asked")
    found = Claims(store._engine, store._engine), Claims(store._engine, store._engine)
    for one in found:
        one._is_shared = True
    return found


def test_a_task_belongs_to_one_desk_at_a_time(desks: tuple[Claims, Claims]) -> None:
    one, other = desks
    one.heartbeat(ONE)
    other.heartbeat(TWO)
    with one.claimed("notice 7") as has:
        assert has
        with other.claimed("notice 7") as also:
            assert not also
        with other.claimed("notice 8") as another:
            assert another
    with other.claimed("notice 7") as after:
        assert after
    with pytest.raises(RuntimeError), one.claimed("notice 7"):
        raise RuntimeError
    with other.claimed("notice 7") as after:
        assert after, "a claim ends with its block, however that ends"


def test_the_tasks_of_a_desk_without_heartbeat_are_taken_over(desks: tuple[Claims, Claims], clock: Clock) -> None:
    one, other = desks
    one.heartbeat(ONE)
    other.heartbeat(TWO)
    assert other.desks() == [LiveDesk("one.corp.example", "1.0"), LiveDesk("two.corp.example", "1.1")]
    with one.claimed("x") as has:
        assert has
        clock.now += claims_module.LEASE
        with other.claimed("x") as taken:
            assert taken
    assert other.desks() == [], "both are late"
    other.heartbeat(TWO)
    assert [desk.machine for desk in other.desks()] == ["two.corp.example"]
    clock.now += SECOND
    one.heartbeat(ONE)
    assert len(one.desks()) == 2


def test_a_heartbeat_in_time_keeps_the_claims(desks: tuple[Claims, Claims], clock: Clock) -> None:
    one, other = desks
    one.heartbeat(ONE)
    other.heartbeat(TWO)
    with one.claimed("x"):
        for _ in range(3):
            clock.now += claims_module.LEASE - SECOND
            one.heartbeat(ONE)
            other.heartbeat(TWO)
            with other.claimed("x") as has:
                assert not has


class Interrupted:
    """A database that can be unreachable for a while."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.is_away = False

    def begin(self) -> Any:
        if self.is_away:
            raise OperationalError("x", {}, Exception())
        return self.engine.begin()


def test_the_same_desk_may_repeat_a_task_whose_claim_was_not_removed(desks: tuple[Claims, Claims]) -> None:
    one, other = desks
    interrupted: Any = Interrupted(one._engine)
    one._engine = interrupted
    one.heartbeat(ONE)
    other.heartbeat(TWO)
    for work in ("x", "y"):
        with pytest.raises(OperationalError), one.claimed(work):
            interrupted.is_away = True
        interrupted.is_away = False
    with other.claimed("x") as has:
        assert not has, "the other desk cannot know that the work has ended"
    with one.claimed("x") as has:
        assert has
        with one.claimed("x") as again:
            assert not again, "another thread of this desk"
        one.heartbeat(ONE)
        with other.claimed("x") as has:
            assert not has, "a heartbeat keeps the current claims"
    with other.claimed("y") as has:
        assert has, "a heartbeat removes claims whose work has ended"


def test_a_desk_without_a_heartbeat_in_time_loses_its_claim(desks: tuple[Claims, Claims], clock: Clock) -> None:
    one, other = desks
    one.confirm("x")  # a command, which claims nothing
    one.heartbeat(ONE)
    other.heartbeat(TWO)
    with one.claimed("x"):
        one.confirm("x")
        with pytest.raises(LostClaimError):
            one.confirm("y")
        clock.now += claims_module.LEASE - SECOND
        one.confirm("x")
        clock.now += SECOND
        with pytest.raises(LostClaimError):
            one.confirm("x")  # no other desk has claimed the work yet, but one can at any time
        clock.now += SECOND
        other.heartbeat(TWO)
        one.heartbeat(ONE)
        with pytest.raises(LostClaimError):
            one.confirm("x")
        with other.claimed("x") as has:
            assert has
            other.confirm("x")


def test_a_single_desk_claims_nothing(store: Store) -> None:
    if store._engine.dialect.name != "sqlite":
        pytest.skip("several desks")
    one = Claims(store._engine, store._engine)
    one.heartbeat(ONE)
    assert one.desks() == []
    with one.claimed("x") as has, Claims(store._engine, store._engine).claimed("x") as also:
        assert (has, also) == (True, True)


# -- commits that the standby confirms --------------------------------------------------------------------------------


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A connection without a server: its commit calls `does`; `cancelled` counts."""
    handlers: list[Any] = []
    monkeypatch.setattr(psycopg.Connection, "__init__", lambda *_, **__: None)
    monkeypatch.setattr(psycopg.Connection, "add_notice_handler", lambda _, handler: handlers.append(handler))
    monkeypatch.setattr(psycopg.Connection, "commit", lambda self: self.does())
    monkeypatch.setattr(psycopg.Connection, "__del__", lambda _: None)
    made: Any = ConfirmingConnection(None)
    made.handlers, made.cancelled = handlers, []
    made.cancel_safe = lambda: made.cancelled.append(1)
    made.does = lambda: None
    return made


def warned(function: str) -> Any:
    return cast(Any, SimpleNamespace(source_function=function))


def test_a_commit_that_the_standby_did_not_confirm_is_an_error(connection: Any) -> None:
    (handler,) = connection.handlers
    connection.commit()
    connection.does = lambda: handler(warned("SyncRepWaitForLSN"))
    with pytest.raises(psycopg.OperationalError, match="did not confirm"):
        connection.commit()
    connection.does = lambda: handler(warned("another"))
    connection.commit()
    assert connection.cancelled == []


def test_a_commit_is_monitored_until_it_ends(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    watched: list[Any] = []
    seen: list[int] = []
    watchdog = SimpleNamespace(add=watched.append, remove=watched.remove)
    monkeypatch.setattr(confirming, "_watchdog", watchdog)
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    connection.commit_timeout = 3

    def slow() -> None:
        seen.append(len(watched))
        assert watched[0].due == 103.0
        watched[0].cancel()

    connection.does = slow
    connection.commit()
    assert (seen, watched, connection.cancelled) == ([1], [], [1])
    kept: list[Any] = []

    def fail() -> None:
        kept.extend(watched)
        raise psycopg.OperationalError("gone")

    connection.does = fail
    with pytest.raises(psycopg.OperationalError, match="gone"):
        connection.commit()
    assert watched == []
    kept[0].cancel()
    assert connection.cancelled == [1], "the next statement is not cancelled"


def test_a_wait_that_cannot_be_cancelled_continues() -> None:
    def fail() -> None:
        raise psycopg.OperationalError("no connection for it")

    _Wait(cast(Any, SimpleNamespace(cancel_safe=fail, commit_timeout=1))).cancel()


def test_one_thread_cancels_only_the_waits_that_are_due() -> None:
    watchdog = confirming._Watchdog()
    cancelled: list[str] = []

    def wait(name: str, seconds: float) -> Any:
        connection = SimpleNamespace(cancel_safe=lambda: cancelled.append(name), commit_timeout=seconds)
        return _Wait(cast(Any, connection))

    later, ended, soon = wait("later", 600), wait("ended", 600), wait("soon", 0)
    for one in (later, ended):
        watchdog.add(one)
    thread = watchdog._thread
    assert thread is not None
    assert thread.daemon
    ended.end()
    watchdog.remove(ended)
    watchdog.add(soon)
    wait_for(lambda: cancelled == ["soon"], "the one that is due to be cancelled")
    assert watchdog._thread is thread
    assert watchdog._waits == {later}
    watchdog.remove(later)
    with watchdog._changed:
        watchdog._changed.notify()
    wait_for(lambda: watchdog._thread is None, "the thread to end, because there is nothing to watch")
    watchdog.add(wait("again", 0))
    wait_for(lambda: cancelled == ["soon", "again"], "the next one to be cancelled")


def test_a_lease_lasts_as_long_as_documented() -> None:
    assert LEASE == claims_module.LEASE == timedelta(seconds=30)
    assert module.SILENT_AFTER.total_seconds() == 120
    assert ConfirmingConnection.commit_timeout == BUSY_TIMEOUT == 10
