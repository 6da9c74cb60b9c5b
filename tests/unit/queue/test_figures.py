"""The metrics of a pass of the queue agent, and its clients if the agent sends an invalid response."""

import json
import os
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from holdgate import metrics
from holdgate.quarantine.incident import Answer, Incident
from holdgate.quarantine.replacements import REPLACEMENT
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Actor, Store, open_store
from holdgate.queue import lease as leases
from holdgate.queue import reconcile
from holdgate.queue.adopt import Adopter
from holdgate.queue.client import QueueClient, QueueError, UnreachableError
from holdgate.queue.holdqueue import HoldQueue
from holdgate.queue.mutual import NodeCertificate
from holdgate.queue.postfix import HeldMessage
from holdgate.queue.replacing import Replacing
from tests.unit.queue.test_reconcile import MILTER, PERSON, FakeQueue, decide, new_reconciler, settle

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Store:
    path = shutil.copy(empty_store, tmp_path / "holdgate.db")
    return open_store(f"sqlite:///{path}")


def value(metric: Any, *labels: str) -> float:
    return float((metric.labels(*labels) if labels else metric)._value.get())


def record(store: Store, queue: FakeQueue, queue_id: str, **values: Any) -> Incident:
    one = Incident(queue_id, "a@corp.example", ["b@partner.example"], "p", **values)
    store.record(one, MILTER)
    queue.add(queue_id, b"X-Holdgate-Incident: %s\n" % one.id.encode())
    return one


class FixedClock(datetime):
    """A stopped clock."""

    @classmethod
    def now(cls, tz: Any = None) -> "FixedClock":
        return cls(2026, 3, 1, 12, tzinfo=tz)


# -- figures of a pass ------------------------------------------------------------------------------------------------


def test_the_metrics_show_held_messages_the_oldest_one_and_unmanaged_ones(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "datetime", FixedClock)
    queue = FakeQueue()
    reconciler = new_reconciler(store, queue)
    settle(reconciler)
    figures = (metrics.HELD_MESSAGES, metrics.HELD_OLDEST_AGE, metrics.UNMANAGED_HELD)
    assert [value(one) for one in figures] == [0, 0, 0]
    record(store, queue, "4one")
    record(store, queue, "4two")
    queue.messages["4one"] = HeldMessage("4one", int(NOW.timestamp()) - 90, 1, "a@corp.example", ["b@partner.example"])
    queue.messages["4two"] = HeldMessage("4two", int(NOW.timestamp()) - 60, 1, "a@corp.example", ["b@partner.example"])
    queue.add("4other", b"X-Holdgate-Status: complete\n")
    settle(reconciler)
    assert [value(one) for one in figures] == [2, 90, 1]
    queue.messages.clear()
    settle(reconciler)
    assert [value(one) for one in figures] == [0, 0, 0]


@pytest.mark.parametrize(("has_held", "seconds"), [(True, 60.0), (False, 100.0)], ids=["held", "never held"])
def test_the_duration_of_a_decision_starts_when_the_message_was_held(
    store: Store, has_held: bool, seconds: float
) -> None:
    queue = FakeQueue()
    one = record(store, queue, "4one", created_at=NOW - timedelta(seconds=100), state=State.HELD)
    store.amend(one, "x", PERSON, held_at=NOW - timedelta(seconds=60) if has_held else None, arrival_time=1000)
    held = store.incident(one.id)
    assert held is not None
    store.change(held, State.APPROVED, PERSON, decided_at=NOW, decided_by="boss@corp.example", decided_how="page")
    total = metrics.DECISION_SECONDS._sum.get()
    counts = value(metrics.OUTCOMES, "released"), value(metrics.DECISIONS, "approved", "page")
    settle(new_reconciler(store, queue))
    assert [found.id for found in store.incidents([State.RELEASED])] == [one.id]
    assert metrics.DECISION_SECONDS._sum.get() - total == pytest.approx(seconds)
    after = value(metrics.OUTCOMES, "released"), value(metrics.DECISIONS, "approved", "page")
    assert after == (counts[0] + 1, counts[1] + 1)


def test_a_vanished_message_does_not_count_as_a_decision(store: Store) -> None:
    queue = FakeQueue()
    record(store, queue, "4one")
    reconciler = new_reconciler(store, queue)
    settle(reconciler)
    total, lost = metrics.DECISION_SECONDS._sum.get(), value(metrics.RECONCILED, "vanished")
    del queue.messages["4one"]
    settle(reconciler)
    assert len(store.incidents([State.VANISHED])) == 1
    assert metrics.DECISION_SECONDS._sum.get() == total
    assert value(metrics.RECONCILED, "vanished") == lost + 1


