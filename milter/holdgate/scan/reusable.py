"""Reusable workers: they have only read plain text, or searched what others read, so they can take another message."""

import threading
from collections.abc import Callable

from holdgate import metrics
from holdgate.findings import Inspection
from holdgate.scan.process import Worker, WorkerLostError
from holdgate.scan.shapes import NOT_FOR_THIS_WORKER, READER_ENDED, UNREADABLE


class ReaderLostError(WorkerLostError):
    """The reading process crashed or its output is invalid; the searching process is not affected."""


class ReusableWorkers:
    """The free ones, with the most recently used on top. Each does at most `retire_after` jobs."""

    def __init__(self, retire_after: int) -> None:
        self._retire_after = retire_after
        self._lock = threading.Lock()
        self.workers: list[Worker] = []

    def take(self) -> Worker | None:
        """Return a free one, if there is one."""
        with self._lock:
            return self.workers.pop() if self.workers else None

    def put_back(self, worker: Worker) -> None:
        """Keep a process for the next message, or end it if it has done enough."""
        if worker.jobs >= self._retire_after:
            if self._retire_after > 1:
                metrics.WORKER_RESTARTS.labels("retired").inc()
            worker.end()
            return
        with self._lock:
            self.workers.append(worker)

    def close(self) -> None:
        """End all free ones."""
        while (worker := self.take()) is not None:
            worker.end()


def answered(frame: bytes, read: Callable[[bytes], Inspection]) -> Inspection | None:
    """Return a reusable worker's result; None if it cannot inspect this message. Raises ReaderLostError too."""
    if frame == NOT_FOR_THIS_WORKER:
        return None
    if frame == READER_ENDED:
        raise ReaderLostError("crash")
    if frame == UNREADABLE:
        raise ReaderLostError("answer")
    return read(frame)
