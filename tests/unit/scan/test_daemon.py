"""`holdgate-scan` from its command line to the loop: opened files, dropped privileges, and exit codes."""

import contextlib
import gc
import json
import os
import resource
import runpy
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from holdgate import daemon, maillog, sockets
from holdgate.config import Settings
from holdgate.scan import main, memory, reexec, sandbox, serving, template, zygote
from holdgate.scan.reexec import ServerArguments
from holdgate.scan.sandbox import SandboxError
from holdgate.scan.template import Template


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hg-") as name:
        yield Path(name) / "scan.sock"


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    noted: list[tuple[str, str]] = []
    monkeypatch.setattr(maillog, "failed", lambda *, stage, error: noted.append((stage, error)))
    return noted


class Replaced(Exception):
    """This process would have been replaced."""


# -- its start as root ------------------------------------------------------------------------------------------------


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch, path: Path) -> list[Any]:
    """The steps of the daemon, in order, with the settings of a site."""
    steps: list[Any] = []
    settings = Settings.model_validate({"scan": {"socket": str(path)}})
    accounts = {"milter": "m", "desk": "d", "scan": "s"}
    ids = {"m": (101, 1), "d": (102, 2), settings.user: (0, 33)}
    monkeypatch.setattr(Settings, "account", lambda _self, name: accounts[name])
    monkeypatch.setattr(daemon, "begin", lambda name, _: (steps.append(name), (settings, Path("/x.toml")))[1])
    monkeypatch.setattr(daemon, "ids_of", lambda user: ids[user])
    monkeypatch.setattr(daemon, "drop_privileges", lambda user: steps.append(("drop", user)))
    monkeypatch.setattr(sockets, "claim", lambda one, name: (steps.append(("claim", one, name)), 77)[1])

    def listen(one: Path, *, group_id: int | None, kind: int) -> Any:
        steps.append(("listen", one, group_id, kind))
        return SimpleNamespace(fileno=lambda: 88)

    def exec_server(given: ServerArguments) -> None:
        steps.append(given)
        raise Replaced

    monkeypatch.setattr(sockets, "listen", listen)
    monkeypatch.setattr(main, "exec_server", exec_server)
    monkeypatch.setattr(maillog, "is_verbose", lambda: True)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return steps


def test_the_daemon_opens_its_socket_as_root_and_then_drops_root(begun: list[Any], path: Path) -> None:
    with pytest.raises(Replaced):
        main.main()
    *steps, given = begun
    assert steps == [
        "holdgate-scan",
        ("claim", path, "holdgate-scan"),
        ("listen", path, 33, socket.SOCK_SEQPACKET),
        ("drop", "s"),
    ]
    assert (given.program, given.verbose, given.path) == ("holdgate-scan", True, str(path))
    assert (given.listener, given.lock) == (88, 77)
    assert set(given.user_ids) == {101, 102}
    assert Path(given.readers_directory) == Settings().extract.directory


def test_the_socket_group_comes_from_the_directory_without_root(
    begun: list[Any], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 7)
    with pytest.raises(Replaced):
        main.main()
    assert ("listen", path, None, socket.SOCK_SEQPACKET) in begun


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyError("getpwnam(): name not found: 's'"), 'there is no user "s"; run: systemd-sysusers'),
        (OSError(98, "Address already in use"), "Address already in use"),
    ],
    ids=["user", "socket"],
)
def test_an_error_when_opening_the_socket_is_logged(
    begun: list[Any], monkeypatch: pytest.MonkeyPatch, failures: list[tuple[str, str]], error: Exception, reason: str
) -> None:
    def fail(_user: str) -> None:
        raise error

    monkeypatch.setattr(daemon, "drop_privileges", fail)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == daemon.EX_OSERR
    assert failures == [("socket", reason)]


