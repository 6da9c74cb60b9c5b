"""Wakes the reconciler when a message enters or leaves the hold queue, so that it need not poll each second."""

import threading

from holdgate import maillog
from holdgate.quarantine.signals import Waker
from holdgate.queue.client import QueueClient, QueueError

REST = 20.0
"""How long the agent is asked to watch at a time, in seconds. Without an event, the next pass follows then."""

# How long to wait before a retry after an error, in seconds.
_RETRY = 5.0


class HoldWatch:
    """Has the agent watch the hold queue, in a thread. If that fails, `pause` returns the time without it."""

    def __init__(self, queue: QueueClient, waker: Waker) -> None:
        self._queue, self._waker = queue, waker
        self._condition = threading.Condition()
        self._stamp = ""
        self._is_watched = False
        self._was_logged = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hold", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop, without waiting for the agent."""
        self._stop.set()
        with self._condition:
            self._condition.notify()

    def pause(self, stamp: str, short: float, long: float) -> float:
        """Watch the queue since `stamp`; return `long` if a change would be noticed, else `short`."""
        with self._condition:
            self._stamp = stamp
            self._condition.notify()
            return long if stamp and self._is_watched else short

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._condition:
                self._condition.wait_for(lambda: self._stamp or self._stop.is_set())
                stamp = self._stamp
            if self._stop.is_set():
                return
            try:
                changed = self._queue.wait(stamp, REST)
            except QueueError as error:
                self._failed(str(error))
                continue
            with self._condition:
                self._is_watched = True
                self._was_logged = False
                if changed and self._stamp == stamp:
                    self._stamp = ""
            if changed:
                self._waker.wake()

    def _failed(self, reason: str) -> None:
        with self._condition:
            self._is_watched = False
        if not self._was_logged:
            self._was_logged = True
            maillog.failed(stage="listen", error=reason)
        self._waker.wake()
        self._stop.wait(_RETRY)
