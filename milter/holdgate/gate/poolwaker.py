"""Wakes libmilter's thread pool, so that no session waits until another session's message has been inspected.

Debian builds libmilter with a pool of threads. It wakes an idle thread for each protocol step, but counts the thread
as idle until it runs. For two steps at the same moment it can wake the same thread, and the second step waits until
some thread is free (seen with 8.17.1; libmilter/worker.c). If the threads inspect large messages, this takes as long
as the inspections. Any new connection makes libmilter check again, and start a thread if none is idle. So while an
inspection takes longer than a moment, the milter connects to its own socket.
"""

import contextlib
import threading
import time
from collections.abc import Iterator

from holdgate.gate import probe
from holdgate.milters import Place

# Longest unnecessary wait of a session, and the minimum duration of an inspection before action, in seconds.
_MOMENT = 0.05


class PoolWaker:
    """Knows which messages are being inspected, and since when."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._begun: dict[object, float] = {}

    @contextlib.contextmanager
    def inspecting(self) -> Iterator[None]:
        """Count a message as being inspected in this thread."""
        message = object()
        with self._changed:
            self._begun[message] = time.monotonic()
            self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                del self._begun[message]

    def run(self, place: Place) -> None:
        """Connect to `place` repeatedly during long inspections; sleep when there are none. Never returns."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._begun)
            time.sleep(_MOMENT)
            if self._longest() >= _MOMENT:
                probe.listens(place)

    def _longest(self) -> float:
        """Return how long the longest current inspection has taken so far, in seconds."""
        with self._changed:
            return time.monotonic() - next(iter(self._begun.values()), float("inf"))
