"""The scan service with zygotes that are short scripts: who gets one, and what ends it."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from holdgate import maillog, sockets
from holdgate.config import Settings
from holdgate.scan import service as services
from holdgate.scan import wire
from holdgate.scan.poolsettings import PoolSettings
from holdgate.scan.process import ScanError
from holdgate.scan.service import PLACES, ScanService
from holdgate.scan.start import Starter
from testbed.ports import wait_for

# It answers each order, and ends when the daemon closes the connection.
ZYGOTE = """
import json, socket, struct, sys
control = socket.socket(fileno=int(sys.argv[-1]))
control.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, bytes(16))  # the service's, for its greeting
while order := control.recv(65536):
    received = json.dumps({"ready": 1, "identifiers": ["us-ssn"]}).encode()
    control.send(struct.pack("!I", len(received)) + received)
"""
NOBODY = 65_534
ANOTHER = os.getuid() + 1


def started(control: socket.socket) -> int:
    """Start a zygote that is a script, and return its process id."""
    # A descriptor that dup2 made is inherited, and it alone.
    actions = [(os.POSIX_SPAWN_DUP2, control.fileno(), 100)]
    return os.posix_spawn(sys.executable, [sys.executable, "-c", ZYGOTE, "100"], dict(os.environ), file_actions=actions)


class Stop(Exception):
    """Ends the service's loop."""


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory with a short name: sun_path holds 108 bytes (unix(7))."""
    with tempfile.TemporaryDirectory(prefix="hg-") as name:
        yield Path(name)


@pytest.fixture
def path(directory: Path) -> Iterator[Path]:
    """The socket of a service that runs, for the user of the tests."""
    path = directory / "scan.sock"
    with running(path):
        yield path


class running:
    """A service in a thread, for as long as the context lasts."""

    def __init__(self, path: Path, start: Callable[[socket.socket], int] = started) -> None:
        self.path = path
        self._stop, self._stopped = socket.socketpair()
        listener = sockets.listen(path, group_id=None, kind=socket.SOCK_SEQPACKET)
        self._listener = listener
        self.service = ScanService(listener, user_ids=[os.getuid()], start=start)
        self.service._watch(self._stopped.fileno(), select.POLLIN, self._end)
        self._thread = threading.Thread(target=self._serve)

    def _end(self) -> None:
        raise Stop

    def _serve(self) -> None:
        with contextlib.suppress(Stop):
            self.service.serve()

    def __enter__(self) -> "running":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.send(b"x")
        self._thread.join()
        for one in (self._stop, self._stopped, self._listener):
            one.close()
        self.path.unlink()


def connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(str(path))
    return connection


def greeted(path: Path) -> tuple[socket.socket, int]:
    connection = connected(path)
    greeting, _ = wire.receive(connection, timeout=30)
    return connection, int(greeting["zygote"])


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_each_daemon_gets_its_own_zygote(path: Path) -> None:
    (first, one), (second, another) = greeted(path), greeted(path)
    with first, second:
        assert one != another
        wire.send(first, {"do": "say"})
        answer, _ = wire.receive(first, timeout=30)
        assert answer["ready"] == 1


@pytest.mark.parametrize("how", ["closes the connection", "shuts the socket", "is killed"])
@pytest.mark.parametrize("is_stopped", [False, True])
def test_the_zygote_of_a_daemon_that_exits_is_ended(path: Path, how: str, is_stopped: bool) -> None:
    other, remaining = greeted(path)
    if how == "is killed":
        reading, writing = os.pipe()
        code = f"""
