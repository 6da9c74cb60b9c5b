"""Which local user delivers by LMTP."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdgate.desk import peer

NOBODY = 65534


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def connected(
    server: socket.socket, uid: int | None, source: tuple[str, int] | None = None
) -> tuple[tuple[str, int], socket.socket]:
    """Connect from another process as a user; return the peer's address and the local socket."""
    child = os.fork()
    if not child:
        try:
            if uid is not None:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                client.bind(source or ("", 0))
                client.connect(server.getsockname())
                client.recv(1)
        finally:
            os._exit(0)
    connection, address = server.accept()
    return address, connection


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="changes its user")
def test_another_user_must_not_deliver(listener: socket.socket, tmp_path: Path) -> None:
    own = listener.getsockname()
    address, connection = connected(listener, NOBODY)
    with connection:
        assert peer.user_of(address, own) == NOBODY
        assert not peer.may_deliver(address, own, tmp_path)
    os.wait()
    address, connection = connected(listener, None)
    with connection:
        assert peer.user_of(address, own) == os.geteuid()
        assert peer.may_deliver(address, own, tmp_path)
    os.wait()


def test_an_unknown_connection_has_no_user(tmp_path: Path) -> None:
    assert peer.user_of(("127.0.0.1", 1), ("127.0.0.1", 1)) is None
    assert not peer.may_deliver(("127.0.0.1", 1), ("127.0.0.1", 1), tmp_path)
    assert peer.may_deliver(("192.0.2.1", 1), ("192.0.2.2", 1), tmp_path)
    assert not peer.may_deliver("", ("127.0.0.1", 1), tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="changes its user")
def test_a_closed_connection_is_not_attributed_to_root(listener: socket.socket, tmp_path: Path) -> None:
    """The kernel shows an end without a process as root's; the data sent before can still be read."""
    own = listener.getsockname()
    address, connection = connected(listener, NOBODY)
    with connection:
        connection.sendall(b"x")
        os.wait()
        assert peer.user_of(address, own) is None
        assert not peer.may_deliver(address, own, tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="changes its user")
def test_another_connection_from_the_same_port_does_not_count(listener: socket.socket, tmp_path: Path) -> None:
    own = listener.getsockname()
    with socket.socket() as other:
        other.bind(("127.0.0.2", own[1]))
        other.listen()
        address, first = connected(other, None)
        with first:
            _, connection = connected(listener, NOBODY, address)
            with connection:
                assert peer.user_of(address, other.getsockname()) == os.geteuid()
                assert peer.user_of(address, own) == NOBODY
                assert not peer.may_deliver(address, own, tmp_path)
    for _ in range(2):
        os.wait()
