"""The server: TLS, a port in use, and a lost connection."""

import re
import socket
import ssl
import subprocess
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest

from holdgate.desk import moderation, tokens
from holdgate.desk.context import Desk
from holdgate.desk.notices import Composer
from holdgate.desk.preview import Previewer, UnreadableError
from holdgate.desk.web import connections, reading
from holdgate.desk.web.server import WebServer
from holdgate.quarantine.states import State
from holdgate.quarantine.store import StoreError
from holdgate.queue.client import QueueClient
from testbed.ports import PATIENCE, free_port
from tests.support.desks import templates_of
from tests.unit.desk.conftest import Hold, MakeDesk


def server(desk: Desk) -> WebServer:
    templates = templates_of(desk)
    previewer = Previewer(desk.settings, QueueClient(Path("/nonexistent")))
    return WebServer(desk, templates, previewer, Composer(desk, templates, previewer))


@pytest.fixture
def taken() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def test_a_port_in_use_is_an_error_at_the_start(make_desk: MakeDesk, taken: socket.socket) -> None:
    desk = make_desk(desk={"web_listen": f"127.0.0.1:{taken.getsockname()[1]}"})
    with taken, pytest.raises(OSError, match="cannot listen on"), server(desk):
        pass


def test_the_server_can_use_tls_itself(make_desk: MakeDesk, tmp_path: Path) -> None:
    port = free_port()
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "1",
    ]
    names = ["-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    desk = make_desk(desk={"web_listen": f"127.0.0.1:{port}", "certificate": str(certificate), "private_key": str(key)})
    with server(desk):
        trust = ssl.create_default_context(cafile=certificate)
        answer = httpx2.get(f"https://127.0.0.1:{port}/sign-in", verify=trust, timeout=PATIENCE)
    assert answer.status_code == 200
    assert "server" not in answer.headers


@pytest.mark.parametrize("missing", [0, 5])
def test_a_form_that_a_lost_connection_cut_off_decides_nothing(make_desk: MakeDesk, hold: Hold, missing: int) -> None:
    port = free_port()
    desk = make_desk(desk={"web_listen": f"127.0.0.1:{port}"})
    incident = hold(desk)
    token = desk.key.token(
        tokens.LINK, incident.id, 1, "boss@corp.example", desk.store.requests.by_number(1).deadline_at
    )
    with server(desk):
        opened = httpx2.get(f"http://127.0.0.1:{port}/t/{token}", timeout=PATIENCE)
        cookie = opened.headers["set-cookie"].partition(";")[0]
        stamp = desk.key.stamp("boss@corp.example", f"decision {incident.id}")
        body = urlencode({"stamp": stamp, "decision": "approve", "comment": "not"}).encode()
        head = (
            f"POST /incidents/{incident.id}/decision HTTP/1.1\r\nHost: approve.corp.example\r\nCookie: {cookie}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body) + missing}\r\n"
            "Connection: close\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            connection.sendall(head.encode() + body)
            if missing:
                connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
    # The server has ended, and all that it was at.
    decided = desk.store.incident(incident.id).state
    assert (decided, answer[:12]) == ((State.HELD, b"") if missing else (State.APPROVED, b"HTTP/1.1 303"))


def test_a_failure_after_a_page_was_sent_does_not_end_the_connection(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With a full disk, a page was shown, and the form on it got no response: the connection was closed."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    desk = make_desk(desk={"web_listen": f"127.0.0.1:{port}", "public_url": base})
    request = moderation.request_of(desk, hold(desk), "boss@corp.example")
    assert request is not None

    def full(*_: object) -> None:
        raise StoreError("OperationalError")

    monkeypatch.setattr(desk.store.requests, "opened", full)
    templates = templates_of(desk)
    previewer = Previewer(desk.settings, QueueClient(Path("/nonexistent")))
    link = Composer(desk, templates, previewer).link(request, tokens.LINK)
    transport = httpx2.HTTPTransport(limits=httpx2.Limits(max_connections=1))
    with server(desk), httpx2.Client(transport=transport, follow_redirects=True, timeout=PATIENCE) as client:
        for _ in range(3):
            assert "May this message go out?" in client.get(link).text
    assert "failed: stage=page error=StoreError" in caplog.text


def test_messages_that_take_long_to_read_do_not_block_other_pages(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of 40 threads waited for a message, so that no other page was served."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    desk = make_desk(desk={"web_listen": f"127.0.0.1:{port}", "public_url": base})
    incident = hold(desk)
    go_on, begun = threading.Event(), threading.Semaphore(0)

    def slow(*_: object, **__: object) -> object:
        begun.release()
        go_on.wait(PATIENCE)
        raise UnreadableError("agent", "the queue agent does not answer")

    monkeypatch.setattr(Previewer, "read", slow)
    # All requests are of one client, and may come before the first one is read.
    monkeypatch.setattr(connections, "EACH", 100)
    token = desk.key.token(
        tokens.LINK, incident.id, 1, "boss@corp.example", desk.store.requests.by_number(1).deadline_at
    )
    with ExitStack() as stack:
        stack.enter_context(server(desk))
        stack.callback(go_on.set)
        cookie = httpx2.get(f"{base}/t/{token}", timeout=PATIENCE).headers["set-cookie"].partition(";")[0]
        request = f"GET /incidents/{incident.id}/text HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n".encode()
        waiting = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(45)]
        for connection in waiting:
            connection.sendall(request)
        for _ in range(reading.AT_ONCE):
            assert begun.acquire(timeout=PATIENCE)
        assert httpx2.get(f"{base}/sign-in", timeout=PATIENCE / 2).status_code == 200
        assert not begun.acquire(blocking=False)
        go_on.set()
        for connection in waiting:
            connection.settimeout(PATIENCE)
            assert connection.recv(12) == b"HTTP/1.1 503"


def test_half_open_requests_do_not_block_other_clients(make_desk: MakeDesk) -> None:
    port = free_port()
    desk = make_desk(desk={"web_listen": f"127.0.0.1:{port}"})
    with ExitStack() as stack:
        stack.enter_context(server(desk))
        silent = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(210)]
        for connection in silent:
            with suppress(OSError):
                connection.sendall(b"GET /sign-in HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert httpx2.get(f"http://127.0.0.1:{port}/sign-in", timeout=PATIENCE).status_code == 200
        # The oldest connections were closed; the newest still wait for their request.
        assert _is_ended(silent[0])
        silent[-1].sendall(b"y\r\nConnection: close\r\n\r\n")
        silent[-1].settimeout(PATIENCE)
        assert silent[-1].recv(12) == b"HTTP/1.1 200"


def test_requests_with_an_unfinished_body_do_not_block_other_clients(make_desk) -> None:  # type: ignore[no-untyped-def]
    """One client with 800 of them had all connections, and everyone else got 503."""
    port = free_port()
    desk = make_desk(desk={"web_listen": f"127.0.0.1:{port}"})
    head = b"POST /sign-in HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\n"
    with ExitStack() as stack:
        stack.enter_context(server(desk))
        silent = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(210)]
        for connection in silent:
            with suppress(OSError):
                connection.sendall(head + b"a=")
        assert httpx2.get(f"http://127.0.0.1:{port}/sign-in", timeout=PATIENCE).status_code == 200
        assert _is_ended(silent[0])
        # The newest can still complete their requests.
        silent[-1].sendall(b"b")
        silent[-1].settimeout(PATIENCE)
        assert silent[-1].recv(12) == b"HTTP/1.1 422"


def test_an_unfinished_body_is_closed_at_the_time_limit(make_desk, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.2)
    port = free_port()
    desk = make_desk(desk={"web_listen": f"127.0.0.1:{port}"})
    with server(desk), socket.create_connection(("127.0.0.1", port)) as silent:
        silent.sendall(b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na=")
        assert _is_ended(silent)


def _is_ended(connection: socket.socket) -> bool:
    connection.settimeout(PATIENCE)
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_an_incomplete_request_is_closed_at_the_time_limit(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    port = free_port()
    desk = make_desk(desk={"web_listen": f"127.0.0.1:{port}"})
    with server(desk), socket.create_connection(("127.0.0.1", port)) as silent:
        silent.sendall(b"GET /sign-in HTTP/1.1\r\n")
        assert _is_ended(silent)


def test_a_second_request_hidden_by_two_lengths_is_not_served(make_desk: MakeDesk) -> None:
    port = free_port()
    desk = make_desk(desk={"web_listen": f"127.0.0.1:{port}"})
    hidden = b"GET /style.css HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    head = b"POST /sign-in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"

    def statuses(request: bytes) -> list[bytes]:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            connection.sendall(request)
            return re.findall(rb"HTTP/1.1 (\d+)", b"".join(iter(lambda: connection.recv(4096), b"")))

    with server(desk):
        assert statuses(head + b"Content-Length: %d\r\n\r\n0\r\n\r\n" % (5 + len(hidden)) + hidden) == [b"400"]
        # The near miss: two requests of one client in one connection.
        assert statuses(head + b"\r\n0\r\n\r\n" + hidden) == [b"422", b"200"]


def test_an_ipv6_client_counts_as_its_network() -> None:
    assert connections.client_of("2001:db8:1:2:3::4") == connections.client_of("2001:db8:1:2::5") == "2001:db8:1:2::/64"
    assert connections.client_of("192.0.2.1") != connections.client_of("192.0.2.2")
    assert connections.client_of("") == ""
