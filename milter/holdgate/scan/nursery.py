"""The nursery: owns the zygote, keeps some of its workers in stock, and starts another zygote when it dies.

All that concerns the zygote happens under one lock, so no thread ends what another has just started. A worker is asked
for when one is taken, and waits in the control socket until somebody takes it: nothing polls, and no message waits for
the worker after its own.
"""

import contextlib
import os
import select
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdgate.scan import wire
from holdgate.scan.process import ScanError, Worker

# Loading all rules takes a second of processor time. On a busy host that may be minutes of everybody else's time, so
# patience ends with time that the zygote itself has used, or when it used none for so long.
_PROCESSOR_SECONDS = 60.0
_IDLE_SECONDS = 60.0
_GLANCE = 1.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Zygote:
    """A running zygote, its control socket, and the file that its errors go to until it is ready."""

    process: "subprocess.Popen[bytes]"
    control: socket.socket


class Nursery:
    """Hands out workers. `stock` is how many are kept ready. Raises ScanError where the zygote cannot start."""

    def __init__(self, start: Callable[[], Zygote], stock: int) -> None:
        self._start = start
        self._stock = stock
        self._lock = threading.Lock()
        self._asked = 0
        self._closed = False
        self._zygote = start()

    @property
    def pid(self) -> int:
        """The process id of the zygote."""
        return self._zygote.process.pid

    def take(self, *, patience: float, new: bool = False) -> Worker:
        """Return a worker that has not done anything yet; with `new` one that was not in stock.

        Waits for other threads up to `patience` seconds. Raises ScanError.
        """
        if not self._lock.acquire(timeout=patience):
            raise ScanError("no free worker")
        try:
            if self._closed:
                raise ScanError("the workers are being ended")
            try:
                if new:
                    self._empty()
                return self._next()
            except (wire.WireError, OSError, ValueError, KeyError, TimeoutError):
                # It is dead, or does not answer: one more try with another.
                self._restart()
                return self._next()
        except (wire.WireError, OSError, ValueError, KeyError) as error:
            raise ScanError("the zygote does not answer") from error
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the zygote and, with it, all workers. It may be closed twice."""
        with self._lock:
            self._closed = True
            _end(self._zygote)

    def _next(self) -> Worker:
        """Ask for as many as the stock lacks, and take the one that was asked for first."""
        while self._asked <= self._stock:
            wire.send(self._zygote.control, {"do": "fork"})
            self._asked += 1
        return self._receive()

    def _receive(self) -> Worker:
        answer, received = receive_from(self._zygote, descriptors=2)
        self._asked -= 1
        if "error" in answer:
            raise ScanError(str(answer["error"]))
        connection, pidfd = received
        return Worker(answer["pid"], socket.socket(fileno=connection), pidfd)

    def _empty(self) -> None:
        while self._asked:
            with contextlib.suppress(ScanError):
                self._receive().end()

    def _restart(self) -> None:
        _end(self._zygote)
        self._asked = 0
        self._zygote = self._start()


def receive_from(zygote: Zygote, descriptors: int = 0) -> tuple[dict[str, Any], list[int]]:
    """Receive what a zygote says, however busy the host. Raises TimeoutError, WireError and OSError."""
    first = used = _processor_seconds(zygote.process.pid)
    since = time.monotonic()
    ready = select.poll()
    ready.register(zygote.control, select.POLLIN)
    while not ready.poll(_GLANCE * 1000):
        now = _processor_seconds(zygote.process.pid)
        if now > used:
            used, since = now, time.monotonic()
        if used - first > _PROCESSOR_SECONDS or time.monotonic() - since > _IDLE_SECONDS:
            raise TimeoutError
    return wire.receive(zygote.control, descriptors, timeout=_IDLE_SECONDS)


def _processor_seconds(pid: int) -> float:
    """Return how much processor time a process has used (proc_pid_stat(5)), 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _end(zygote: Zygote) -> None:
    zygote.control.close()
    try:
        zygote.process.wait(timeout=1.0)
    except subprocess.TimeoutExpired:
        zygote.process.kill()
        zygote.process.wait()
