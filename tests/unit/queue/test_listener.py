"""A desk reads held messages of another node over real TLS: mutual authentication, and limits."""

import contextlib
import hashlib
import json
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from holdgate.cli.authority import Authority
from holdgate.config import Settings
from holdgate.notation import format_address
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.incident import new_incident_id
from holdgate.queue import agent, listener, remote
from holdgate.queue.client import QueueClient, QueueError
from holdgate.queue.listener import NodeListener, open_listener
from holdgate.queue.mutual import Announcing, NodeCertificate, fingerprints_of
from holdgate.queue.remote import NodeReader, NodeUnreachableError
from holdgate.queue.submitting import Submitter
from testbed.ports import PATIENCE, wait_for
from tests.support.held import FOREIGN, OURS, HeldMail

NODE, DESK = "mx1.corp.example", "mx2.corp.example"
YEAR = timedelta(days=365)
# The order of the group of P-256 (FIPS 186-4, D.1.2.3).
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
FILES = ("authority", "certificate", "private_key")
MESSAGE = b"x-holdgate-incident: A\n\nbody\n"


def files_of(folder: Path) -> NodeCertificate:
    return NodeCertificate(folder / "authority.crt", folder / "node.crt", folder / "node.key", lambda _: False)


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., NodeCertificate]:
    """Make a node's files; by default those of the one authority of the site."""

    def make(name: str, authority: str = "site", ago: timedelta = timedelta(0)) -> NodeCertificate:
        now = datetime.now(UTC)
        signer = Authority.open(tmp_path / authority, now)
        folder = tmp_path / authority / f"{name}-{ago.days}"
        signer.write(folder, name, now - ago, YEAR)
        return files_of(folder)

    return make


@pytest.fixture
def queue(tmp_path: Path) -> HeldMail:
    (tmp_path / "hold").mkdir()
    return HeldMail(tmp_path / "hold")


@contextlib.contextmanager
def served(certificate: NodeCertificate, queue: HeldMail, path: Path) -> Iterator[str]:
    """Run an agent and its listener; yield the listener's address."""
    local = agent.listen(path, group_id=os.getgid())
    agent.Agent(queue, user_ids=[], reader_ids=[os.getuid()], action_header="X-Netskope-Action").serve(local)
    opened = open_listener(("127.0.0.1", 0))
    serving = threading.Thread(target=NodeListener(certificate, QueueClient(path)).serve, args=[opened])
    serving.start()
    try:
        yield format_address(opened.getsockname()[:2])
    finally:
        for one in (opened, local):
            one.shutdown(socket.SHUT_RDWR)
        serving.join(PATIENCE)
        for one in (opened, local):
            one.close()
    assert not serving.is_alive()


@pytest.fixture
def address(made: Callable[..., NodeCertificate], queue: HeldMail, tmp_path: Path) -> Iterator[str]:
    with served(made(NODE), queue, tmp_path / "queue.sock") as address:
        yield address


@pytest.fixture
def reader(made: Callable[..., NodeCertificate], address: str) -> NodeReader:
    return NodeReader(NODE, address, made(DESK))


def asked(address: str, certificate: NodeCertificate, line: bytes) -> dict[str, object]:
    """Ask the listener anything, as a peer that has proved itself."""
    host, _, port = address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), timeout=PATIENCE) as plain,
        certificate.client().wrap_socket(plain) as peer,
    ):
        peer.sendall(line)
        answer = json.loads(peer.makefile("rb").readline())
    assert isinstance(answer, dict)
    return answer


def test_a_held_message_is_read_with_its_envelope(
    reader: NodeReader, queue: HeldMail, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "holdgate"):
        assert reader.show(OURS.queue_id, OURS.arrival_time) == MESSAGE
    assert f"node={DESK}" in caplog.text
    assert reader.show(OURS.queue_id, OURS.arrival_time, header_only=True) == b"x-holdgate-incident: A\n"
    assert reader.envelope(OURS.queue_id, OURS.arrival_time) == b"sender: a@corp.example\n"
    assert reader.show("4gone", 100) is None
    assert reader.show(OURS.queue_id, 101) is None
    assert queue.acts == []


