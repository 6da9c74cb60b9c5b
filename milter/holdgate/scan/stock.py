"""The stock of workers: owns the zygote, keeps some of its workers ready, and starts another zygote if it fails.

Everything that concerns the zygote happens under one lock, so no thread ends a zygote that another has just started.
Each worker that is taken is replaced by an order for a new one, which waits in the control socket until it is taken. So
nothing polls, and no message waits for the replacement of its worker.
"""

import contextlib
import socket
import threading
from collections.abc import Callable

from holdgate.scan import wire
from holdgate.scan.control import Zygote
from holdgate.scan.process import ScanError, Worker


class WorkerStock:
    """Provides workers. `size` is how many are kept ready. Raises ScanError if the zygote cannot start."""

    def __init__(self, start: Callable[[], Zygote], size: int) -> None:
        self._start = start
        self._size = size
        self._lock = threading.Lock()
        self._ordered = 0
        self._closed = False
        self._zygote = start()

    @property
    def pid(self) -> int:
        """The process id of the zygote."""
        return self._zygote.pid

    def take(self, *, wait_limit: float, new: bool = False) -> Worker:
        """Return a worker that has not had a job yet; with `new`, one that was not in stock.

        Waits for other threads up to `wait_limit` seconds. Raises ScanError.
        """
        if not self._lock.acquire(timeout=wait_limit):
            raise ScanError("no free worker")
        try:
            if self._closed:
                raise ScanError("the workers are being ended")
            try:
                if new:
                    self._empty()
                return self._next()
            except (wire.WireError, OSError, ValueError, KeyError, TimeoutError):
                # The zygote has ended or does not answer: one more try with another.
                self._restart()
                return self._next()
        except (wire.WireError, OSError, ValueError, KeyError) as error:
            raise ScanError("the zygote does not answer") from error
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the zygote and, with it, all workers. Can be called twice."""
        with self._lock:
            self._closed = True
            self._zygote.close()

    def _next(self) -> Worker:
        """Order as many workers as are missing, and take the one that was ordered first."""
        while self._ordered <= self._size:
            self._zygote.fork()
            self._ordered += 1
        return self._receive()

    def _receive(self) -> Worker:
        answer, received = self._zygote.receive(descriptors=1)
        self._ordered -= 1
        if "error" in answer:
            raise ScanError(str(answer["error"]))
        (connection,) = received
        return Worker(answer["pid"], socket.socket(fileno=connection), self._zygote)

    def _empty(self) -> None:
        while self._ordered:
            with contextlib.suppress(ScanError):
                self._receive().end()

    def _restart(self) -> None:
        self._zygote.close()
        self._ordered = 0
        self._zygote = self._start()
