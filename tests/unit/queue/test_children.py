"""The processes of `holdgate-queue` from start to end, each in this process."""

import gc
import os
import runpy
import signal
import threading
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from holdgate import daemon, maillog, metrics
from holdgate.config import Settings
from holdgate.configfile import ConfigError
from holdgate.phrases import failure_of
from holdgate.quarantine import store as stores
from holdgate.quarantine.nodes import NodeTakenError
from holdgate.quarantine.signals import Waker
from holdgate.quarantine.store import StoreError
from holdgate.queue import agent, main, reconciling
from holdgate.queue import listener as listening
from holdgate.queue.holdwatch import REST
from holdgate.queue.mutual import NodeCertificate

WAKER = Waker()


class Ended(Exception):
    """This process would have ended."""


class Steps(list[Any]):
    """The recorded steps, in order."""

    def note(self, name: str, returned: Any = None) -> Any:
        """Return a function that notes its call with its arguments."""

        def call(*arguments: Any, **named: Any) -> Any:
            self.append((name, *arguments, *sorted(named.items())))
            if isinstance(returned, Exception):
                raise returned
            return returned

        return call

    def names(self) -> list[str]:
        """Return the names only."""
        return [one[0] for one in self]


SETTINGS = {
    "user": "queue-user",
    "queue": {
        "socket": "/nonexistent/queue.sock",
        "interval": "77s",
        "missing_after": "99s",
        "adopt_uninspected": True,
    },
    "policy": {"action_header": "X-Corp-Action", "action_value": "Hold"},
}


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    noted = Steps()
    monkeypatch.setattr(signal, "signal", noted.note("signal"))
    monkeypatch.setattr(daemon, "notify", noted.note("notify"))
    monkeypatch.setattr(daemon, "drop_privileges", noted.note("drop"))
    monkeypatch.setattr(daemon, "die_with_parent", noted.note("dies with its parent"))
    monkeypatch.setattr(maillog, "failed", lambda *, stage, error: noted.append(("failed", stage, error)))
    return noted


# -- the child that keeps store and queue in step ---------------------------------------------------------------------


class FakeLease:
    """A lease that is never lost, unless `lost` is set."""

    lost = False
    error: Exception | None = None
    steps: Steps

    def __init__(self, nodes: Any, name: str, machine: Any, stop: threading.Event, *more: Any) -> None:
        self.steps.append(("lease", nodes, name, *map(callable, more)))
        FakeLease.stop = stop  # type: ignore[attr-defined]

    def acquire(self) -> None:
        self.steps.append(("take",))
        if FakeLease.error is not None:
            raise FakeLease.error

    def holds(self) -> bool:
        return True

    def confirm(self) -> bool:
        return True

    def close(self) -> None:
        self.steps.append(("lease closed",))