import os, socket
connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
connection.connect({str(path)!r})
os.write({writing}, connection.recv(100)[4:])
connection.recv(1)
"""
        daemon = subprocess.Popen([sys.executable, "-c", code], pass_fds=[writing])
        zygote = int(json.loads(os.read(reading, 100))["zygote"])
        os.close(reading)
        os.close(writing)
    else:
        connection, zygote = greeted(path)
    if is_stopped:
        os.kill(zygote, signal.SIGSTOP)
    if how == "is killed":
        daemon.kill()
        daemon.wait()
    elif how == "closes the connection":
        connection.close()
    else:
        connection.shutdown(socket.SHUT_RDWR)
    wait_for(lambda: is_gone(zygote), "the zygote to end")
    with other:
        assert not is_gone(remaining)
    if how == "shuts the socket":
        connection.close()


def test_only_its_daemon_notices_the_end_of_a_zygote(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[str] = []
    monkeypatch.setattr(maillog, "failed", lambda *, stage, error: failures.append(f"{stage}: {error}"))
    (first, one), (second, another) = greeted(path), greeted(path)
    with first, second:
        os.kill(one, signal.SIGKILL)
        with pytest.raises(wire.WireError, match="closed"):
            wire.receive(first, timeout=30)
        assert not is_gone(another)
    assert failures == [f"zygote: a zygote of user {os.getuid()} ended: signal 9"]


def test_all_zygotes_end_with_the_service(directory: Path) -> None:
    path = directory / "scan.sock"
    with running(path):
        (first, one), (second, another) = greeted(path), greeted(path)
        os.kill(another, signal.SIGSTOP)
    with first, second:
        assert is_gone(one)
        assert is_gone(another)
        with pytest.raises(wire.WireError, match="closed"):
            wire.receive(first, timeout=30)


def test_another_user_gets_no_zygote(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "peer_user", lambda _connection: ANOTHER)
    with connected(path) as connection:
        greeting, _ = wire.receive(connection, timeout=30)
        assert greeting == {
            "error": f"user {ANOTHER} is not one that may have mail inspected: see milter_user and desk_user"
        }
        with pytest.raises(wire.WireError, match="closed"):
            wire.receive(connection, timeout=30)
    monkeypatch.undo()


@pytest.mark.skipif(os.geteuid() != 0, reason="changes its user")
def test_the_connected_user_is_read_from_the_kernel() -> None:
    name = f"\0holdgate-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(name)
        listener.listen()
        child = os.fork()
        if not child:
            os.setuid(NOBODY)
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
                client.connect(name)
                os._exit(0)
        connection, _ = listener.accept()
        with connection:
            assert sockets.peer_user(connection) == NOBODY
        os.waitpid(child, 0)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.connect(name)
            connection, _ = listener.accept()
            with connection:
                assert sockets.peer_user(connection) == 0


def test_one_user_cannot_have_more_zygotes_than_the_limit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "PLACES", 2)
    assert PLACES > 2
    first, second = greeted(path), greeted(path)
    with connected(path) as third:
        greeting, _ = wire.receive(third, timeout=30)
        assert greeting == {"error": f"user {os.getuid()} has 2 zygotes already"}
    first[0].close()
    wait_for(lambda: is_gone(first[1]), "the place to be free")
    fourth, _ = greeted(path)
    fourth.close()
    second[0].close()


def test_a_zygote_that_cannot_be_started_is_reported(directory: Path) -> None:
    def refuse(_control: socket.socket) -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    path = directory / "scan.sock"
    with running(path, refuse), connected(path) as connection:
        greeting, _ = wire.receive(connection, timeout=30)
        assert greeting == {"error": "no zygote can be started: Resource temporarily unavailable"}


class Listener:
    """In place of the service's listening socket."""

    def __init__(self, connection: socket.socket | OSError) -> None:
        self._connection = connection

    def fileno(self) -> int:
        return 0

    def accept(self) -> tuple[socket.socket, str]:
        if isinstance(self._connection, OSError):
            raise self._connection
        return self._connection, ""


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    noted: list[tuple[str, str]] = []
    monkeypatch.setattr(maillog, "failed", lambda *, stage, error: noted.append((stage, error)))
    return noted


@pytest.mark.parametrize(
    ("error", "why"), [(OSError(24, "Too many open files"), "Too many open files"), (OSError("odd"), "odd")]
)
def test_a_connection_that_cannot_be_accepted_does_not_stop_the_service(
    failures: list[tuple[str, str]], error: OSError, why: str
) -> None:
    service = ScanService(Listener(error), user_ids=[], start=started)  # type: ignore[arg-type]
    service._accept()
    assert failures == [("socket", why)]


