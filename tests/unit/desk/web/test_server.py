"""The server itself: TLS of its own, a port that somebody else has, and a connection that is lost."""

import socket
import ssl
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest

from holdgate.desk import tokens
from holdgate.desk.context import Desk
from holdgate.desk.notices import Composer
from holdgate.desk.preview import Previewer
from holdgate.desk.templates import Templates
from holdgate.desk.web.server import WebServer
from holdgate.quarantine.states import State
from holdgate.queue.client import QueueClient
from testbed.ports import PATIENCE, free_port


def server(desk: Desk) -> WebServer:
    templates = Templates(desk.settings.desk.templates, desk.zone)
    previewer = Previewer(desk.settings, QueueClient(Path("/nonexistent")))
    return WebServer(desk, templates, previewer, Composer(desk, templates, previewer))


@pytest.fixture
def taken() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def test_a_port_that_is_taken_is_an_error_at_start(make_desk, taken) -> None:  # type: ignore[no-untyped-def]
    desk = make_desk(desk={"web": f"127.0.0.1:{taken.getsockname()[1]}"})
    with taken, pytest.raises(OSError, match="cannot listen on"), server(desk):
        pass


def test_tls_of_its_own(make_desk, tmp_path) -> None:  # type: ignore[no-untyped-def]
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
    desk = make_desk(desk={"web": f"127.0.0.1:{port}", "certificate": str(certificate), "private_key": str(key)})
    with server(desk):
        trust = ssl.create_default_context(cafile=certificate)
        answer = httpx2.get(f"https://127.0.0.1:{port}/sign-in", verify=trust, timeout=PATIENCE)
    assert answer.status_code == 200
    assert "server" not in answer.headers


@pytest.mark.parametrize("missing", [0, 5])
def test_a_form_that_a_lost_connection_cut_off_decides_nothing(make_desk, hold, missing) -> None:  # type: ignore[no-untyped-def]
    port = free_port()
    desk = make_desk(desk={"web": f"127.0.0.1:{port}"})
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