def test_a_decision_that_had_no_effect_is_removed_from_the_incident(store: Store) -> None:
    queue = FakeQueue()
    record(store, queue, "4one")
    reconciler = new_reconciler(store, queue)
    settle(reconciler)
    decide(store, store.find("4one")[0], Answer.REJECT)
    del queue.messages["4one"]
    settle(reconciler)
    (one,) = store.incidents([State.VANISHED])
    assert (one.decided_at, one.decided_by, one.decided_how) == (None, None, None)
    assert one.closed_at is not None


# -- adoption ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "status", "reason"),
    [
        (b"X-Holdgate-Status: limited; encrypted\n", "limited", ""),
        (b"", "failed", "not inspected, it did not come through the milter"),
        (b"X-Holdgate-Status: 12345678901234567\n", "1234567890123456", ""),
    ],
    ids=["inspected", "not inspected", "odd"],
)
def test_the_incident_of_an_adopted_message_has_its_status_and_reason(
    store: Store, header: bytes, status: str, reason: str
) -> None:
    adopter = Adopter(store, action=("X-Netskope-Action", "Quarantine"), adopt_uninspected=False)
    message = HeldMessage("4one", 1000, 17, "a@corp.example", ["b@partner.example", "4111111111111111@partner.example"])
    before = value(metrics.RECONCILED, "adopted")
    mark = b"X-Netskope-Action: Quarantine\nSubject: card 4111111111111111\nFrom: a@corp.example\n"
    assert adopter.adopt(message, mark + header)
    (one,) = store.incidents([State.HELD])
    assert (one.queue_id, one.arrival_time, one.size, one.sender) == ("4one", 1000, 17, "a@corp.example")
    assert (one.status, one.reason) == (status, reason)
    assert one.recipients[0] == "b@partner.example"
    assert "4111111111111111" not in repr((one.recipients, one.subject))
    assert (one.header_from, one.message_id, one.policy) == ("a@corp.example", "", "adopted")
    assert one.held_at is not None
    assert [(event.event, event.note) for event in store.history(one.id)] == [
        ("adopted", "held without an incident"),
        ("held", ""),
    ]
    assert value(metrics.RECONCILED, "adopted") == before + 1


@pytest.mark.parametrize(
    ("header", "adopt_uninspected", "is_managed", "is_adopted"),
    [
        (b"X-Netskope-Action: Quarantine\n", False, False, True),
        (b"X-Netskope-Action: Block\nX-Holdgate-Status: complete\n", True, False, False),
        (b"X-Holdgate-Incident: lost\n", False, False, True),
        (b"Subject: s\n", False, False, False),
        (b"Subject: s\n", True, False, True),
        (b"X-Holdgate-Status: complete\n", True, False, False),
        (b"Subject: s\n", False, True, True),
    ],
    ids=["marked", "another mark", "incident", "foreign", "adopted", "inspected", "known"],
)
def test_only_messages_of_holdgate_and_uninspected_ones_are_adopted(
    store: Store, header: bytes, adopt_uninspected: bool, is_managed: bool, is_adopted: bool
) -> None:
    adopter = Adopter(store, action=("X-Netskope-Action", "Quarantine"), adopt_uninspected=adopt_uninspected)
    message = HeldMessage("4one", 1000, 17, "a@corp.example", ["b@partner.example"])
    # A node that does not state it does not know it.
    known = {"is_managed": True} if is_managed else {}
    assert adopter.adopt(message, header, **known) is is_adopted
    assert len(store.incidents([State.HELD])) == is_adopted


# -- amended messages, leases, files, certificates --------------------------------------------------------------------