def test_a_zygote_that_cannot_be_watched_is_ended(
    failures: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without this, it would keep running after its daemon has exited."""
    ended: list[tuple[object, ...]] = []
    monkeypatch.setattr(os, "pidfd_open", Mock(side_effect=OSError(24, "Too many open files")))
    monkeypatch.setattr(os, "kill", lambda *call: ended.append(call))
    monkeypatch.setattr(os, "waitpid", lambda *call: ended.append(call))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        service = ScanService(Listener(theirs), user_ids=[os.getuid()], start=lambda _: 4711)  # type: ignore[arg-type]
        service._accept()
        assert wire.receive(ours, timeout=30)[0] == {"error": "no zygote can be started: Too many open files"}
        assert ours.recv(1) == b"", "the connection is closed"
    assert ended == [(4711, signal.SIGKILL), (4711, 0)]
    assert failures == [("zygote", "Too many open files")]
    assert not service._served


def test_a_client_that_does_not_read_its_greeting_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_GREETING_SECONDS", 0.01)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        theirs.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                theirs.send(b"x" * 1000)
        theirs.setblocking(True)
        services._greet(theirs, {"zygote": 1})


# -- the daemon's side --------------------------------------------------------------------------------------------


def starter(path: Path, **changes: Any) -> Starter:
    return Starter(PoolSettings(rules=Path("/nonexistent"), service=path, **changes))


def test_a_daemon_gets_a_zygote_that_is_ready(path: Path) -> None:
    zygote, identifiers = starter(path).start()
    assert identifiers == {"us-ssn"}
    zygote.close()
    wait_for(lambda: is_gone(zygote.pid), "the zygote to end")


def test_a_service_that_starts_late_is_waited_for(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited = threading.Event()
    pause = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: (waited.set(), pause(seconds)))
    found: list[Any] = []
    path = directory / "scan.sock"
    thread = threading.Thread(target=lambda: found.append(starter(path).start()))
    thread.start()
    assert waited.wait(30)
    with running(path):
        thread.join()
        found[0][0].close()


def own_clock(monkeypatch: pytest.MonkeyPatch) -> tuple[list[float], list[float]]:
    """Give `start` a clock that only its pauses move; return the time, in a list of one, and the pauses."""
    clock = [100.0]
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", sleep)
    return clock, pauses


def test_a_missing_service_is_waited_for_once_and_not_for_each_message(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, pauses = own_clock(monkeypatch)
    path = directory / "scan.sock"
    one = starter(path)
    with pytest.raises(ScanError, match=r"scan\.sock: No such file or directory; the scan service does not run there"):
        one.start()
    assert 9 < sum(pauses) < 11
    pauses.clear()
    # As a service that was killed leaves it.
    sockets.listen(path, group_id=None, kind=socket.SOCK_SEQPACKET).close()
    with pytest.raises(ScanError, match="Connection refused"):
        one.start()
    assert pauses == []


def test_an_earlier_outage_that_has_ended_does_not_count(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, pauses = own_clock(monkeypatch)
    path = directory / "scan.sock"
    one = starter(path)
    other = Starter(PoolSettings(rules=Path("/nonexistent"), service=path), only_reads=True, sibling=one)
    with pytest.raises(ScanError, match="does not run there"):
        other.start()
    with contextlib.closing(sockets.listen(path, group_id=None, kind=socket.SOCK_SEQPACKET)):
        one._connected(path).close()
    clock[0] += 3600
    pauses.clear()
    with pytest.raises(ScanError, match="does not run there"):
        other.start()
    assert 9 < sum(pauses) < 11


@pytest.mark.parametrize(
    ("greeting", "output"),
    [
        ({"error": "user 7 is not one that may have mail inspected"}, "the scan service: user 7 is not one"),
        ({"zygote": "x"}, "the scan service does not answer"),
        ({}, "the scan service does not answer"),
        (None, "the scan service does not answer"),
    ],
)
def test_an_invalid_greeting_is_an_error(directory: Path, greeting: dict[str, Any] | None, output: str) -> None:
    path = directory / "scan.sock"
    with sockets.listen(path, group_id=None, kind=socket.SOCK_SEQPACKET) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                if greeting is not None:
                    wire.send(connection, greeting)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ScanError, match=output):
            starter(path).start()
        thread.join()


def test_a_daemon_uses_the_service_and_a_command_does_not(directory: Path) -> None:
    settings = Settings.model_validate({"scan": {"socket": str(directory / "scan.sock")}})
    assert PoolSettings.of(settings, (), daemon=True).service == directory / "scan.sock"
    assert PoolSettings.of(settings, ()).service is None
    off = Settings.model_validate({"scan": {"socket": ""}})
    assert PoolSettings.of(off, (), daemon=True).service is None