def test_mail_without_the_holdgate_mark_is_not_shown(reader: NodeReader) -> None:
    with pytest.raises(QueueError, match=rf"node {NODE}: the message does not carry our mark"):
        reader.show(FOREIGN.queue_id, FOREIGN.arrival_time)
    with pytest.raises(QueueError, match="does not carry our mark"):
        reader.show(FOREIGN.queue_id, FOREIGN.arrival_time, header_only=True)
    with pytest.raises(QueueError, match="does not carry our mark"):
        reader.envelope(FOREIGN.queue_id, FOREIGN.arrival_time)


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "list"},
        {"do": "headers", "messages": [["4ours", 100]]},
        {"do": "release", "messages": [["4ours", 100]]},
        {"do": "delete", "messages": [["4ours", 100]]},
        {"do": "show", "queue_id": "4ours", "arrival_time": True},
        {"do": "show", "queue_id": ["4ours"], "arrival_time": 100},
        {"do": "show", "queue_id": "../4ours", "arrival_time": 100},
        {"do": "show", "queue_id": "", "arrival_time": 100},
        {"do": "show", "queue_id": "4" * 100, "arrival_time": 100},
        {"do": "show", "queue_id": "4ours", "arrival_time": 100, "header_only": "yes"},
        {"do": "show", "queue_id": "4ours", "arrival_time": 100, "release": True},
        [],
    ],
    ids=str,
)
def test_only_a_request_for_one_message_is_accepted(
    made: Callable[..., NodeCertificate], address: str, queue: HeldMail, reader: NodeReader, request_: object
) -> None:
    answer = asked(address, made(DESK), json.dumps(request_).encode() + b"\n")
    assert "ok" not in answer
    assert answer["error"]
    assert queue.acts == []
    assert reader.show(OURS.queue_id, OURS.arrival_time) == MESSAGE


@pytest.mark.parametrize("line", [b"nonsense\n", b"{" + b" " * 20_000, b"[" * 5_000 + b"\n"], ids=len)
def test_an_invalid_request_line_is_refused(made: Callable[..., NodeCertificate], address: str, line: bytes) -> None:
    assert "one line of JSON" in str(asked(address, made(DESK), line)["error"])


@pytest.mark.parametrize(
    ("name", "authority", "ago"),
    [(DESK, "other", timedelta(0)), (DESK, "site", 2 * YEAR)],
    ids=["of another authority", "expired"],
)
def test_a_desk_with_an_invalid_certificate_reads_nothing(
    made: Callable[..., NodeCertificate],
    address: str,
    caplog: pytest.LogCaptureFixture,
    name: str,
    authority: str,
    ago: timedelta,
) -> None:
    certificate = made(name, authority, ago)
    trusting = NodeCertificate(made(DESK).authority, certificate.certificate, certificate.private_key, lambda _: False)
    with caplog.at_level("INFO", "holdgate"), pytest.raises(NodeUnreachableError):
        NodeReader(NODE, address, trusting).show(OURS.queue_id, OURS.arrival_time)
    assert "shown-to-node" not in caplog.text
    assert NodeReader(NODE, address, made(DESK)).show(OURS.queue_id, OURS.arrival_time) == MESSAGE


def test_a_desk_without_a_certificate_reads_nothing(address: str) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as plain, context.wrap_socket(plain) as peer:
        with contextlib.suppress(OSError):
            peer.sendall(b'{"do": "show", "queue_id": "4ours", "arrival_time": 100}\n')
        received = b""
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            received = peer.recv(1)
        assert received == b""


