"""The start of a zygote, in this process: loaded modules, answers, and errors."""

import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from holdgate.detect import Detector
from holdgate.extract import ocr, tesseract
from holdgate.extract.budget import Limits
from holdgate.extract.formats import REGISTRY
from holdgate.plugins import PluginError
from holdgate.scan import memory, sandbox, wire, zygote
from holdgate.scan.reading import ReadingOnly
from holdgate.scan.sandbox import Protections, SandboxError

RULES = Path(__file__).parents[3] / "rules"
SETTINGS: dict[str, Any] = {
    "only_reads": True,
    "rules": str(RULES),
    "local_rules": None,
    "profiles": ["dlp-pii"],
    "readers": ["site_reader"],
    "ocr_languages": [],
    "ocr_seconds": 7.0,
    "limits": {"message_seconds": 12.5, "unknown": 1},
}
PROTECTIONS = Protections(1, False, True, ())


class Steps(list[Any]):
    """The recorded steps of the zygote, in order."""

    def note(self, name: str, returned: Any = None) -> Any:
        """Return a function that notes its call."""

        def call(*arguments: Any, **_: Any) -> Any:
            self.append((name, *arguments))
            return returned

        return call


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """This process is not changed: the calls by which a zygote changes itself are only recorded."""
    noted = Steps()
    for owner, name, returned in (
        (os, "setsid", None),
        (os, "nice", 0),
        (signal, "signal", None),
        (REGISTRY, "add_modules", None),
        (sandbox, "preload", None),
        (sandbox, "confine_template", PROTECTIONS),
        (memory, "gather", 0),
        (zygote, "_discard_output", None),
        (zygote, "warm", None),
        (zygote, "warm_reading", None),
        (ocr, "configure", None),
        (gc, "collect", 0),
        (gc, "freeze", None),
        (gc, "disable", None),
        (gc, "enable", None),
    ):
        monkeypatch.setattr(owner, name, noted.note(name, returned))
    monkeypatch.setattr(tesseract, "TesseractEngine", noted.note("engine", "an engine"))
    return noted


@pytest.fixture
def control() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The pool's end of the control socket, and the zygote's."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield ours, theirs


Control = tuple[socket.socket, socket.socket]


def answer(control: Control, shared: Any = None, **changes: Any) -> dict[str, Any]:
    """Run a zygote until it ends, as after its pool has disconnected, and return its answer."""
    ours, theirs = control
    wire.send(ours, SETTINGS | changes)
    ours.shutdown(socket.SHUT_WR)
    zygote.run(theirs, "/the/readers", shared)
    return wire.receive(ours, timeout=30)[0]


def names(steps: Steps) -> list[str]:
    return [one[0] for one in steps]


def test_a_zygote_that_only_reads_loads_no_rules(steps: Steps, control: Control) -> None:
    assert answer(control) == {"ready": os.getpid(), "identifiers": []}
    assert names(steps)[0] == "setsid", "the kernel divides processor time among sessions first"
    assert ("add_modules", ["site_reader"], "/the/readers") in steps
    assert "warm" not in names(steps)
    (reading,) = [one[1] for one in steps if one[0] == "warm_reading"]
    assert isinstance(reading, ReadingOnly)
    assert reading._limits == Limits(message_seconds=12.5)
    for ending in (signal.SIGINT, signal.SIGTERM):
        assert ("signal", ending, signal.SIG_IGN) in steps
    assert "nice" not in names(steps)


def test_a_zygote_loads_then_freezes_and_then_confines_itself(steps: Steps, control: Control) -> None:
    answer(control)
    order = [
        "disable",
        "add_modules",
        "preload",
        "warm_reading",
        "collect",
        "freeze",
        "enable",
        "gather",
        "_discard_output",
        "confine_template",
    ]
    assert [name for name in names(steps) if name in order] == order
    assert ("gather", ()) in steps


