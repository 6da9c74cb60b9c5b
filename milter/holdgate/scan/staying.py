"""Processes that stay: they have read plain text only, or searched what others read, and take the next message."""

import threading
from collections.abc import Callable

from holdgate import metrics
from holdgate.findings import Inspection
from holdgate.scan.process import Worker, WorkerLostError
from holdgate.scan.shapes import BEYOND, GONE, UNREADABLE


class ReaderLostError(WorkerLostError):
    """The process that was to read a message died, or says what none of ours does; the one that was to search lives."""


class Staying:
    """Those that are free, the one that was used last on top. Each does at most `retire_after` jobs."""

    def __init__(self, retire_after: int) -> None:
        self._retire_after = retire_after
        self._lock = threading.Lock()
        self.workers: list[Worker] = []

    def take(self) -> Worker | None:
        """Return one that is free, if there is one."""
        with self._lock:
            return self.workers.pop() if self.workers else None

    def put_back(self, worker: Worker) -> None:
        """Keep a process for the next message, unless it has done enough of them."""
        if worker.jobs >= self._retire_after:
            if self._retire_after > 1:
                metrics.WORKER_RESTARTS.labels("retired").inc()
            worker.end()
            return
        with self._lock:
            self.workers.append(worker)

    def close(self) -> None:
        """End all that are free."""
        while (worker := self.take()) is not None:
            worker.end()


def answered(frame: bytes, read: Callable[[bytes], Inspection]) -> Inspection | None:
    """Return what a process that stays found; None if the message is none for it. Raises ReaderLostError too."""
    if frame == BEYOND:
        return None
    if frame == GONE:
        raise ReaderLostError("crash")
    if frame == UNREADABLE:
        raise ReaderLostError("answer")
    return read(frame)
