"""Reads a held message of another node, or has it submit a changed one, by that node's listener (listener.py).

The other side has proved its identity by a certificate, but its answers are not trusted: form, size and time are
limited. A node that does not answer is not queried again for some seconds, so that a page or a notice does not wait
each time.
"""

import json
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from holdgate.notation import parse_address
from holdgate.phrases import reason_of
from holdgate.queue.client import HeldReader, QueueError
from holdgate.queue.mutual import CONTENT_LIMIT, NodeCertificate

# Time limits for connecting, and for a complete request, in seconds.
_CONNECT_TIMEOUT = 5.0
_TIMEOUT = 120.0
# How long a node that did not answer counts as unreachable, in seconds.
PAUSE = 5.0
_LINE_LIMIT = 16_384
_CHUNK = 2**16
_REASON_LENGTH = 300


class NodeUnreachableError(QueueError):
    """A node cannot be reached, or has another identity than expected."""


class NodeReader(HeldReader):
    """Reads the held messages of the node `name`, whose listener is at `address` ("host:port").

    Every method raises QueueError, and NodeUnreachableError if the node does not answer for any reason. Thread-safe.
    """

    def __init__(
        self,
        name: str,
        address: str,
        certificate: NodeCertificate,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._address = name, address
        self._certificate = certificate
        self._clock = clock
        self._away: tuple[float, str] | None = None

    def submit(self, incident_id: str, content: bytes) -> int:
        """Have the node submit the changed message of an incident (submitting.py).

        Return 0, or the SMTP code with which its Postfix refused the message.
        """
        request = {"do": "submit", "incident": incident_id, "size": len(content)}
        code = self._ask(request, content)[0].get("code")
        if not isinstance(code, int) or isinstance(code, bool) or not (code == 0 or 400 <= code <= 599):
            raise QueueError(f"node {self._name}: the answer has no code")
        return code

    def _ask(self, request: dict[str, Any], content: bytes | None = None) -> tuple[dict[str, Any], bytes]:
        away = self._away
        if away is not None and self._clock() < away[0]:
            raise NodeUnreachableError(away[1])
        try:
            answer, received = self._exchange(json.dumps(request).encode() + b"\n", content)
        except (OSError, ValueError, RecursionError) as error:
            reason = f"node {self._name} at {self._address} does not answer: {reason_of(error)}"
            self._away = self._clock() + PAUSE, reason
            raise NodeUnreachableError(reason) from error
        self._away = None
        if not answer.get("ok"):
            reason = "".join(one if one.isprintable() else " " for one in str(answer.get("error", "no answer")))
            raise QueueError(f"node {self._name}: {reason[:_REASON_LENGTH]}")
        return answer, received

    def _exchange(self, request: bytes, content: bytes | None) -> tuple[dict[str, Any], bytes]:
        """Return the answer and what follows it; `content` is sent once the node wants it.

        Raises OSError, and ValueError for an answer of another form.
        """
        context = self._certificate.client()
        deadline = time.monotonic() + _TIMEOUT
        with (
            socket.create_connection(parse_address(self._address), timeout=_CONNECT_TIMEOUT) as plain,
            context.wrap_socket(plain, do_handshake_on_connect=False) as peer,
        ):
            peer.do_handshake()
            if self._name not in (names := self._certificate.names_of(peer)):
                raise ssl.SSLCertVerificationError(
                    ssl.SSL_ERROR_SSL, f"the certificate is for {', '.join(names) or 'no node'}"
                )
            peer.settimeout(_CONNECT_TIMEOUT)
            peer.sendall(request)
            answer = _read(peer, deadline)
            if content is None or not answer[0].get("go"):
                return answer
            peer.settimeout(max(deadline - time.monotonic(), 0.001))
            peer.sendall(content)
            return _read(peer, deadline)


def _read(peer: ssl.SSLSocket, deadline: float) -> tuple[dict[str, Any], bytes]:
    """Read an answer. Raises OSError and ValueError."""

    def receive() -> bytes:
        peer.settimeout(max(deadline - time.monotonic(), 0.001))
        received = peer.recv(_CHUNK)
        if not received:
            raise ValueError("the answer was cut short")
        return received

    found = bytearray()
    while b"\n" not in found:
        found += receive()
        if len(found) > _LINE_LIMIT + _CHUNK:
            raise ValueError("the answer has no end")
    line, _, rest = bytes(found).partition(b"\n")
    answer = json.loads(line) if len(line) <= _LINE_LIMIT else None
    if not isinstance(answer, dict):
        raise ValueError("the answer is not one JSON object")
    size = answer.get("size", 0)
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= CONTENT_LIMIT:
        raise ValueError("the answer has no such size")
    content = bytearray(rest)
    while len(content) < size:
        content += receive()
    if len(content) != size:
        raise ValueError("the answer is longer than it says")
    return answer, bytes(content)
