"""A node's lease: renewed while the daemon runs, written again if lost, and released at the end."""

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
from sqlalchemy.exc import OperationalError

from holdgate.node import Machine
from holdgate.quarantine.database import StoreError
from holdgate.quarantine.nodes import LEASE, Nodes, NodeTakenError
from holdgate.queue import lease as module
from holdgate.queue.lease import Lease
from testbed.ports import wait_for

MACHINE = cast(Machine, "this machine")


class FakeNodes:
    """Records its calls; `renews` has the result of each renewal, and the last one repeats."""

    is_shared = True

    def __init__(self, *renews: object) -> None:
        self.calls: list[tuple[str, str]] = []
        self.renews = list(renews) or [True]
        self.taken: Exception | None = None
        self.away = False

    def acquire(self, name: str, _machine: Machine, rules: str) -> None:
        self.calls.append(("take", rules))
        if self.taken is not None:
            raise self.taken

    def renew(self, name: str, _machine: Machine, rules: str) -> bool:
        self.calls.append(("renew", rules))
        answer = self.renews.pop(0) if len(self.renews) > 1 else self.renews[0]
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    def release(self, name: str, _machine: Machine) -> None:
        self.calls.append(("leave", ""))
        if self.away:
            raise OperationalError("x", {}, Exception())

    def count(self, what: str) -> int:
        return sum(call == what for call, _ in self.calls)


@pytest.fixture
def take(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Lease, threading.Event]]:
    monkeypatch.setattr(module, "_PAUSE", 0.001)

    def make(nodes: FakeNodes, **more: Any) -> tuple[Lease, threading.Event]:
        stop = threading.Event()
        lease = Lease(cast(Nodes, nodes), "a", MACHINE, stop, **more)
        lease.acquire()
        return lease, stop

    return make


Take = Callable[..., tuple[Lease, threading.Event]]


def test_a_lease_is_taken_renewed_and_released(take: Take) -> None:
    nodes = FakeNodes()
    lease, stop = take(nodes, rules=lambda: "digest")
    wait_for(lambda: nodes.count("renew") > 2, "renewals")
    lease.close()
    assert nodes.calls[0] == ("take", "digest")
    assert ("renew", "digest") in nodes.calls
    assert nodes.calls[-1] == ("leave", "")
    assert (nodes.count("take"), lease.lost, stop.is_set()) == (1, False, False)


def test_the_certificate_is_announced_with_each_renewal(take: Take) -> None:
    nodes, announced = FakeNodes(False, True), list[int]()
    nodes.renews = [OperationalError("x", {}, Exception()), True]
    lease, _ = take(nodes, announce=lambda: announced.append(nodes.count("renew")))
    wait_for(lambda: len(announced) > 1, "it to be announced")
    lease.close()
    assert announced[:2] == [2, 3], "not while the store is away"


def test_the_only_node_of_a_store_renews_nothing(take: Take) -> None:
    nodes = FakeNodes()
    nodes.is_shared = False
    lease, _ = take(nodes)
    lease.close()
    assert nodes.calls == [("take", ""), ("leave", "")]


def test_a_lease_that_the_store_has_lost_is_taken_again(take: Take) -> None:
    nodes = FakeNodes(False, True)
    lease, _ = take(nodes)
    wait_for(lambda: nodes.count("renew") > 2, "renewals")
    lease.close()
    assert nodes.count("take") == 2


@pytest.mark.parametrize("error", [OperationalError("x", {}, Exception()), StoreError("away")], ids=["away", "store"])
def test_a_lease_survives_a_temporary_failure_of_the_store(take: Take, error: Exception) -> None:
    nodes = FakeNodes(error, error, True)
    lease, stop = take(nodes)
    wait_for(lambda: nodes.count("renew") > 4, "renewals")
    assert (lease.lost, stop.is_set()) == (False, False)
    nodes.away = True
    lease.close()
    assert nodes.count("leave") == 1


def test_a_node_name_in_use_by_another_machine_stops_the_daemon(take: Take) -> None:
    nodes = FakeNodes(True, NodeTakenError("a", "other.corp.example", LEASE))
    lease, stop = take(nodes)
    assert stop.wait(90)
    assert lease.lost
    lease.close()


def test_a_daemon_that_is_stopped_while_it_waits_for_its_name_exits(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = FakeNodes()
    nodes.taken = NodeTakenError("a", "other.corp.example", LEASE)
    stop = threading.Event()
    stop.set()
    with pytest.raises(SystemExit):
        Lease(cast(Nodes, nodes), "a", MACHINE, stop).acquire()
    assert nodes.count("take") == 1


def test_a_machine_that_was_suspended_renews_its_lease_before_it_uses_the_name(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(module, "_now", lambda: now)
    monkeypatch.setattr(module, "_PAUSE", 3600)
    nodes = FakeNodes()
    lease, stop = take(nodes)
    now += LEASE.total_seconds() - 1
    assert lease.holds()
    assert nodes.count("renew") == 0
    now += 1
    assert lease.holds()
    assert nodes.count("renew") == 1
    now += LEASE.total_seconds()
    nodes.renews = [OperationalError("x", {}, Exception())]
    assert not lease.holds(), "the store is away"
    assert not stop.is_set()
    nodes.renews, nodes.taken = [False], NodeTakenError("a", "other.corp.example", LEASE)
    assert not lease.holds()
    assert (lease.lost, stop.is_set()) == (True, True)
    count = len(nodes.calls)
    assert not lease.holds()
    assert not lease.confirm()
    assert len(nodes.calls) == count, "it is not taken back"
    lease.close()


def test_the_only_node_of_a_store_always_holds_its_name(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_now", lambda: 1e9)
    nodes = FakeNodes()
    nodes.is_shared = False
    lease, _ = take(nodes)
    assert lease.holds()
    assert lease.confirm()
    assert nodes.count("renew") == 0


def test_a_lease_is_renewed_after_any_error(take: Take, caplog: pytest.LogCaptureFixture) -> None:
    nodes = FakeNodes(ValueError("x"), True)
    lease, _ = take(nodes)
    wait_for(lambda: nodes.count("renew") > 2, "renewals")
    lease.close()
    assert "stage=lease" in caplog.text
