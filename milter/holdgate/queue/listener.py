"""The queue agent's service for other nodes: shows a held message to a desk that has a valid certificate.

It is a process of `holdgate-queue` with the rights of the desk, to which the agent only shows messages. It accepts one
request per connection, in the agent's form, but only ``show``, and passes on the agent's answer; and ``submit``, with a
changed message whose submission the store awaits (submitting.py). Everything that a peer
sends is limited in size and time, also before it is authenticated, so that no peer blocks others.
"""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections import Counter
from typing import Any

from holdgate import maillog
from holdgate.quarantine.incident import is_incident_id
from holdgate.queue.agent import RefusedError, read_request
from holdgate.queue.client import QueueClient, QueueError
from holdgate.queue.mutual import CONTENT_LIMIT, NodeCertificate
from holdgate.queue.submitting import Submitter

# Maximum number of open connections, and of those from one address; further ones are closed.
PLACES = 32
EACH = 8
# How many messages are in memory at once.
_TURNS = 4
# Time limits for the handshake, for the request, and for a complete answer or message, in seconds.
_HANDSHAKE_TIMEOUT = 5.0
_REQUEST_TIMEOUT = 5.0
_SEND_TIMEOUT = 120.0
# Maximum wait of a request for its turn, in seconds.
_TURN_TIMEOUT = 20.0
# How many bytes are sent between two checks of the time limit.
_CHUNK = 2**16
# The same address is logged at most once in this many seconds.
_QUIET = 60.0
_KEYS = {"do", "queue_id", "arrival_time", "header_only", "envelope"}
_SUBMIT_KEYS = {"do", "incident", "size"}
_ID_LENGTH = 64


class NodeListener:
    """Serves other nodes' desks from `queue`, the local agent, and by `submitter`."""

    def __init__(self, certificate: NodeCertificate, queue: QueueClient, submitter: Submitter | None = None) -> None:
        self._certificate = certificate
        self._queue = queue
        self._submitter = submitter
        self._turns = threading.BoundedSemaphore(_TURNS)
        self._open: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._logged: dict[str, float] = {}

    def serve(self, listener: socket.socket) -> None:
        """Answer requests until the listener is closed or shut down."""
        while True:
            try:
                connection, address = listener.accept()
            except OSError:
                if listener.fileno() < 0 or not _listens(listener):
                    return
                time.sleep(0.1)  # no descriptor is free, or the peer has already disconnected
                continue
            client = str(address[0])
            if not self._enter(client):
                connection.close()
                self._refused(client, "too many connections at once")
                continue
            try:
                threading.Thread(target=self._serve_one, args=[connection, client], daemon=True).start()
            except RuntimeError:  # no thread can be started now (pids.max)
                connection.close()
                self._leave(client)
                self._refused(client, "no thread is free")

    def _serve_one(self, connection: socket.socket, client: str) -> None:
        try:
            with connection:
                self._answer(connection, client)
        except OSError as error:
            self._refused(client, str(error) or type(error).__name__)
        except Exception as error:  # one bad request must not end the service
            maillog.failed(stage="node", error=maillog.describe(error))
        finally:
            self._leave(client)

    def _leave(self, client: str) -> None:
        with self._lock:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]

    def _enter(self, client: str) -> bool:
        with self._lock:
            if self._open.total() >= PLACES or self._open[client] >= EACH:
                return False
            self._open[client] += 1
            return True

    def _answer(self, plain: socket.socket, client: str) -> None:
        """Serve one connection. Raises OSError."""
        plain.settimeout(_HANDSHAKE_TIMEOUT)
        with self._certificate.server().wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as peer:
            try:
                peer.do_handshake()  # the time-out applies to all of it
            except ssl.SSLError:
                # So that the peer sees the reason (RFC 8446, 6.2): with unread bytes, a close would reset the
                # connection.
                with contextlib.suppress(OSError):
                    plain.shutdown(socket.SHUT_WR)
                raise
            node, content = "", b""
            try:
                request = read_request(peer, _REQUEST_TIMEOUT)
                node = ", ".join(self._certificate.names_of(peer))
                if request.get("do") == "submit":
                    answer = self._receive_changed(peer, request, node)
                else:
                    answer, content = self._carry_out(request, node)
            except RefusedError as error:
                answer = {"error": str(error)}
            except ssl.SSLCertVerificationError as error:  # a revoked certificate
                self._refused(client, str(error))
                answer = {"error": str(error)}
            except QueueError as error:
                answer = {"error": str(error)}
                maillog.failed(stage="node", error=f"{client} ({node}): {error}")
            _send(peer, json.dumps(answer).encode() + b"\n" + content)

    def _carry_out(self, request: dict[str, Any], node: str) -> tuple[dict[str, Any], bytes]:
        queue_id, arrival_time = _asked(request)
        if not self._turns.acquire(timeout=_TURN_TIMEOUT):
            raise RefusedError("too many requests at once; try later")
        try:
            if request.get("envelope"):
                content = self._queue.envelope(queue_id, arrival_time)
            else:
                content = self._queue.show(queue_id, arrival_time, header_only=bool(request.get("header_only")))
        finally:
            self._turns.release()
        if content is None:
            return {"ok": True, "gone": True}, b""
        what = "envelope" if request.get("envelope") else "header" if request.get("header_only") else "message"
        maillog.shown_to_node(queue_id, node=node, what=what)
        return {"ok": True, "size": len(content)}, content

    def _receive_changed(self, peer: ssl.SSLSocket, request: dict[str, Any], node: str) -> dict[str, Any]:
        """Receive a changed message, and submit it. Nothing is received that is not awaited. Raises OSError too."""
        incident_id, size = _offered(request)
        if self._submitter is None:
            raise RefusedError("no such request")
        self._submitter.awaited(incident_id)
        if not self._turns.acquire(timeout=_TURN_TIMEOUT):
            raise RefusedError("too many requests at once; try later")
        try:
            _send(peer, b'{"ok": true, "go": true}\n')
            code = self._submitter.submit(incident_id, _receive(peer, size), node)
        finally:
            self._turns.release()
        return {"ok": True, "code": code}

    def _refused(self, client: str, why: str) -> None:
        """Log why a peer was not served, at a limited rate for each address, because anyone can connect."""
        now = time.monotonic()
        with self._lock:
            self._logged = {one: at for one, at in self._logged.items() if now - at < _QUIET}
            if client in self._logged or len(self._logged) >= PLACES:
                return
            self._logged[client] = now
        maillog.failed(stage="node", error=f"{client}: {why}")


