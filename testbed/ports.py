"""Free TCP ports of the loopback interface, and waiting for conditions."""

import itertools
import socket
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")

LOOPBACK = "127.0.0.1"

# Maximum wait for any condition, in seconds: long enough for a busy machine.
PATIENCE = 90.0

# Below the kernel's ports for outgoing connections (net.ipv4.ip_local_port_range), in blocks.
_PORTS = range(10_240, 32_740)
_BLOCK = 100


def _ports_of_our_own() -> Iterator[int]:
    """Yield the ports of a block that no other process of the tests uses, repeatedly.

    A process reserves its block by an abstract unix socket, which the kernel releases when the process ends.
    """
    for first in _PORTS[::_BLOCK]:
        with socket.socket(socket.AF_UNIX) as reservation:
            try:
                reservation.bind(f"\0holdgate-testbed-ports-{first}")
            except OSError:
                continue
            yield from itertools.cycle(range(first, first + _BLOCK))


_ports = _ports_of_our_own()


def free_port() -> int:
    """Return a port that nothing listens on, and that this function returns again only after a hundred others."""
    return next(port for port in _ports if is_free(port))


def is_free(port: int) -> bool:
    """Return whether a loopback port can be bound now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def is_listening(port: int) -> bool:
    """Return whether something accepts connections on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def wait_for(condition: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """Return the first true value of `condition`; raise TimeoutError with `what` if there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.02)