@pytest.mark.parametrize(
    ("name", "authority", "ago", "why"),
    [
        (DESK, "site", timedelta(0), f"does not answer: the certificate is for {DESK}$"),
        ("x.mx1.corp.example", "site", timedelta(0), "the certificate is for x.mx1"),
        ("*.corp.example", "site", timedelta(0), "the certificate is for "),
        (NODE, "other", timedelta(0), "certificate verify failed"),
        (NODE, "site", 2 * YEAR, "certificate has expired"),
    ],
    ids=["another node", "a longer name", "a wildcard", "another authority", "expired"],
)
def test_a_node_with_the_wrong_certificate_gets_no_request(
    made: Callable[..., NodeCertificate],
    queue: HeldMail,
    tmp_path: Path,
    name: str,
    authority: str,
    ago: timedelta,
    why: str,
) -> None:
    other = made(name, authority, ago)
    trusting = NodeCertificate(made(DESK).authority, other.certificate, other.private_key, lambda _: False)
    with (
        served(trusting, queue, tmp_path / "queue.sock") as address,
        pytest.raises(NodeUnreachableError, match=why),
    ):
        NodeReader(NODE, address, made(DESK)).show(OURS.queue_id, OURS.arrival_time)
    assert queue.listings == 0


def test_an_older_version_of_tls_is_refused(made: Callable[..., NodeCertificate], address: str) -> None:
    context = made(DESK).client()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


def test_a_renewed_certificate_is_used_at_once(
    made: Callable[..., NodeCertificate], queue: HeldMail, tmp_path: Path
) -> None:
    old, new = made(NODE, "site", 2 * YEAR), made(NODE)
    with served(old, queue, tmp_path / "queue.sock") as address:
        with pytest.raises(NodeUnreachableError):
            NodeReader(NODE, address, made(DESK)).show(OURS.queue_id, OURS.arrival_time)
        old.private_key.write_bytes(new.private_key.read_bytes())
        old.certificate.write_bytes(new.certificate.read_bytes())
        assert NodeReader(NODE, address, made(DESK)).show(OURS.queue_id, OURS.arrival_time) == MESSAGE


# -- revoked certificates ---------------------------------------------------------------------------------------------


def sign_otherwise(file: Path) -> None:
    """Give a certificate the other valid ECDSA signature, which needs no key: (r, n - s) in place of (r, s)."""
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    whole, signed = certificate.public_bytes(Encoding.DER), certificate.tbs_certificate_bytes
    r, s = decode_dss_signature(certificate.signature)
    algorithm = whole[whole.index(signed) + len(signed) : -len(encoded(3, b"\0" + certificate.signature))]
    other = encode_dss_signature(r, P256_ORDER - s)
    changed = encoded(0x30, signed + algorithm + encoded(3, b"\0" + other))
    assert changed != whole
    file.write_text(ssl.DER_cert_to_PEM_cert(changed))


def encoded(tag: int, content: bytes) -> bytes:
    """Return an element in DER (X.690, 8.1)."""
    size = len(content)
    length = bytes((size,)) if size < 0x80 else bytes((0x82, *size.to_bytes(2))) if size > 0xFF else bytes((0x81, size))
    return bytes((tag,)) + length + content


def key_digest(revoked: NodeCertificate) -> str:
    return fingerprints_of(revoked.certificate)[0]


def whole_digest(revoked: NodeCertificate) -> str:
    """Return what Holdgate 1.1.0 recorded."""
    return fingerprints_of(revoked.certificate)[1]


@pytest.mark.parametrize(("listed", "is_changed"), [(key_digest, False), (key_digest, True), (whole_digest, False)])
def test_a_revoked_desk_reads_nothing_and_gets_the_reason(
    made: Callable[..., NodeCertificate],
    queue: HeldMail,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    listed: Callable[[NodeCertificate], str],
    is_changed: bool,
) -> None:
    stolen, renewed = made(DESK), made(DESK, ago=timedelta(days=1))
    revoked = {listed(stolen)}
    if is_changed:
        sign_otherwise(stolen.certificate)
    checks = replace(made(NODE), is_revoked=revoked.__contains__)
    with served(checks, queue, tmp_path / "queue.sock") as address:
        with (
            caplog.at_level("INFO", "holdgate"),
            pytest.raises(QueueError, match=rf"node {NODE}: the certificate is revoked$"),
        ):
            NodeReader(NODE, address, stolen).show(OURS.queue_id, OURS.arrival_time)
        assert "shown-to-node" not in caplog.text
        assert queue.listings == 0
        wait_for(lambda: "127.0.0.1: the certificate is revoked" in caplog.text, "the line about it")
        assert NodeReader(NODE, address, renewed).show(OURS.queue_id, OURS.arrival_time) == MESSAGE


