"""The desk's loops: each kind of work has its own thread, so that none waits for another.

If the store signals new work (quarantine/signals.py), the desk need not check each second.
A relay that is silent for a minute per mail delays mail, but no deadline; a message that takes long to read delays its
own request only. Errors of one pass are logged, and the next pass follows.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from holdgate import maillog, metrics
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.signals import Listener, Waker

# Minimum time between two passes in seconds, however often the store signals.
_MIN_PAUSE = 0.1


@dataclass(slots=True)
class Loop:
    """A pass that runs every `interval` seconds. With `wakes_on_signal`, a signal wakes it, and it runs rarely else.

    `run` gets the time, and returns whether it could do its work, whatever happened to single items. If it could not
    for `unhealthy_after` seconds, or does not return, the desk is unhealthy.
    """

    name: str
    run: Callable[[datetime], bool]
    interval: float
    unhealthy_after: float = 300.0
    wakes_on_signal: bool = False
    succeeded_at: float = field(default_factory=time.monotonic)

    def once(self) -> None:
        """Run one pass."""
        try:
            if self.run(datetime.now(UTC)):
                self.succeeded_at = time.monotonic()
        except DatabaseError as error:
            metrics.ERRORS.labels("store").inc()
            maillog.failed(stage="store", error=f"{self.name}: {maillog.describe(error)}")
        except Exception as error:  # the loop continues after any exception
            metrics.ERRORS.labels("desk").inc()
            maillog.failed(stage="desk", error=f"{self.name}: {maillog.describe(error)}")

    def is_healthy(self) -> bool:
        """Return whether a pass could do its work within `unhealthy_after`."""
        return time.monotonic() - self.succeeded_at < self.interval + self.unhealthy_after


class Loops:
    """Runs loops in threads from `start` to `close`."""

    def __init__(self, loops: Sequence[Loop], listener: Listener | None = None) -> None:
        self._loops = loops
        self._stop = threading.Event()
        self._listener = listener
        self._wakers = [Waker() if listener is None or not loop.wakes_on_signal else listener.waker() for loop in loops]
        self._threads = [
            threading.Thread(target=self._run_loop, args=[loop, waker], name=loop.name, daemon=True)
            for loop, waker in zip(loops, self._wakers, strict=True)
        ]

    def start(self) -> None:
        """Start with one pass of each."""
        for thread in self._threads:
            thread.start()

    def close(self, seconds: float = 5.0) -> None:
        """Stop after the current passes, but wait at most `seconds`: each step can be interrupted."""
        self._stop.set()
        for waker in self._wakers:
            waker.wake()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(deadline - time.monotonic(), 0))

    def unhealthy(self) -> list[str]:
        """Return the names of unhealthy loops."""
        return [loop.name for loop in self._loops if not loop.is_healthy()]

    def _run_loop(self, loop: Loop, waker: Waker) -> None:
        min_pause = min(_MIN_PAUSE, loop.interval)
        while not self._stop.is_set():
            loop.once()
            done = time.monotonic()
            if waker.wait(self._pause(loop)):
                self._stop.wait(max(done + min_pause - time.monotonic(), 0))

    def _pause(self, loop: Loop) -> float:
        if self._listener is None or not loop.wakes_on_signal:
            return loop.interval
        return self._listener.pause(loop.interval)
