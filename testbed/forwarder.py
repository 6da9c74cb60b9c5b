"""Accepts connections, and forwards each one to a server."""

import socket
import threading
from abc import ABC, abstractmethod
from contextlib import suppress


class Forwarder(ABC):
    """Listens in a separate thread until it is stopped."""

    @abstractmethod
    def listen(self) -> socket.socket:
        """Return the socket that clients connect to."""

    @abstractmethod
    def connect(self) -> socket.socket | None:
        """Connect to a server; return None if none answers."""

    @abstractmethod
    def forward(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what each side sends, in threads."""

    def start(self) -> None:
        """Start listening."""
        self._listener = self.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Stop; existing connections continue to their end."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = self.connect()
            if server is None:
                client.close()
            else:
                self.forward(client, server)
