"""Looks after libmilter's crew of threads, so that no session waits until another session's message has been judged.

Debian builds libmilter with a pool of threads. It wakes an idle thread for each step that comes in, but counts that
thread as idle until it really runs: for two steps at the same moment it may wake the same thread, and the second step
waits until some thread is done (seen with 8.17.1; libmilter/worker.c). While the threads judge large messages
that takes as long as these do. Anything that connects has libmilter look again, and start a thread when none is
idle. So while a message is being judged for longer than a moment, we knock at our own socket.
"""

import contextlib
import threading
import time
from collections.abc import Iterator

from holdgate.gate import probe
from holdgate.milters import Place

# What a session may wait for nothing, in seconds, and how long a message is judged before there is anything to do.
_MOMENT = 0.05


class Crew:
    """Knows which messages are being judged, and since when."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._begun: dict[object, float] = {}
        self._is_resting = False

    @contextlib.contextmanager
    def judging(self) -> Iterator[None]:
        """Count a message as being judged in this thread."""
        message = object()
        with self._changed:
            self._begun[message] = time.monotonic()
            if self._is_resting:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                del self._begun[message]

    def look_after(self, place: Place) -> None:
        """Knock at `place` while messages take their time; rest while none is being judged. This does not return."""
        while True:
            with self._changed:
                self._is_resting = True
                self._changed.wait_for(lambda: self._begun)
                self._is_resting = False
            time.sleep(_MOMENT)
            if self._longest() >= _MOMENT:
                probe.listens(place)

    def _longest(self) -> float:
        """Return for how long the message that was begun first is being judged."""
        with self._changed:
            return time.monotonic() - next(iter(self._begun.values()), float("inf"))
