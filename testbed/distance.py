"""The distance to another data centre: passes the connections to a PostgreSQL on, each byte later by a fixed time."""

import queue
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

from testbed.forwarder import Forwarder

_SOCKET = ".s.PGSQL.5432"
_CHUNK = 1 << 20


class Distance(Forwarder):
    """Listens in its own `directory` for clients of the server in another one; `delay` is in seconds, each way.

    There is no limit on the data in transit.
    """

    def __init__(self, directory: Path, server: Path, delay: float) -> None:
        self.directory = directory
        self._server = str(server / _SOCKET)
        self._delay = delay

    def listen(self) -> socket.socket:
        """Return the socket that clients connect to."""
        self.directory.mkdir()
        self.directory.chmod(0o755)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.directory / _SOCKET))
        (self.directory / _SOCKET).chmod(0o777)
        listener.listen()
        return listener

    def connect(self) -> socket.socket | None:
        """Connect to the server."""
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self._server)
        except OSError:
            server.close()
            return None
        return server

    def forward(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what each side sends, later."""
        for source, target in ((client, server), (server, client)):
            on_its_way: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
            threading.Thread(target=self._send, args=(source, on_its_way), daemon=True).start()
            threading.Thread(target=_arrive, args=(on_its_way, target), daemon=True).start()

    def _send(self, source: socket.socket, on_its_way: "queue.SimpleQueue[tuple[float, bytes]]") -> None:
        """Read what one side sends, until it ends."""
        content = b"-"
        while content:
            try:
                content = source.recv(_CHUNK)
            except OSError:
                content = b""
            on_its_way.put((time.monotonic() + self._delay, content))


def _arrive(on_its_way: "queue.SimpleQueue[tuple[float, bytes]]", target: socket.socket) -> None:
    """Give it to the other side when it is due."""
    while True:
        due, content = on_its_way.get()
        time.sleep(max(0.0, due - time.monotonic()))
        with suppress(OSError):
            if not content:
                target.shutdown(socket.SHUT_RDWR)
                return
            target.sendall(content)