def test_the_daemon_does_not_start_without_a_configured_socket(
    begun: list[Any], monkeypatch: pytest.MonkeyPatch, failures: list[tuple[str, str]]
) -> None:
    off = Settings.model_validate({"scan": {"socket": ""}})
    monkeypatch.setattr(daemon, "begin", lambda *_: (off, Path("/x.toml")))
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == daemon.EX_CONFIG
    ((stage, error),) = failures
    assert stage == "config"
    assert error.startswith("/x.toml: [scan] socket: unset or empty")
    assert begun == []


# -- its second stage -------------------------------------------------------------------------------------------------

SERVING = ServerArguments("holdgate-scan", False, "/nonexistent/scan.sock", 0, 0, (101, 102), "/readers")


def test_the_second_stage_gets_its_descriptors_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    ran: list[Any] = []
    monkeypatch.setattr(os, "execv", lambda program, arguments: ran.append((program, arguments)))
    given = ServerArguments("holdgate-scan", True, "/x", ours.fileno(), theirs.fileno(), (7,), "/readers")
    with ours, theirs:
        exec_server: Callable[[ServerArguments], object] = reexec.exec_server  # returns here, by the fake of execv
        exec_server(given)
        assert os.get_inheritable(ours.fileno())
        assert os.get_inheritable(theirs.fileno())
    ((program, arguments),) = ran
    assert program == sys.executable
    assert arguments[:3] == [sys.executable, "-m", "holdgate.scan.serving"]
    assert json.loads(arguments[3]) == asdict(given) | {"user_ids": [7]}


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch, path: Path) -> Iterator[list[Any]]:
    """The steps of the second stage, in order."""
    steps: list[Any] = []
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(path))
    lock = os.open(os.devnull, os.O_RDONLY)
    for descriptor in (listener.fileno(), lock):
        os.set_inheritable(descriptor, True)
    argument = json.dumps(
        asdict(ServerArguments("holdgate-scan", True, str(path), listener.detach(), lock, (101, 102), "/readers"))
    )

    class Service:
        def __init__(self, listener: socket.socket, *, user_ids: Any, start: Any) -> None:
            inheritable = os.get_inheritable(listener.fileno()) or os.get_inheritable(lock)
            steps.append(("service", sorted(user_ids), start, inheritable))
            self.listener = listener

        def serve(self) -> None:
            steps.append("serve")
            self.listener.close()
            raise SystemExit(0)

    monkeypatch.setattr(sys, "argv", ["serving", argument])
    monkeypatch.setattr(signal, "signal", lambda number, act: steps.append((number, act)))
    monkeypatch.setattr(daemon, "keep_memory_private", lambda: steps.append("private"))
    monkeypatch.setattr(daemon, "notify", lambda *states: steps.append(states))
    monkeypatch.setattr(maillog, "configure", lambda name, **options: steps.append((name, options)))
    monkeypatch.setattr(maillog, "started", lambda *, socket: steps.append(("started", socket)))
    monkeypatch.setattr(maillog, "stopped", lambda: steps.append("stopped"))
    monkeypatch.setattr(serving, "Template", lambda readers: SimpleNamespace(fork=("fork of", readers)))
    monkeypatch.setattr(serving, "ScanService", Service)
    steps.append(lock)
    yield steps
    with contextlib.suppress(OSError):
        os.close(lock)


