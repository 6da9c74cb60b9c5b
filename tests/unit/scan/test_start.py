"""How a pool starts a zygote as its child: the settings that it sends, and the errors."""

import json
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdgate.scan import start, wire
from holdgate.scan.control import Zygote
from holdgate.scan.poolsettings import PoolSettings
from holdgate.scan.process import ScanError
from holdgate.scan.start import DIED_ON_TRIAL, Starter

MILTER = Path(__file__).parents[3] / "milter"
SETTINGS = PoolSettings(
    rules=Path("/rules"),
    local_rules=Path("/local"),
    profiles=("dlp-pii",),
    readers=("site",),
    readers_directory=Path("/readers"),
    time_limit=12.5,
    ocr_languages=("eng",),
    ocr_seconds=7.0,
)
# A zygote that answers with its input.
ECHO = """
import json, os, socket, sys
sys.path.insert(0, {milter!r})
from holdgate.scan import wire
control = socket.socket(fileno=int(sys.argv[1]))
settings, _ = wire.receive(control)
{then}
control.recv(1)
"""


def children_of_this() -> set[str]:
    """Return the children of this process that it has not waited for (proc_pid_task_children(5))."""
    return {pid for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()}


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that has the next zygotes do something after they have read the settings."""

    def script(then: str) -> None:
        code = ECHO.format(milter=str(MILTER), then=then)
        monkeypatch.setattr(start, "command", lambda _, control: [sys.executable, "-c", code, str(control)])

    return script


ANSWER = 'wire.send(control, {"ready": 1, "identifiers": [json.dumps(settings)]})'


@pytest.mark.parametrize("only_reads", [True, False])
def test_a_child_gets_its_settings_and_answers(scripted: Any, only_reads: bool) -> None:
    scripted(ANSWER)
    zygote, identifiers = Starter(SETTINGS, only_reads=only_reads).start()
    assert zygote.process is not None
    assert zygote.pid == zygote.process.pid
    zygote.close()
    assert zygote.process.returncode == 0
    (encoded,) = identifiers
    assert json.loads(encoded) == {
        "only_reads": only_reads,
        "rules": "/rules",
        "local_rules": "/local",
        "profiles": ["dlp-pii"],
        "readers": ["site"],
        "ocr_languages": ["eng"],
        "ocr_seconds": 7.0,
        "limits": {"message_seconds": 12.5},
    }


def test_without_local_rules_no_path_to_them_is_sent() -> None:
    assert start._zygote_settings(PoolSettings(rules=Path("/rules")), False)["local_rules"] is None


def test_the_command_has_the_readers_directory_and_the_control_socket() -> None:
    assert start.command(Path("/readers"), 7) == [sys.executable, "-m", "holdgate.scan.zygote", "/readers", "7"]


@pytest.mark.parametrize(
    ("then", "reason"),
    [
        ('wire.send(control, {"error": "rules: no such file"})', r"^rules: no such file$"),
        (
            'sys.stderr.write("Traceback\\n  at  line 1\\nImportError: x"); sys.exit(1)',
            r'^the zygote did not start: closed; its output: "?Traceback at line 1 ImportError: x"?$',
        ),
        ("sys.exit(1)", r"^the zygote did not start: closed$"),
        ("control.send(b'nonsense')", r"^the zygote did not start: "),
        ("os.kill(os.getpid(), 31)", DIED_ON_TRIAL[:40]),
        ("os.kill(os.getpid(), 9)", r"^the zygote did not start: closed$"),
    ],
    ids=["error", "exception", "ends", "nonsense", "system call", "killed"],
)
def test_a_child_that_does_not_become_ready_reports_the_reason(scripted: Any, then: str, reason: str) -> None:
    assert int(signal.SIGSYS) == 31
    scripted(then)
    before, children = len(list(Path("/proc/self/fd").iterdir())), children_of_this()
    with pytest.raises(ScanError, match=reason):
        Starter(SETTINGS).start()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert children_of_this() <= children, "it was not waited for"


def test_a_program_that_cannot_run_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "command", lambda *_: ["/nonexistent"])
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(ScanError, match=r"^the zygote did not start: .*No such file"):
        Starter(SETTINGS).start()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_child_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch, scripted: Any) -> None:
    def late(*_: Any) -> Any:
        raise TimeoutError

    scripted("pass")
    monkeypatch.setattr(Zygote, "receive", late)
    children = children_of_this()
    with pytest.raises(ScanError, match=r"^the zygote was not ready in time$"):
        Starter(SETTINGS).start()
    assert children_of_this() <= children, "it was not waited for"


@pytest.mark.parametrize(
    ("written", "quoted"),
    [
        (b"", ""),
        (b" \n ", ""),
        (b"one\ntwo\x1b[0m", "one two"),
        (b"a" * 200 + b"b" * 200, "b" * 200),
        (b"x" * 1000 + b" end", "x" * 196 + " end"),
        (b"\xff" + b"y" * 3, "yyy"),
    ],
    ids=["none", "blank", "lines", "long", "longer", "no UTF-8"],
)
def test_the_last_output_is_shortened_to_one_line(written: bytes, quoted: str) -> None:
    with tempfile.TemporaryFile() as errors:
        errors.write(written)
        words = start._end_of_stderr(errors)
    assert words.isprintable()
    assert words.startswith("; its output: ") is bool(quoted)
    assert quoted in words
    assert len(words) < 250
    assert ("a" in words.removeprefix("; its output: ")) is False


def test_only_the_last_part_of_the_output_is_read() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.places: list[tuple[int, int]] = []

        def seek(self, place: int, whence: int = 0) -> int:
            self.places.append((place, whence))
            return 10_000

        def read(self) -> bytes:
            return b"end"

    noted = Recorder()
    start._end_of_stderr(noted)  # type: ignore[arg-type]
    assert noted.places == [(0, 2), (9_500, 0)]


# -- through the service ----------------------------------------------------------------------------------------------


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[tuple[socket.socket, Path]]:
    with tempfile.TemporaryDirectory(prefix="hg-") as name, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
        path = Path(name) / "s"
        one.bind(str(path))
        one.listen()
        yield one, path


def by_service(monkeypatch: pytest.MonkeyPatch, path: Path, *frames: dict[str, Any]) -> Starter:
    """Return a starter whose service has answered with `frames` before it is asked."""

    def connected(_self: Starter, asked: Path) -> socket.socket:
        assert asked == path
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for frame in frames:
            wire.send(theirs, frame)
        kept.append(theirs)
        theirs.shutdown(socket.SHUT_WR)
        connections.append(ours)
        return ours

    kept: list[socket.socket] = []
    connections: list[socket.socket] = []
    monkeypatch.setattr(Starter, "_connected", connected)
    starter = Starter(PoolSettings(rules=Path("/rules"), service=path))
    starter.connections = connections  # type: ignore[attr-defined]
    starter.kept = kept  # type: ignore[attr-defined]
    return starter


PATH = Path("/run/scan.sock")


def test_a_zygote_of_the_service_has_a_process_id_but_no_child_process(monkeypatch: pytest.MonkeyPatch) -> None:
    starter = by_service(monkeypatch, PATH, {"zygote": 7}, {"ready": 7, "identifiers": ["us-ssn"]})
    zygote, identifiers = starter.start()
    assert (zygote.pid, zygote.process, identifiers) == (7, None, frozenset({"us-ssn"}))
    zygote.close()
    starter.kept[0].close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([{"error": "user 7 has 16 zygotes already"}], "^the scan service: user 7 has 16 zygotes already$"),
        ([{"zygote": 7}, {"error": "rules: x"}], "^rules: x$"),
        ([{"zygote": 7}], "^the zygote did not start: closed; see the log of holdgate-scan$"),
        ([{"zygote": "x"}], "^/run/scan.sock: the scan service does not answer; see the log of holdgate-scan$"),
        ([{}], "^/run/scan.sock: the scan service does not answer"),
        ([], "^/run/scan.sock: the scan service does not answer"),
    ],
    ids=["refused", "rules", "ends", "odd", "empty", "closed"],
)
def test_each_failure_of_the_service_closes_the_connection(
    monkeypatch: pytest.MonkeyPatch, frames: list[dict[str, Any]], reason: str
) -> None:
    starter = by_service(monkeypatch, PATH, *frames)
    with pytest.raises(ScanError, match=reason):
        starter.start()
    assert [one.fileno() for one in starter.connections] == [-1]  # type: ignore[attr-defined]
    starter.kept[0].close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("seconds", "number", "is_waiting"),
    [(0.0, 2, True), (9.99, 2, True), (10.0, 2, False), (0.0, 111, True), (0.0, 13, False)],
    ids=["first", "almost", "too long", "refused", "not permitted"],
)
def test_the_wait_for_a_missing_service_has_a_limit(
    monkeypatch: pytest.MonkeyPatch, seconds: float, number: int, is_waiting: bool
) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    starter = Starter(SETTINGS)
    starter._may_wait(OSError(2, "x"))
    clock[0] += seconds
    assert starter._may_wait(OSError(number, "x")) is is_waiting


def test_a_connection_has_a_time_limit_and_ends_the_outage(listener: tuple[socket.socket, Path]) -> None:
    _, path = listener
    starter = Starter(SETTINGS)
    starter._outage.since = 1.0
    with starter._connected(path) as connection:
        value = connection.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16)
    assert int.from_bytes(value[:8], sys.byteorder) == 60
    assert starter._outage.since is None
