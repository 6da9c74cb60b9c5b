"""Keeps connections that ask for nothing from locking others out: bounds their number and their time.

A connection waits while no whole request header has come by it. Of those that wait the oldest of the same client makes
room for a new one, so that whoever opens many and sends nothing ends only their own.
"""

import asyncio
import ipaddress
from collections.abc import Callable
from email.utils import formatdate

from uvicorn.protocols.http.h11_impl import H11Protocol

# How long a request header may take, and a connection stay idle between two requests, in seconds.
HEAD_SECONDS = 10.0
# How many connections of one client may wait at once, and how many altogether.
EACH = 40
ALL = 400


def bounded(is_proxy: Callable[[str], bool]) -> type[H11Protocol]:
    """Return uvicorn's protocol with these bounds, for one server; behind a proxy many people are one client."""
    # The oldest first: whose each is, and how it is ended.
    waiting: dict[H11Protocol, tuple[str, Callable[[], None]]] = {}

    def make_room(client: str) -> None:
        own = [drop for whose, drop in waiting.values() if whose == client]
        if len(own) > EACH and not is_proxy(client):
            own[0]()
        elif len(waiting) > ALL:
            _, drop = next(iter(waiting.values()))
            drop()

    class Bounded(H11Protocol):
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            # A server that sleeps while nobody asks does not keep the date for its responses (RFC 9110, 6.6.1).
            date = formatdate(usegmt=True).encode()
            self.server_state.default_headers = [(b"date", date), *self.config.encoded_headers]
            super().data_received(data)
            self._look()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._look()

        def connection_lost(self, exc: Exception | None) -> None:
            self._cease()
            super().connection_lost(exc)

        def drop(self) -> None:
            """End the connection at once."""
            self._cease()
            self.transport.abort()

        def _look(self) -> None:
            if self.cycle is not None and not self.cycle.response_complete:
                self._cease()
            elif not self.transport.is_closing():
                self._wait()

        def _wait(self) -> None:
            if self in waiting:
                return
            client = client_of(self.client[0] if self.client else "")
            waiting[self] = (client, self.drop)
            self._timer = self.loop.call_later(HEAD_SECONDS, self.drop)
            make_room(client)

        def _cease(self) -> None:
            waiting.pop(self, None)
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return Bounded


def client_of(address: str) -> str:
    """Return whose an address is: of IPv6 the network that one customer has (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))