def test_an_amended_message_without_a_known_original_is_an_ordinary_message(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = FakeQueue()
    one = record(store, queue, "4one")
    row = store.replacements.begin(one.id, "k", "d", Actor("billing", REPLACEMENT), NOW)
    monkeypatch.setattr(Store, "incident", lambda _self, _name: None)
    message = HeldMessage("4new", 1000, 1, "a@corp.example", ["b@partner.example"])
    assert not Replacing(store, queue).step(message, f"X-Holdgate-Replaces: {row.mark}\n".encode())
    assert not Replacing(store, queue).step(message, b"Subject: s\n")


def test_a_lease_ends_with_its_daemon() -> None:
    lease = leases.Lease(cast(Any, None), "a", cast(Any, None), threading.Event())
    assert lease._thread.daemon
    assert not leases.Lease.lost


def test_a_symbolic_link_in_the_hold_queue_counts_as_a_file(tmp_path: Path) -> None:
    hold, elsewhere = tmp_path / "hold", tmp_path / "elsewhere"
    for directory in (hold / "A", elsewhere):
        directory.mkdir(parents=True)
    (hold / "4file").touch()
    (hold / "A/4deep").touch()
    (hold / "4link").symlink_to(elsewhere)
    (hold / "4lost").symlink_to(tmp_path / "nowhere")
    (elsewhere / "4other").touch()
    queue = HoldQueue(cast(Any, SimpleNamespace(hold_directory=lambda: hold)))
    names = {"4file", "4deep", "4link", "4lost"}
    inodes, files = queue._inodes(), queue._scan()
    assert inodes is not None
    assert files is not None
    assert inodes.keys() == files.keys() == names
    for name in names:
        path = hold / ("A" if name == "4deep" else "") / name
        assert inodes[name] == (str(path), os.lstat(path).st_ino)
        assert files[name] == (str(path), os.lstat(path).st_ino, os.lstat(path).st_ctime_ns)


def test_nodes_authenticate_at_each_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NodeCertificate, "_context", lambda _self, protocol: ssl.SSLContext(protocol))
    certificate = NodeCertificate(Path("a"), Path("b"), Path("c"), lambda _: False)
    assert certificate.server().num_tickets == 0
    assert certificate.client().protocol is ssl.PROTOCOL_TLS_CLIENT


# -- an agent that answers oddly --------------------------------------------------------------------------------------


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Any]:
    """Return a function that has an agent answer one request with some bytes, and then keep the connection open."""
    sockets: list[socket.socket] = []

    def answering(content: bytes, *, is_open: bool = True) -> QueueClient:
        listener = socket.socket(socket.AF_UNIX)
        path = tmp_path / f"s{len(sockets)}"
        listener.bind(str(path))
        listener.listen()
        sockets.append(listener)

        def serve() -> None:
            connection, _ = listener.accept()
            sockets.append(connection)
            connection.makefile("rb").readline()
            connection.sendall(content)
            if not is_open:
                connection.close()

        threading.Thread(target=serve, daemon=True).start()
        return QueueClient(path, timeout=30)

    yield answering
    for one in sockets:
        one.close()


def line(**values: Any) -> bytes:
    return json.dumps(values).encode() + b"\n"


def test_an_answer_without_content_ends_with_its_line(agent: Any) -> None:
    assert agent(line(ok=True, held=[])).held() == []


def test_content_is_read_up_to_its_size(agent: Any) -> None:
    assert agent(line(ok=True, size=4) + b"fourmore").show("4one", 1) == b"four"
    assert agent(line(ok=True, size=0)).show("4one", 1) == b""
    assert agent(line(ok=True, gone=True)).show("4one", 1) is None


@pytest.mark.parametrize(
    ("content", "error", "reason"),
    [
        (line(ok=True, size=4) + b"thr", UnreachableError, "the answer was cut short"),
        (b"", UnreachableError, "does not answer"),
        (b"no JSON\n", UnreachableError, "does not answer"),
        (line(error="not allowed"), QueueError, "^not allowed$"),
        (line(), QueueError, "^no answer$"),
        (line(ok=False, error="x"), QueueError, "^x$"),
    ],
    ids=["cut", "closed", "no JSON", "refused", "nothing", "not ok"],
)
def test_an_invalid_answer_is_an_error(agent: Any, content: bytes, error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        agent(content, is_open=False).show("4one", 1)


@pytest.mark.parametrize("outcomes", [[], [{}, {}]])
def test_an_answer_about_other_messages_is_an_error(agent: Any, outcomes: list[Any]) -> None:
    with pytest.raises(UnreachableError, match="names other messages"):
        agent(line(ok=True, outcomes=outcomes)).release_all([("4one", 1)])


def test_each_of_several_messages_has_its_own_outcome(agent: Any) -> None:
    answer = line(ok=True, outcomes=[{}, {"gone": True}, {"error": "damaged"}])
    done, gone, failed = agent(answer).delete_all([("4a", 1), ("4b", 1), ("4c", 1)])
    assert (done, gone) == (True, False)
    assert isinstance(failed, QueueError)
    assert str(failed) == "damaged"
    with pytest.raises(QueueError, match="damaged"):
        agent(line(ok=True, outcomes=[{"error": "damaged"}])).release("4a", 1)
