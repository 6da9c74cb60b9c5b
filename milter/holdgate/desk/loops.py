"""The desk's clocks: each kind of work has a thread of its own, so that none waits for another.

Where the store rings for new work (quarantine/bell.py), it need not be looked for each second.
A relay that is silent for a minute at each mail holds up mail, and no deadline; a message that takes long to read holds
up its own request. What one pass meets with is logged, and the next one comes.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from holdgate import maillog, metrics
from holdgate.quarantine.bell import REST, Listener, Waker
from holdgate.quarantine.database import DatabaseError

# A pass begins so long after the one before at the earliest, however often it rings, in seconds.
_BREATH = 0.1


@dataclass(slots=True)
class Loop:
    """A pass that is made each `interval` seconds, or, with `is_rung`, when the store rings, and seldom otherwise.

    `run` gets the time, and says whether it could do its work, whatever single items met with. Where it could not for
    `patience` seconds, or does not come to its end, the desk is not well.
    """

    name: str
    run: Callable[[datetime], bool]
    interval: float
    patience: float = 300.0
    is_rung: bool = False
    well_at: float = field(default_factory=time.monotonic)

    def once(self) -> None:
        """Make one pass."""
        try:
            if self.run(datetime.now(UTC)):
                self.well_at = time.monotonic()
        except DatabaseError as error:
            metrics.ERRORS.labels("store").inc()
            maillog.failed(stage="store", error=f"{self.name}: {maillog.describe(error)}")
        except Exception as error:  # the loop goes on whatever it is
            metrics.ERRORS.labels("desk").inc()
            maillog.failed(stage="desk", error=f"{self.name}: {maillog.describe(error)}")

    def is_well(self) -> bool:
        """Say whether a pass could do its work within `patience`."""
        return time.monotonic() - self.well_at < self.interval + self.patience


class Loops:
    """Runs loops in threads from `start` to `close`."""

    def __init__(self, loops: Sequence[Loop], listener: Listener | None = None) -> None:
        self._loops = loops
        self._stop = threading.Event()
        self._listener = listener
        self._wakers = [Waker() if listener is None or not loop.is_rung else listener.waker() for loop in loops]
        self._threads = [
            threading.Thread(target=self._go, args=[loop, waker], name=loop.name, daemon=True)
            for loop, waker in zip(loops, self._wakers, strict=True)
        ]

    def start(self) -> None:
        """Begin with a pass of each."""
        for thread in self._threads:
            thread.start()

    def close(self, seconds: float = 5.0) -> None:
        """End after the passes under way, but wait for them no longer than `seconds`: each step may be cut short."""
        self._stop.set()
        for waker in self._wakers:
            waker.wake()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(deadline - time.monotonic(), 0))

    def ailing(self) -> list[str]:
        """Name the loops that are not well."""
        return [loop.name for loop in self._loops if not loop.is_well()]

    def _go(self, loop: Loop, waker: Waker) -> None:
        breath = min(_BREATH, loop.interval)
        while not self._stop.is_set():
            loop.once()
            self._stop.wait(breath)
            waker.wait(self._rest(loop) - breath)

    def _rest(self, loop: Loop) -> float:
        if self._listener is None or not loop.is_rung:
            return loop.interval
        return self._listener.pause(loop.interval, REST)
