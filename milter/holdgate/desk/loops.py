"""The desk's clocks: each kind of work has a thread of its own, so that none waits for another.

A relay that is silent for a minute at each mail holds up mail, and no deadline; a message that takes long to read holds
up its own request. What one pass meets with is logged, and the next one comes.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from holdgate import maillog, metrics
from holdgate.quarantine.database import DatabaseError


@dataclass(slots=True)
class Loop:
    """A pass that is made each `interval` seconds.

    `run` gets the time, and says whether it could do its work, whatever single items met with. Where it could not for
    `patience` seconds, or does not come to its end, the desk is not well.
    """

    name: str
    run: Callable[[datetime], bool]
    interval: float
    patience: float = 300.0
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

    def __init__(self, loops: Sequence[Loop]) -> None:
        self._loops = loops
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._go, args=[loop], name=loop.name, daemon=True) for loop in loops]

    def start(self) -> None:
        """Begin with a pass of each."""
        for thread in self._threads:
            thread.start()

    def close(self, seconds: float = 5.0) -> None:
        """End after the passes under way, but wait for them no longer than `seconds`: each step may be cut short."""
        self._stop.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(deadline - time.monotonic(), 0))

    def ailing(self) -> list[str]:
        """Name the loops that are not well."""
        return [loop.name for loop in self._loops if not loop.is_well()]

    def _go(self, loop: Loop) -> None:
        while not self._stop.is_set():
            loop.once()
            self._stop.wait(loop.interval)