@pytest.mark.parametrize("is_changed", [False, True])
def test_a_revoked_node_gets_no_request(
    made: Callable[..., NodeCertificate], queue: HeldMail, tmp_path: Path, is_changed: bool
) -> None:
    stolen = made(NODE)
    revoked = {key_digest(stolen)}
    if is_changed:
        sign_otherwise(stolen.certificate)
    checks = replace(made(DESK), is_revoked=revoked.__contains__)
    with (
        served(stolen, queue, tmp_path / "queue.sock") as address,
        pytest.raises(NodeUnreachableError, match=r"does not answer: the certificate is revoked$"),
    ):
        NodeReader(NODE, address, checks).show(OURS.queue_id, OURS.arrival_time)
    assert queue.listings == 0


def test_no_message_is_shown_while_the_revocation_list_cannot_be_read(
    made: Callable[..., NodeCertificate], queue: HeldMail, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    is_away = True

    def look(_fingerprint: str) -> bool:
        if is_away:
            raise DatabaseError("away")
        return False

    with served(replace(made(NODE), is_revoked=look), queue, tmp_path / "queue.sock") as address:
        with pytest.raises(NodeUnreachableError):
            NodeReader(NODE, address, made(DESK)).show(OURS.queue_id, OURS.arrival_time)
        wait_for(lambda: "stage=node" in caplog.text, "the line about it")
        assert queue.listings == 0
        is_away = False
        assert NodeReader(NODE, address, made(DESK)).show(OURS.queue_id, OURS.arrival_time) == MESSAGE


def test_a_node_announces_its_certificate_and_each_new_one(made: Callable[..., NodeCertificate]) -> None:
    announced: list[tuple[str, str]] = []
    files, renewed = made(NODE), made(NODE, ago=timedelta(days=1))
    tables = {"node": {"name": NODE, **{one: str(getattr(files, one)) for one in FILES}}}
    announcing = Announcing(Settings.model_validate(tables), NODE, lambda *one: announced.append(one))
    for _ in range(2):
        announcing.run_once()
    assert announced == [(fingerprints_of(files.certificate)[0], NODE)]
    chain = renewed.certificate.read_text() + renewed.authority.read_text()
    for content in ("", "-----BEGIN CERTIFICATE-----", chain):
        files.certificate.write_text(content)
        announcing.run_once()
    assert announced[1:] == [(fingerprints_of(renewed.certificate)[0], NODE)]
    without = Announcing(Settings(), NODE, lambda *one: announced.append(one))
    without.run_once()
    assert len(announced) == 2


@pytest.mark.parametrize("algorithm", ["rsa:2048", "ed25519"])
def test_fingerprints_equal_those_of_openssl(tmp_path: Path, algorithm: str) -> None:
    file, key = tmp_path / "node.crt", tmp_path / "node.key"

    def openssl(*words: str | Path, given: bytes = b"") -> bytes:
        return subprocess.run(["openssl", *words], input=given, capture_output=True, check=True).stdout

    openssl("req", "-x509", "-newkey", algorithm, "-nodes", "-subj", "/CN=x", "-keyout", key, "-out", file)
    public = openssl("pkey", "-pubin", "-outform", "DER", given=openssl("x509", "-noout", "-pubkey", "-in", file))
    printed = openssl("x509", "-noout", "-fingerprint", "-sha256", "-in", file).decode()
    whole = printed.rpartition("=")[2].strip().replace(":", "").lower()
    assert fingerprints_of(file) == (hashlib.sha256(public).hexdigest(), whole)


@pytest.mark.parametrize("content", [b"", b"0", b"0\x03", b"0\x82\x01", b"0\x02\x05\x00", b"0\x05\x30\x03\x02\x01\x01"])
def test_a_file_that_is_not_a_certificate_is_an_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "node.crt"
    file.write_text(ssl.DER_cert_to_PEM_cert(content))
    with pytest.raises(ValueError, match="not a certificate"):
        fingerprints_of(file)


# -- changed messages -------------------------------------------------------------------------------------------------

INCIDENT = new_incident_id()


class Awaiting(Submitter):
    """Awaits the message of one incident, and answers with `code`."""

    def __init__(self) -> None:
        self.code = 0
        self.asked: list[str] = []
        self.taken: list[tuple[bytes, str]] = []

    def awaited(self, incident_id: str) -> Any:
        self.asked.append(incident_id)
        if incident_id != INCIDENT:
            raise agent.RefusedError("no changed message is awaited")

    def submit(self, incident_id: str, content: bytes, node: str) -> int:
        assert incident_id == INCIDENT
        self.taken.append((content, node))
        return self.code


@pytest.fixture
def awaiting(monkeypatch: pytest.MonkeyPatch) -> Awaiting:
    made = Awaiting()
    start: Any = NodeListener.__init__
    monkeypatch.setattr(NodeListener, "__init__", lambda self, *given: start(self, *given, made))
    return made


def test_a_changed_message_is_submitted_and_the_answer_returned(awaiting: Awaiting, reader: NodeReader) -> None:
    content = os.urandom(300_000)
    assert reader.submit(INCIDENT, content) == 0
    awaiting.code = 550
    assert reader.submit(INCIDENT, b"x") == 550
    assert awaiting.taken == [(content, DESK), (b"x", DESK)]


def test_a_message_that_is_not_awaited_is_refused_before_its_content(
    awaiting: Awaiting, made: Callable[..., NodeCertificate], address: str, reader: NodeReader
) -> None:
    other = new_incident_id()
    with pytest.raises(QueueError, match="no changed message is awaited"):
        reader.submit(other, b"x" * 100)
    assert awaiting.asked == [other]
    for request in (
        {"do": "submit"},
        {"do": "submit", "incident": "../x", "size": 1},
        {"do": "submit", "incident": [INCIDENT], "size": 1},
        {"do": "submit", "incident": INCIDENT, "size": 0},
        {"do": "submit", "incident": INCIDENT, "size": -1},
        {"do": "submit", "incident": INCIDENT, "size": True},
        {"do": "submit", "incident": INCIDENT, "size": "1"},
        {"do": "submit", "incident": INCIDENT, "size": 2**28 + 1},
        {"do": "submit", "incident": INCIDENT, "size": 1, "recipients": ["x@partner.example"]},
    ):
        answer = asked(address, made(DESK), json.dumps(request).encode() + b"\n")
        assert "ok" not in answer
        assert answer["error"]
    assert awaiting.asked == [other]
    assert awaiting.taken == []


def test_a_node_without_a_submitter_refuses_changed_messages(reader: NodeReader) -> None:
    with pytest.raises(QueueError, match="no such request"):
        reader.submit(INCIDENT, b"x")


def test_a_changed_message_that_is_cut_off_or_too_slow_is_not_submitted(
    awaiting: Awaiting,
    made: Callable[..., NodeCertificate],
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(listener, "_SEND_TIMEOUT", 0.2)
    host, _, port = address.rpartition(":")
    for is_closed in (True, False):
        caplog.clear()
        monkeypatch.setattr(listener, "_QUIET", 0.0)
        with (
            socket.create_connection((host, int(port)), timeout=PATIENCE) as plain,
            made(DESK).client().wrap_socket(plain) as peer,
        ):
            peer.sendall(json.dumps({"do": "submit", "incident": INCIDENT, "size": 1000}).encode() + b"\n")
            assert json.loads(peer.recv(1000)) == {"ok": True, "go": True}
            peer.sendall(b"x" * 999)
            if is_closed:
                with contextlib.suppress(ssl.SSLError):  # the node may close without an answer
                    peer.unwrap()
            wait_for(lambda: "stage=node" in caplog.text, "the line about it")
    assert awaiting.taken == []


@pytest.mark.parametrize("code", [None, True, "0", 250, 399, 600, -1], ids=str)
def test_an_answer_to_a_changed_message_without_a_valid_code_is_an_error(
    made: Callable[..., NodeCertificate], code: object
) -> None:
    answer = json.dumps({"ok": True, "code": code}).encode() + b"\n"
    with node_that_answers(made(NODE), answer) as address, pytest.raises(QueueError, match="the answer has no code"):
        NodeReader(NODE, address, made(DESK)).submit(INCIDENT, b"x")


@pytest.mark.parametrize("code", [0, 400, 599])
def test_the_code_of_an_acceptance_or_rejection_is_returned(made: Callable[..., NodeCertificate], code: int) -> None:
    answer = json.dumps({"ok": True, "code": code}).encode() + b"\n"
    with node_that_answers(made(NODE), answer) as address:
        assert NodeReader(NODE, address, made(DESK)).submit(INCIDENT, b"x") == code


# -- limits -----------------------------------------------------------------------------------------------------------


def test_a_silent_client_loses_only_its_own_connection(
    reader: NodeReader, address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    host, _, port = address.rpartition(":")
    with monkeypatch.context() as patch, contextlib.ExitStack() as stack:
        patch.setattr(listener, "_HANDSHAKE_TIMEOUT", 0.2)
        patch.setattr(listener, "EACH", 3)
        peers = [stack.enter_context(socket.create_connection((host, int(port)), PATIENCE)) for _ in range(4)]
        # The fourth finds no place, the others have their time; then there is room again.
        assert [peer.recv(1) for peer in peers] == [b""] * 4
    wait_for(lambda: "too many connections" in caplog.text, "the line about it")
    assert reader.show(OURS.queue_id, OURS.arrival_time) == MESSAGE


def test_a_failed_thread_start_closes_only_one_connection(
    reader: NodeReader, address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start = threading.Thread.start
    refused: list[threading.Thread] = []

    def fail_once(thread: threading.Thread) -> None:
        if not refused:
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", fail_once)
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), PATIENCE) as peer:
        assert peer.recv(1) == b""
    wait_for(lambda: "no thread is free" in caplog.text, "the line about it")
    assert reader.show(OURS.queue_id, OURS.arrival_time) == MESSAGE


def test_a_client_that_sends_slowly_is_closed_at_the_time_limit(
    made: Callable[..., NodeCertificate], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "_REQUEST_TIMEOUT", 0.3)
    host, _, port = address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), timeout=PATIENCE) as plain,
        made(DESK).client().wrap_socket(plain) as peer,
    ):
        peer.settimeout(0.05)
        deadline = time.monotonic() + PATIENCE
        answered = b""
        while not answered and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                peer.sendall(b" ")
            with contextlib.suppress(TimeoutError):
                answered = peer.recv(1000) or b"closed"
    assert answered == b"closed" or b"error" in answered


