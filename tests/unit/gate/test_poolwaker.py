"""Messages that end at the same moment are inspected at the same time, for any scheduling of libmilter's threads."""

import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdgate.gate import probe
from testbed.ports import wait_for

pytestmark = pytest.mark.slow(seconds=0.8)

# libmilter keeps two threads: more messages than these need threads that it starts when it sees them coming.
_MESSAGES = 6
# Whether two steps are seen at once is chance.
_ROUNDS = 10


@pytest.fixture
def milter(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
    path = tmp_path / "milter"
    command = [sys.executable, "-m", "tests.support.poolwaker", str(path), str(_MESSAGES)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, cwd=Path(__file__).parents[3], env=environment, stdout=subprocess.PIPE)
    try:
        wait_for(lambda: probe.listens(path), "the milter to listen")
        yield process, path
    finally:
        process.kill()
        process.wait()


def packet(data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + data


def answer(connection: socket.socket) -> bytes:
    (length,) = struct.unpack("!I", connection.recv(4, socket.MSG_WAITALL))
    return connection.recv(length, socket.MSG_WAITALL)


def connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(90)
    connection.connect(str(path))
    connection.sendall(packet(struct.pack("!cIII", b"O", 6, 0x1FF, 0x1FFFFF)))
    assert answer(connection)[:1] == b"O"
    return connection


def is_waiting(pid: int) -> bool:
    """Say whether all threads of a process wait (the state in proc_pid_stat(5))."""
    return all(
        path.read_text().rpartition(")")[2].split()[0] == "S" for path in Path(f"/proc/{pid}/task").glob("*/stat")
    )


def test_messages_that_end_together_are_inspected_in_parallel(milter: tuple["subprocess.Popen[bytes]", Path]) -> None:
    process, path = milter
    connections = [connected(path) for _ in range(_MESSAGES)]
    for _ in range(_ROUNDS):
        for connection in connections:
            connection.sendall(packet(b"M<anna@corp.example>\0") + packet(b"R<bob@partner.example>\0"))
        assert process.stdout is not None
        for _ in connections:
            assert process.stdout.readline()
        wait_for(lambda: is_waiting(process.pid), "libmilter's threads to rest")
        # While the milter is suspended, the ends of all messages arrive: libmilter then sees them together.
        process.send_signal(signal.SIGSTOP)
        for connection in connections:
            connection.sendall(packet(b"E"))
        process.send_signal(signal.SIGCONT)
        assert [answer(connection)[:1] for connection in connections] == [b"c"] * _MESSAGES
    for connection in connections:
        connection.close()
