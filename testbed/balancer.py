"""A load balancer in front of the pages: passes each connection to the next desk, for every visitor."""

import socket
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle

from testbed.forwarder import Forwarder
from testbed.ports import LOOPBACK

_CHUNK = 65536
_TIMEOUT = 60.0


class Balancer(Forwarder):
    """Listens on a loopback port and forwards to servers on other ports; `served` counts the connections of each."""

    def __init__(self, port: int, targets: Sequence[int]) -> None:
        self.port = port
        self.served: Counter[int] = Counter()
        self._targets = cycle(targets)
        self._count = len(targets)

    def listen(self) -> socket.socket:
        """Return the socket that clients connect to."""
        return socket.create_server((LOOPBACK, self.port))

    def forward(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what each side sends."""
        for pair in ((client, server), (server, client)):
            threading.Thread(target=_forward, args=pair, daemon=True).start()

    def connect(self) -> socket.socket | None:
        """Connect to the next server that answers."""
        for _ in range(self._count):
            port = next(self._targets)
            with suppress(OSError):
                server = socket.create_connection((LOOPBACK, port), timeout=_TIMEOUT)
                self.served[port] += 1
                return server
        return None


def _forward(source: socket.socket, target: socket.socket) -> None:
    source.settimeout(_TIMEOUT)
    with suppress(OSError):
        while received := source.recv(_CHUNK):
            target.sendall(received)
    for one, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
        with suppress(OSError):
            one.shutdown(how)