def open_listener(address: tuple[str, int]) -> socket.socket:
    """Return a socket that listens on host and port. Raises OSError."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    return socket.create_server(address, family=family, backlog=PLACES)


def _asked(request: dict[str, Any]) -> tuple[str, int]:
    """Return the key of the message that is requested. Raises RefusedError."""
    queue_id, arrival_time = request.get("queue_id"), request.get("arrival_time")
    flags = [request.get(name, False) for name in ("header_only", "envelope")]
    if request.get("do") != "show" or not request.keys() <= _KEYS or not all(isinstance(one, bool) for one in flags):
        raise RefusedError("no such request")
    if not isinstance(queue_id, str) or not 0 < len(queue_id) <= _ID_LENGTH or not queue_id.isalnum():
        raise RefusedError("queue_id: letters and digits")
    if not isinstance(arrival_time, int) or isinstance(arrival_time, bool):
        raise RefusedError("arrival_time: seconds since the epoch")
    return queue_id, arrival_time


def _offered(request: dict[str, Any]) -> tuple[str, int]:
    """Return the incident whose changed message is offered, and its size in bytes. Raises RefusedError."""
    incident_id, size = request.get("incident"), request.get("size")
    if not request.keys() <= _SUBMIT_KEYS:
        raise RefusedError("no such request")
    if not isinstance(incident_id, str) or not is_incident_id(incident_id):
        raise RefusedError("incident: the id of an incident")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= CONTENT_LIMIT:
        raise RefusedError(f"size: 1 to {CONTENT_LIMIT} bytes")
    return incident_id, size


def _receive(peer: ssl.SSLSocket, size: int) -> bytes:
    """Receive so many bytes within the time limit, however slowly the peer sends. Raises OSError."""
    deadline = time.monotonic() + _SEND_TIMEOUT
    content = bytearray()
    while len(content) < size:
        peer.settimeout(max(deadline - time.monotonic(), 0.001))
        received = peer.recv(min(_CHUNK, size - len(content)))
        if not received:
            raise ConnectionError("the message was cut short")
        content += received
    return bytes(content)


def _send(peer: ssl.SSLSocket, content: bytes) -> None:
    """Send everything within the time limit, however slowly the peer reads. Raises OSError."""
    deadline = time.monotonic() + _SEND_TIMEOUT
    rest = memoryview(content)
    while rest:
        peer.settimeout(max(deadline - time.monotonic(), 0.001))
        rest = rest[peer.send(rest[:_CHUNK]) :]


def _listens(listener: socket.socket) -> bool:
    try:
        return bool(listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return False