def test_a_client_that_does_not_read_is_closed_at_the_time_limit(
    made: Callable[..., NodeCertificate],
    address: str,
    queue: HeldMail,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(listener, "_SEND_TIMEOUT", 0.2)
    monkeypatch.setattr(HeldMail, "show", lambda *_, **__: b"X-Holdgate-Incident: A\n" + b"x" * 20_000_000)
    host, _, port = address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), timeout=PATIENCE) as plain,
        made(DESK).client().wrap_socket(plain) as peer,
    ):
        peer.sendall(b'{"do": "show", "queue_id": "4ours", "arrival_time": 100}\n')
        deadline = time.monotonic() + PATIENCE
        while "stage=node" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.01)
    assert "timed out" in caplog.text


# -- a node with invalid answers --------------------------------------------------------------------------------------


@contextlib.contextmanager
def node_that_answers(certificate: NodeCertificate, answer: bytes) -> Iterator[str]:
    """A node with a right certificate that answers one request with anything."""
    opened = open_listener(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            plain, _ = opened.accept()
            with plain, certificate.server().wrap_socket(plain, server_side=True) as peer:
                peer.recv(1000)
                peer.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    yield format_address(opened.getsockname()[:2])
    opened.shutdown(socket.SHUT_RDWR)
    opened.close()
    thread.join(PATIENCE)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b'{"ok": true, "size": 5}\nab',
        b'{"ok": true, "size": 1}\nab',
        b'{"ok": true, "size": -1}\n',
        b'{"ok": true, "size": true}\n',
        b'{"ok": true, "size": "5"}\nabcde',
        b'{"ok": true, "size": 99999999999999}\nabcde',
        b"[]\n",
        b"no json\n",
        b"[" * 10_000 + b"\n",
        b'{"ok": true' + b" " * 50_000 + b"}\n",
        b"x" * 200_000,
    ],
    ids=lambda answer: f"{answer[:40].decode()} {len(answer)}",
)
def test_an_answer_in_a_wrong_form_is_an_error(made: Callable[..., NodeCertificate], answer: bytes) -> None:
    with node_that_answers(made(NODE), answer) as address, pytest.raises(NodeUnreachableError, match=f"node {NODE} at"):
        NodeReader(NODE, address, made(DESK)).show("4ours", 100)