def test_a_zygote_forked_from_the_template_loads_nothing_again(steps: Steps, control: Control) -> None:
    answer(control, shared=[(1, 2)])
    assert "preload" not in names(steps)
    assert "warm_reading" not in names(steps)
    assert ("gather", [(1, 2)]) in steps


@pytest.mark.parametrize("shared", [None, [(1, 2)]])
def test_a_zygote_that_searches_loads_the_rules(
    steps: Steps, control: Control, monkeypatch: pytest.MonkeyPatch, detector: Detector, shared: Any
) -> None:
    asked: list[Any] = []

    def from_rules(rules: Path, local_dir: Path | None = None) -> Detector:
        asked.append((rules, local_dir))
        return detector

    monkeypatch.setattr(Detector, "from_rules", from_rules)
    found = answer(control, shared, only_reads=False, local_rules="/local")
    assert "us-ssn" in found["identifiers"]
    assert asked == [(RULES, Path("/local"))]
    (warmed,) = [one for one in steps if one[0] == "warm"]
    assert warmed[1].samples == warmed[2]
    assert warmed[1].limits == Limits(message_seconds=12.5)


def test_a_zygote_without_local_rules_loads_none(
    steps: Steps, control: Control, monkeypatch: pytest.MonkeyPatch, detector: Detector
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(Detector, "from_rules", lambda _, local_dir=None: (asked.append(local_dir), detector)[1])
    answer(control, only_reads=False, local_rules="")
    assert asked == [None]


def test_a_zygote_for_ocr_runs_with_low_priority(steps: Steps, control: Control) -> None:
    assert answer(control, ocr_languages=["eng"])["identifiers"] == []
    assert ("engine", ["eng"]) in steps
    (configured,) = [one for one in steps if one[0] == "configure"]
    assert configured[1:] == ("an engine", ocr.OcrLimits(message_seconds=7.0))
    assert ("nice", 10) in steps


# -- errors before it is ready -----------------------------------------------------------------------------------


def test_an_error_in_the_rules_is_the_answer(steps: Steps, control: Control) -> None:
    error = answer(control, only_reads=False, rules="/nonexistent")["error"]
    assert "/nonexistent" in error


@pytest.mark.parametrize(
    ("owner", "name", "error"),
    [
        (REGISTRY, "add_modules", PluginError("site_reader: cannot be loaded")),
        (sandbox, "preload", SandboxError("workers cannot be confined: seccomp: x")),
        (sandbox, "confine_template", SandboxError("workers cannot be confined: landlock: x")),
        (ocr, "configure", ocr.OcrError("no language eng")),
        (zygote, "_discard_output", OSError(24, "Too many open files")),
    ],
    ids=["reader", "preload", "confine", "images", "output"],
)
def test_each_start_failure_is_the_answer_and_no_worker_is_forked(
    steps: Steps, control: Control, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(owner, name, fail)
    assert answer(control, ocr_languages=["eng"]) == {"error": str(error)}


@pytest.mark.parametrize("sent", [b"", b"\0\0\0\1x"])
def test_a_zygote_without_settings_exits_silently(steps: Steps, control: Control, sent: bytes) -> None:
    ours, theirs = control
    if sent:
        ours.send(sent)
    ours.shutdown(socket.SHUT_WR)
    zygote.run(theirs, "/the/readers")
    theirs.close()
    assert ours.recv(10) == b""
    assert "add_modules" not in names(steps)


def test_a_zygote_that_is_already_a_session_leader_continues(
    steps: Steps, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "setsid", refuse)
    assert "ready" in answer(control)


def test_the_wait_for_settings_has_a_limit_and_the_wait_for_orders_has_none(
    steps: Steps, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[Any] = []
    receive, bound = wire.receive, wire.set_timeout

    def noting(connection: socket.socket, descriptors: int = 0, timeout: float | None = None, **more: Any) -> Any:
        waits.append(("receive", timeout))
        return receive(connection, descriptors, timeout, **more)

    ours, theirs = control
    wire.send(ours, SETTINGS)
    ours.shutdown(socket.SHUT_WR)
    monkeypatch.setattr(wire, "receive", noting)
    monkeypatch.setattr(
        wire,
        "set_timeout",
        lambda connection, seconds: (waits.append(("bound", seconds)), bound(connection, seconds)),
    )
    zygote.run(theirs, "/the/readers")
    assert waits[0] == ("receive", 60.0)
    assert ("bound", 0) in waits[1:]
    assert ("receive", None) in waits[1:]


# -- orders ------------------------------------------------------------------------------------------------------


def test_orders_are_carried_out_until_one_is_invalid(
    steps: Steps, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[dict[str, Any]] = []

    class FakeWorkers:
        def __init__(self, work: Any, protections: Protections) -> None:
            assert isinstance(work, ReadingOnly)
            assert protections is PROTECTIONS

        def carry_out(self, order: dict[str, Any], control: socket.socket) -> None:
            orders.append(order)
            if order["do"] == "x":
                raise wire.WireError("no order")

    monkeypatch.setattr(zygote, "Workers", FakeWorkers)
    ours, theirs = control
    wire.send(ours, SETTINGS)
    for do in ("fork", "end", "x", "fork"):
        wire.send(ours, {"do": do})
    zygote.run(theirs, "/the/readers")
    assert [one["do"] for one in orders] == ["fork", "end", "x"]


def test_the_command_line_has_the_readers_directory_and_the_control_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    called: list[Any] = []
    monkeypatch.setattr(zygote, "keep_memory_private", lambda: called.append("private"))
    monkeypatch.setattr(zygote, "run", lambda control, readers: called.append((control.fileno(), readers)))
    monkeypatch.setattr(sys, "argv", ["zygote", "/the/readers", str(theirs.detach())])
    descriptor = int(sys.argv[-1])
    zygote.main()
    ours.close()
    assert called == ["private", (descriptor, "/the/readers")]


def test_all_output_is_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    # In a child process, whose output the test reads by a pipe in the place of all three.
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            for descriptor in (0, 1, 2):
                os.dup2(writing, descriptor)
            os.close(writing)
            before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
            zygote._discard_output()
            os.write(1, b"quoted text")
            os.write(2, b"quoted text")
            is_silent = os.read(0, 10) == b""
            is_closed = len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
            os._exit(0 if is_silent and is_closed else 3)
        finally:
            os._exit(1)
    os.close(writing)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert os.read(reading, 100) == b""
    os.close(reading)


def test_a_worker_exits_with_0_normally_and_with_1_on_failure(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    def serve(connection: socket.socket, work: Any, protections: Any) -> None:
        if work.fails:
            raise RuntimeError

    monkeypatch.setattr(zygote, "serve", serve)
    for fails, status in ((False, 0), (True, 1)):
        workers = zygote.Workers(cast(Any, SimpleNamespace(fails=fails)), PROTECTIONS)
        ours, pid = workers._fork(control[1])
        with ours:
            assert workers._pids == {pid}
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == status
            assert ours.recv(1) == b""


def test_a_worker_inherits_only_its_own_socket(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(connection: socket.socket, *_: Any) -> None:
        open_ = []
        for one in (control[1], connection):
            try:
                os.fstat(one.fileno() if one.fileno() >= 0 else 9999)
                open_.append(True)
            except OSError:
                open_.append(False)
        connection.sendall(json.dumps(open_).encode())

    monkeypatch.setattr(zygote, "serve", serve)
    workers = zygote.Workers(cast(Any, None), PROTECTIONS)
    died_with: list[int] = []
    monkeypatch.setattr(zygote, "die_with_parent", lambda: died_with.append(1))
    workers.carry_out({"do": "fork"}, control[1])
    greeting, (descriptor,) = wire.receive(control[0], descriptors=1, timeout=30)
    with socket.socket(fileno=descriptor) as connection:
        assert json.loads(connection.recv(100)) == [False, True]
    os.waitpid(greeting["pid"], 0)