def test_the_daemon_serves_until_a_signal_and_removes_its_socket(second: list[Any], path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        serving.main()
    assert ended.value.code == 0
    lock, *steps = second
    assert steps == [
        "private",
        ("holdgate-scan", {"daemon": True, "verbose": True}),
        (signal.SIGTERM, serving._end),
        (signal.SIGINT, serving._end),
        ("service", [101, 102], ("fork of", Path("/readers")), False),
        ("started", str(path)),
        ("READY=1",),
        "serve",
        "stopped",
    ]
    assert not path.exists()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(lock)
    with pytest.raises(SystemExit) as by_signal:
        serving._end(signal.SIGTERM, None)
    assert by_signal.value.code == 0


def test_a_socket_that_cannot_be_removed_stays_for_the_next_start(second: list[Any], path: Path) -> None:
    path.unlink()
    with pytest.raises(SystemExit):
        serving.main()
    assert second[-1] == "stopped"


@pytest.mark.parametrize("error", [SandboxError("workers cannot be confined: seccomp: x"), OSError("no memory")])
def test_a_template_that_cannot_load_is_logged(
    second: list[Any], monkeypatch: pytest.MonkeyPatch, failures: list[tuple[str, str]], error: Exception
) -> None:
    def fail(_readers: Path) -> None:
        raise error

    monkeypatch.setattr(serving, "Template", fail)
    with pytest.raises(SystemExit) as ended:
        serving.main()
    assert ended.value.code == daemon.EX_OSERR
    assert failures == [("zygote", str(error))]
    assert ("READY=1",) not in second


# -- data that all zygotes share --------------------------------------------------------------------------------------


def test_a_template_loads_everything_then_freezes_and_records_its_shared_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps: list[Any] = []
    monkeypatch.setattr(sandbox, "preload", lambda: steps.append("preload"))
    monkeypatch.setattr(template, "warm_reading", lambda reading: steps.append(type(reading).__name__))
    monkeypatch.setattr(gc, "disable", lambda: steps.append("disable"))
    monkeypatch.setattr(gc, "collect", lambda: steps.append("collect"))
    monkeypatch.setattr(gc, "freeze", lambda: steps.append("freeze"))
    monkeypatch.setattr(gc, "enable", lambda: steps.append("enable"))
    monkeypatch.setattr(memory, "gather", lambda: steps.append("gather"))
    monkeypatch.setattr(memory, "private", lambda: (steps.append("private"), [(1, 2)])[1])
    made = Template(Path("/readers"))
    assert steps == ["disable", "preload", "ReadingOnly", "collect", "freeze", "enable", "gather", "private"]
    assert (made._readers_directory, made._shared) == (Path("/readers"), [(1, 2)])


def test_all_descriptors_except_one_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "closerange", lambda first, end: closed.append((first, end)))
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (1024, 4096))
    template._close_all_but(7)
    assert closed == [(3, 7), (8, 1024)]


def test_a_zygote_whose_service_has_already_exited_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel kills a child with its parent only if it was asked before the parent ended (prctl(2))."""
    begun: list[Any] = []
    made = object.__new__(Template)
    made._readers_directory, made._shared = Path("/readers"), []

    def end(status: int) -> None:
        raise Replaced(status)

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(template, "die_with_parent", lambda: begun.append("dies with its parent"))
    monkeypatch.setattr(zygote, "run", lambda *arguments: begun.append(arguments))
    monkeypatch.setattr(template, "_close_all_but", lambda _kept: None)
    monkeypatch.setattr(template, "logging", SimpleNamespace(getLogger=lambda: SimpleNamespace(handlers=[])))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    control: Any = SimpleNamespace(fileno=lambda: 7)
    for parent, status, expected in (
        (os.getppid() + 1, 1, ["dies with its parent"]),
        (os.getppid(), 0, ["dies with its parent", (control, "/readers", [])]),
    ):
        begun.clear()
        with pytest.raises(Replaced) as ended:
            made._run_zygote(control, parent)
        assert (ended.value.args, begun) == ((status,), expected)


class Started(Exception):
    """The program would start now."""


@pytest.mark.parametrize(
    ("module", "first"),
    [(main, "begin"), (serving, "keep_memory_private"), (zygote, "keep_memory_private")],
    ids=lambda one: str(one)[-20:],
)
def test_each_stage_of_the_daemon_can_be_run_as_a_module(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, first: str
) -> None:
    monkeypatch.setattr(daemon, first, Mock(side_effect=Started))
    with pytest.raises(Started):
        runpy.run_path(str(module.__file__), run_name="__main__")
