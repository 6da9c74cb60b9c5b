"""Prevents idle connections from blocking others: limits their number and their time.

A connection is waiting until it has sent a complete request, with its body. The oldest waiting connection of the same
client is closed for a new one, so a client that opens many and sends nothing closes only its own.
"""

import asyncio
import ipaddress
from collections.abc import Callable
from email.utils import formatdate

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# Time limit for a request header, and for an idle connection between two requests, in seconds.
HEAD_SECONDS = 10.0
# Time limit for the body of a request, in seconds; the guard responds to a POST request before that.
BODY_SECONDS = 40.0
# How many connections of one client can wait at once, and how many altogether.
EACH = 40
ALL = 400


def bounded(is_proxy: Callable[[str], bool]) -> type[H11Protocol]:
    """Return uvicorn's protocol with these limits, for one server; all people behind a proxy are one client."""
    # The oldest first: the client of each, and the function that closes it.
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
        _is_in_body = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait(in_body=False)

        def data_received(self, data: bytes) -> None:
            # A server that sleeps without requests does not update the date for its responses (RFC 9110, 6.6.1).
            date = formatdate(usegmt=True).encode()
            self.server_state.default_headers = [(b"date", date), *self.config.encoded_headers]
            super().data_received(data)
            self._look()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._look()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_timer()
            super().connection_lost(exc)

        def drop(self) -> None:
            """Close the connection at once."""
            self._stop_timer()
            self.transport.abort()

        def _look(self) -> None:
            is_served = self.cycle is not None and not self.cycle.response_complete
            in_body = is_served and self.conn.their_state is h11.SEND_BODY
            if is_served and not in_body:
                self._stop_timer()
            elif not self.transport.is_closing():
                self._wait(in_body=in_body)

        def _wait(self, *, in_body: bool) -> None:
            if self in waiting and self._is_in_body is in_body:
                return
            client = client_of(self.client[0] if self.client else "")
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.loop.call_later(BODY_SECONDS if in_body else HEAD_SECONDS, self.drop)
            self._is_in_body = in_body
            if self not in waiting:
                waiting[self] = (client, self.drop)
                make_room(client)

        def _stop_timer(self) -> None:
            waiting.pop(self, None)
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return Bounded


def client_of(address: str) -> str:
    """Return the client of an address: for IPv6 the network that one customer has (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))