@pytest.fixture
def child(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Replacements for everything that the child opens."""
    listener = SimpleNamespace(
        waker=lambda: WAKER,
        pause=steps.note("rest"),
        start=steps.note("listens"),
        close=steps.note("listener closed"),
    )
    certificates = SimpleNamespace(announce=None)
    store = SimpleNamespace(
        nodes="nodes",
        certificates=certificates,
        listener=lambda *names, url: listener,
        close=steps.note("store closed"),
    )
    monkeypatch.setattr(FakeLease, "steps", steps, raising=False)
    monkeypatch.setattr(FakeLease, "lost", False)
    monkeypatch.setattr(FakeLease, "error", None)
    monkeypatch.setattr(metrics, "serve", steps.note("metrics"))
    monkeypatch.setattr(reconciling, "name_of", lambda _: "mx1")
    monkeypatch.setattr(reconciling, "machine_of", lambda _: "machine")
    monkeypatch.setattr(reconciling, "open_store", steps.note("store", store))
    monkeypatch.setattr(reconciling, "Lease", FakeLease)
    monkeypatch.setattr(reconciling, "Reconciler", steps.note("reconciler", "a reconciler"))
    monkeypatch.setattr(
        reconciling,
        "HoldWatch",
        lambda _queue, _waker: SimpleNamespace(start=steps.note("watches"), close=steps.note("unwatched")),
    )
    monkeypatch.setattr(reconciling, "run_passes", steps.note("in step"))
    return steps


def run() -> int:
    return main._reconcile(Settings.model_validate(SETTINGS), 4711)


def test_the_child_opens_everything_reconciles_and_closes_everything(child: Steps) -> None:
    assert run() == 0
    assert [name for name in child.names() if name != "signal"] == [
        *("drop", "dies with its parent", "metrics", "store", "lease", "take", "reconciler", "listens", "watches"),
        *("notify", "in step", "unwatched", "listener closed", "lease closed", "store closed"),
    ]
    assert ("drop", "queue-user") in child
    assert ("notify", "READY=1") in child
    (store,) = [one for one in child if one[0] == "store"]
    assert store[2:] == ("mx1", ("role", "queue"))
    (made,) = [dict(one[3:]) for one in child if one[0] == "reconciler"]
    made.pop("poll_after")()
    assert made.pop("has_name").__func__ is FakeLease.confirm
    assert not made.pop("signs")()  # desk.change_relay is not set
    assert child[-1] == ("rest", 0.0)
    assert made == {
        "action": ("X-Corp-Action", "Hold"),
        "missing_after": timedelta(seconds=99),
        "interval": timedelta(seconds=77),
        "adopt_uninspected": True,
    }
    (step,) = [one for one in child if one[0] == "in step"]
    assert step[1] == "a reconciler"
    assert step[3:6] == (1.0, 4711, WAKER)
    assert step[7].__func__ is FakeLease.holds


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_child_after_its_pass(child: Steps, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    stopped: list[bool] = []

    def keep(_reconciler: Any, stop: threading.Event, *_: Any) -> None:
        handlers = {one[1]: one[2] for one in child if one[0] == "signal"}
        assert not stop.is_set()
        handlers[number](number, None)
        stopped.append(stop.is_set())

    monkeypatch.setattr(reconciling, "run_passes", keep)
    assert run() == 0
    assert stopped == [True]


def test_a_node_name_in_use_by_another_machine_is_a_configuration_error(
    child: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeLease, "lost", True)
    assert run() == daemon.EX_CONFIG
    assert child[-1] == ("failed", "config", "another machine uses the node name mx1; see: holdgate nodes")
    assert "store closed" in child.names()


@pytest.mark.parametrize(
    ("error", "stage", "status"),
    [
        (ConfigError(["[node] name: x"]), "config", daemon.EX_CONFIG),
        (NodeTakenError("mx1", "other", timedelta(seconds=3)), "config", daemon.EX_CONFIG),
        (StoreError("busy"), "start", daemon.EX_OSERR),
        (OSError(98, "in use"), "start", daemon.EX_OSERR),
        (KeyError("queue-user"), "start", daemon.EX_OSERR),
    ],
    ids=lambda one: type(one).__name__,
)
def test_an_error_at_the_start_of_the_child_is_logged(
    child: Steps, monkeypatch: pytest.MonkeyPatch, error: Exception, stage: str, status: int
) -> None:
    monkeypatch.setattr(FakeLease, "error", error)
    assert run() == status
    assert child[-1] == ("failed", stage, failure_of(error))
    assert "notify" not in child.names()


# -- the child for other nodes ----------------------------------------------------------------------------------------


@pytest.fixture
def node(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with a listener for other nodes, of which each step is a double."""
    monkeypatch.setattr(NodeCertificate, "of", lambda _settings, _is_revoked: "certificate")
    closed = SimpleNamespace(
        certificates=SimpleNamespace(is_revoked=None, announce=None), close=steps.note("store closed")
    )
    monkeypatch.setattr("holdgate.node.name_of", lambda _: "mx1")
    monkeypatch.setattr(stores, "open_store", steps.note("store", closed))

    class Listener:
        def __init__(self, certificate: Any, queue: Any, submitter: Any) -> None:
            assert submitter._queue is queue
            steps.append(("node listener", certificate, queue._timeout if hasattr(queue, "_timeout") else None))

        def serve(self, listener: Any) -> None:
            steps.append(("serves", listener.fileno()))

    class Opened:
        def __enter__(self) -> Any:
            return SimpleNamespace(fileno=lambda: 7)

        def __exit__(self, *_: object) -> None:
            steps.append(("closed",))

    monkeypatch.setattr(listening, "NodeListener", Listener)
    monkeypatch.setattr(listening, "open_listener", steps.note("open", Opened()))
    monkeypatch.setattr(time, "sleep", steps.note("sleep"))
    settings = Settings.model_validate(SETTINGS | {"desk_user": "desk-user"})
    return settings.model_copy(update={"node": settings.node.model_copy(update={"listen": ("192.0.2.1", 5000)})})


def parents(monkeypatch: pytest.MonkeyPatch, *pids: int) -> None:
    left = list(pids)
    monkeypatch.setattr(os, "getppid", lambda: left.pop(0))


def test_the_node_listener_serves_until_the_parent_exits(
    node: Settings, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    parents(monkeypatch, 4711, 4711, 1)
    assert main._serve_nodes(node, 4711) == 0
    drop = node.account("desk")
    assert ("drop", drop) in steps
    done = [one for one in steps if one[0] not in ("signal", "node listener")]
    store = ("store", node.store.url, "mx1")
    served = [store, ("open", ("192.0.2.1", 5000)), ("serves", 7), ("closed",), ("store closed",), ("sleep", 5.0)]
    assert done == [("drop", drop), ("dies with its parent",), *served, *served]
    assert {one[1:] for one in steps if one[0] == "signal"} == {
        (signal.SIGTERM, main._end),
        (signal.SIGINT, main._end),
    }


def test_an_address_that_cannot_be_bound_is_logged_and_retried(
    node: Settings, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    parents(monkeypatch, 4711, 4711, 1)
    monkeypatch.setattr(listening, "open_listener", steps.note("open", OSError(99, "Cannot assign requested address")))
    assert main._serve_nodes(node, 4711) == 0
    logged = [one for one in steps if one[0] == "failed"]
    assert len(logged) == 2
    assert logged[0][1] == "node"
    assert logged[0][2].startswith("[node] listen: 192.0.2.1:5000: ")
    assert steps.names().count("sleep") == 2


def test_the_node_listener_does_not_start_while_the_store_is_unavailable(
    node: Settings, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    parents(monkeypatch, 4711, 4711, 1)
    monkeypatch.setattr(stores, "open_store", steps.note("store", StoreError("away")))
    assert main._serve_nodes(node, 4711) == 0
    logged = [one[1:] for one in steps if one[0] == "failed"]
    assert logged == [("node", "[node] listen: 192.0.2.1:5000: away")] * 2
    assert "open" not in steps.names()


@pytest.mark.parametrize("error", [KeyError("desk"), OSError(1, "Operation not permitted")])
def test_a_node_listener_that_cannot_drop_root_exits(
    node: Settings, steps: Steps, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(daemon, "drop_privileges", steps.note("drop", error))
    assert main._serve_nodes(node, 4711) == daemon.EX_OSERR
    assert steps[-1] == ("failed", "start", failure_of(error))
    assert "open" not in steps.names()


# -- the parent -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_nodes", [True, False])
def test_the_parent_gives_each_user_its_rights_on_the_agent(
    steps: Steps, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has_nodes: bool
) -> None:
    settings = Settings.model_validate(SETTINGS | {"queue": SETTINGS["queue"] | {"socket": tmp_path / "q"}})  # type: ignore[operator]
    if has_nodes:
        node = settings.node.model_copy(update={"listen": ("192.0.2.1", 5000)})
        settings = settings.model_copy(update={"node": node})
    (tmp_path / "q").touch()
    made: dict[str, Any] = {}

    class FakeAgent:
        def __init__(self, postfix: Any, **given: Any) -> None:
            made.update(given)

        def serve(self, listener: Any) -> None:
            steps.append(("agent serves", listener))

    monkeypatch.setattr(Settings, "account", lambda _self, name: name)
    monkeypatch.setattr(daemon, "begin", lambda *_: (settings, tmp_path))
    monkeypatch.setattr(daemon, "ids_of", lambda name: {"queue": (101, 201), "desk": (102, 202)}[name])
    monkeypatch.setattr(agent, "claim", steps.note("claim", 77))
    monkeypatch.setattr(agent, "listen", steps.note("listen", "listener"))
    monkeypatch.setattr(agent, "Agent", FakeAgent)
    monkeypatch.setattr(main, "_fork", lambda work, *rest: (steps.append(("fork", work, rest[2:])), len(steps))[1])
    monkeypatch.setattr(gc, "collect", steps.note("collect"))
    monkeypatch.setattr(gc, "freeze", steps.note("freeze"))
    monkeypatch.setattr(main, "_wait", lambda children: (steps.append(("wait", len(children))), 0)[1])
    monkeypatch.setattr(os, "close", steps.note("close"))
    monkeypatch.setattr(maillog, "started", lambda **of: steps.append(("started", of["socket"])))
    monkeypatch.setattr(maillog, "stopped", steps.note("stopped"))
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 0
    works = [main._reconcile, main._serve_nodes][: 2 if has_nodes else 1]
    assert [one for one in steps if one[0] != "signal"] == [
        ("claim", tmp_path / "q"),
        ("listen", tmp_path / "q", ("group_id", 201)),
        # Memory is shared with the children only as long as no collection writes to it.
        ("collect",),
        ("freeze",),
        *(("fork", work, ("listener", 77)) for work in works),
        ("agent serves", "listener"),
        ("started", tmp_path / "q"),
        ("wait", len(works)),
        ("close", 77),
        ("stopped",),
    ]
    assert made == {
        "user_ids": [101],
        "reader_ids": [102],
        "action_header": "X-Corp-Action",
        "adopt_uninspected": True,
    }
    assert not (tmp_path / "q").exists()
    monkeypatch.undo()


def test_a_child_process_has_neither_the_agent_socket_nor_its_lock(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fork", lambda: 0)
    monkeypatch.setattr(os, "close", steps.note("close"))
    listener: Any = SimpleNamespace(close=steps.note("listener closed"))
    settings = Settings()

    def work(given: Settings, parent: int) -> int:
        steps.append(("work", given is settings, parent))
        return 3

    with pytest.raises(SystemExit) as ended:
        main._fork(work, settings, 4711, listener, 77)
    assert ended.value.code == 3
    assert steps == [("listener closed",), ("close", 77), ("work", True, 4711)]
    monkeypatch.setattr(os, "fork", lambda: 4712)
    assert main._fork(work, settings, 4711, listener, 77) == 4712


# -- pauses -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds_to_full_pass", "longest"),
    [(0.2, 1.0), (5.0, 5.0), (10_000.0, REST)],
    ids=["soon", "later", "never"],
)
def test_a_pause_lasts_as_long_as_the_watch_and_the_reconciler_allow(
    seconds_to_full_pass: float, longest: float
) -> None:
    reconciler: Any = SimpleNamespace(stamp="s", seconds_to_full_pass=seconds_to_full_pass)
    watch: Any = SimpleNamespace(pause=lambda *given: given)
    paused: object = reconciling._pause(reconciler, 1.0, watch)
    assert paused == ("s", 1.0, longest)
    assert reconciling._pause(reconciler, 1.0, None) == 1.0


def test_a_wake_up_makes_the_reconciler_read_the_store_and_a_time_out_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    answers = iter([True, False, True])
    stop = threading.Event()

    class FakeReconciler:
        has_more = False

        def run_once(self) -> bool:
            done.append("pass")
            return True

        def poll(self) -> None:
            done.append("look")

    def wait(seconds: float) -> bool:
        assert seconds == 2.5
        woken = next(answers)
        if len(done) > 3:
            stop.set()
        return woken

    monkeypatch.setattr(daemon, "notify", lambda *_: None)
    waker: Any = SimpleNamespace(wait=wait)
    reconciler: Any = FakeReconciler()
    reconciling.run_passes(reconciler, stop, 2.5, os.getppid(), waker)
    assert done == ["pass", "look", "pass", "pass", "look"]


def test_running_the_module_starts_the_queue_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "begin", Mock(side_effect=Ended))
    with pytest.raises(Ended):
        runpy.run_path(main.__file__, run_name="__main__")