def test_the_error_of_a_node_is_shortened_to_one_printable_line(made: Callable[..., NodeCertificate]) -> None:
    answer = json.dumps({"error": "\x1b[2J\nx" * 1000}).encode() + b"\n"
    with node_that_answers(made(NODE), answer) as address, pytest.raises(QueueError) as refused:
        NodeReader(NODE, address, made(DESK)).show("4ours", 100)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 400


def test_a_silent_node_is_abandoned_at_the_time_limit(
    made: Callable[..., NodeCertificate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_CONNECT_TIMEOUT", 0.2)
    with open_listener(("127.0.0.1", 0)) as silent, pytest.raises(NodeUnreachableError, match="timed out"):
        NodeReader(NODE, format_address(silent.getsockname()[:2]), made(DESK)).show("4ours", 100)


def test_an_unreachable_node_is_not_contacted_again_at_once(made: Callable[..., NodeCertificate]) -> None:
    seconds = 0.0
    with open_listener(("127.0.0.1", 0)) as gone:
        address = format_address(gone.getsockname()[:2])
    reader = NodeReader(NODE, address, made(DESK), clock=lambda: seconds)
    with pytest.raises(NodeUnreachableError) as first:
        reader.show("4ours", 100)
    with node_that_answers(made(NODE), b'{"ok": true, "gone": true}\n') as other:
        reader._address = other
        with pytest.raises(NodeUnreachableError, match=str(first.value).rpartition(": ")[2].replace("[", r"\[")):
            reader.show("4ours", 100)
        seconds = remote.PAUSE
        assert reader.show("4ours", 100) is None


@pytest.mark.parametrize("address", ["", "nonsense", "mx1.corp.example", "mx1.corp.example:99999"])
def test_an_invalid_address_counts_as_an_unreachable_node(made: Callable[..., NodeCertificate], address: str) -> None:
    with pytest.raises(NodeUnreachableError):
        NodeReader(NODE, address, made(DESK)).show("4ours", 100)


# -- clients without TLS ----------------------------------------------------------------------------------------------


class Peers:
    """In place of a listening socket: peers that connect, errors, and the end of the listener."""

    def __init__(self, *steps: str | OSError) -> None:
        self.steps = list(steps)
        self.closed: list[str] = []

    def accept(self) -> tuple["Peers", tuple[str, int]]:
        step = self.steps.pop(0)
        if isinstance(step, OSError):
            raise step
        self.client = step
        return self, (step, 40_000)

    def close(self) -> None:
        self.closed.append(self.client)

    def fileno(self) -> int:
        return 9 if self.steps else -1

    def getsockopt(self, *_: object) -> int:
        return len(self.steps)


def never_answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let each connection that is served stay open; return the clients."""
    clients: list[str] = []

    class Thread:
        def __init__(self, *, target: object, args: list[Any], daemon: bool) -> None:
            assert daemon, "a peer must not keep the daemon from ending"
            self._client = args[1]

        def start(self) -> None:
            clients.append(self._client)

    monkeypatch.setattr(threading, "Thread", Thread)
    return clients


def test_one_address_may_have_8_connections_and_all_together_32(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = never_answers(monkeypatch)
    end = OSError("closed")
    addresses = [f"192.0.2.{number}" for number in range(5)]
    peers = Peers(*(one for one in addresses for _ in range(9)), end)
    serving = NodeListener(NodeCertificate.__new__(NodeCertificate), QueueClient(Path("/x")))
    serving.serve(peers)  # type: ignore[arg-type]
    assert clients == [one for one in addresses[:4] for _ in range(8)]
    assert peers.closed == [*addresses[:4], *[addresses[4]] * 9]
    serving._leave(addresses[0])
    late = Peers(addresses[4], addresses[4], end)
    serving.serve(late)  # type: ignore[arg-type]
    assert clients[32:] == late.closed == [addresses[4]], "a place that is left is another's"


def test_the_listener_continues_if_no_descriptor_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = never_answers(monkeypatch)
    pauses: list[float] = []
    monkeypatch.setattr(listener, "time", SimpleNamespace(sleep=pauses.append))
    full = OSError(24, "too many open files")
    peers = Peers("192.0.2.1", full, full, "192.0.2.2", OSError("closed"))
    NodeListener(NodeCertificate.__new__(NodeCertificate), QueueClient(Path("/x"))).serve(peers)  # type: ignore[arg-type]
    assert clients == ["192.0.2.1", "192.0.2.2"]
    assert len(pauses) == 2, "the processor rests meanwhile"


def test_a_refused_address_is_logged_once_per_minute_and_does_not_hide_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [100.0]
    monkeypatch.setattr(listener, "time", SimpleNamespace(monotonic=lambda: now[0]))
    serving = NodeListener(NodeCertificate.__new__(NodeCertificate), QueueClient(Path("/x")))

    def logged(*clients: str) -> int:
        caplog.clear()
        for client in clients:
            serving._refused(client, "no")
        return len(caplog.records)

    assert logged("192.0.2.1", "192.0.2.1", "192.0.2.2") == 2
    now[0] += 59
    assert logged("192.0.2.1", "192.0.2.2") == 0
    now[0] += 1
    assert logged("192.0.2.1", "192.0.2.1") == 1
    # Not even many addresses fill the log.
    assert logged(*(f"198.51.100.{number}" for number in range(99))) == listener.PLACES - 1


def test_a_client_whose_handshake_fails_can_read_the_reason() -> None:
    """Closed with unread bytes, the connection would be reset, and the alert in it lost (RFC 8446, 6.2)."""
    plain, certificate = MagicMock(), MagicMock()
    peer = certificate.server().wrap_socket().__enter__()
    peer.do_handshake.side_effect = ssl.SSLError("unknown ca")
    serving = NodeListener(certificate, QueueClient(Path("/x")))
    with pytest.raises(ssl.SSLError):
        serving._answer(plain, "192.0.2.1")
    plain.shutdown.assert_called_once_with(socket.SHUT_WR)
    plain.shutdown.side_effect = OSError("it has gone")
    with pytest.raises(ssl.SSLError):
        serving._answer(plain, "192.0.2.1")


@pytest.mark.parametrize(
    ("queue_id", "is_one"), [("4", True), ("4" * 64, True), ("4" * 65, False), ("", False), ("4/", False)]
)
def test_a_queue_id_in_a_request_has_1_to_64_letters_and_digits(queue_id: str, is_one: bool) -> None:
    request = {"do": "show", "queue_id": queue_id, "arrival_time": 100}
    if is_one:
        assert listener._asked(request) == (queue_id, 100)
    else:
        with pytest.raises(agent.RefusedError, match="queue_id: letters and digits"):
            listener._asked(request)
