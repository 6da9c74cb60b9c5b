"""The probe counts a milter as running only if it negotiates."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdgate.gate import probe


@contextmanager
def milter(listener: socket.socket, answer: bytes) -> Iterator[list[bytes]]:
    """Serve one connection: read the offer, give `answer`."""
    received: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            received.append(connection.recv(17, socket.MSG_WAITALL))
            connection.sendall(answer)
            received.append(connection.recv(5, socket.MSG_WAITALL))

    listener.listen()
    thread = threading.Thread(target=serve)
    thread.start()
    yield received
    thread.join(10)


ACCEPTED = struct.pack("!IcIII", 13, b"O", 6, 0, 0)


def test_a_milter_that_negotiates_is_alive(tmp_path: Path) -> None:
    path = tmp_path / "milter"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        with milter(listener, ACCEPTED) as received:
            assert probe.answers(f"unix:{path}")
    assert received == [struct.pack("!IcIII", 13, b"O", 6, 0x1FF, 0x1FFFFF), struct.pack("!Ic", 1, b"Q")]


def test_the_probe_reads_only_the_command_byte_of_the_response(tmp_path: Path) -> None:
    path = tmp_path / "milter"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        with milter(listener, ACCEPTED[:5]) as received:
            assert probe.answers(f"unix:{path}")
    assert received[1] == struct.pack("!Ic", 1, b"Q")  # it did not wait for the milter to close the connection


def test_a_milter_on_tcp_is_probed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, milter(listener, ACCEPTED):
        assert probe.answers(f"inet:{listener.getsockname()[1]}@127.0.0.1")


def test_listens_reports_whether_a_process_listens_on_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "milter"
    assert probe.listens(path) is False
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        assert probe.listens(path) is False, "a socket that nobody serves"
        listener.listen()
        assert probe.listens(path) is True
    assert probe.listens(path) is False, "the file of a milter that is gone"
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = server.getsockname()
        assert probe.listens(place) is True
    assert probe.listens(place) is False


def test_listens_returns_none_if_access_is_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_socket: socket.socket, _address: str) -> None:
        raise PermissionError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert probe.listens(tmp_path / "milter") is None


@pytest.mark.parametrize("answer", [b"", b"\0\0", struct.pack("!Ic", 1, b"t")])
def test_a_wrong_response_does_not_count_as_alive(
    tmp_path: Path, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "_TIMEOUT", 0.2)
    path = tmp_path / "milter"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        with milter(listener, answer):
            assert not probe.answers(f"unix:{path}")


def test_a_missing_socket_does_not_count_as_alive(tmp_path: Path) -> None:
    assert not probe.answers(f"unix:{tmp_path}/nobody")
