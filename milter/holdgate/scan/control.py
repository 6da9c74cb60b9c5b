"""The pool's end of a zygote: orders workers, has them killed, and receives its answers.

An order is one packet, and no answer is awaited, so any thread can send one: ending a worker costs no more than a
signal.
The zygote carries orders out in sequence. It is the workers' parent, and the only process that can signal them if they
run as another user. Closing the control socket ends the zygote and all its workers.
"""

import contextlib
import ctypes
import select
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from holdgate.scan import wire

# Loading all rules takes a second of processor time, which can be minutes of real time on a busy host. So the wait ends
# after this much processor time of the zygote itself, or if it used none for so long.
_PROCESSOR_SECONDS = 60.0
_IDLE_SECONDS = 60.0
_GLANCE = 1.0
# How long a zygote has to end by itself after its socket is closed, in seconds; then it is killed.
_END_SECONDS = 1.0

_libc = ctypes.CDLL(None)


@dataclass(slots=True, eq=False)
class Zygote:
    """A running zygote, by its control socket and process id; `process` is set if it is a child of this process."""

    control: socket.socket
    pid: int
    process: "subprocess.Popen[bytes] | None" = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fork(self) -> None:
        """Have it fork a worker, which `receive` returns. Raises OSError."""
        with self._lock:
            wire.send(self.control, {"do": "fork"})

    def end_worker(self, pid: int) -> None:
        """Have it kill a worker. If the zygote has ended, its workers have ended too."""
        self._order({"do": "end", "worker": pid})

    def slow_down(self, pid: int) -> None:
        """Have it lower a worker's priority, so that the worker waits while others are busy."""
        self._order({"do": "slow down", "worker": pid})

    def _order(self, order: dict[str, Any]) -> None:
        with self._lock:
            try:
                wire.send_at_once(self.control, order)
            except BlockingIOError:
                # It has not read orders for hundreds of workers. The next caller finds the socket shut down, and ends
                # it.
                self.control.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def receive(self, descriptors: int = 0) -> tuple[dict[str, Any], list[int]]:
        """Receive its answer, however busy the host is. Raises TimeoutError, WireError and OSError."""
        first = used = processor_seconds(self.pid)
        since = time.monotonic()
        ready = select.poll()
        ready.register(self.control, select.POLLIN)
        while not ready.poll(_GLANCE * 1000):
            now = processor_seconds(self.pid)
            if now > used:
                used, since = now, time.monotonic()
            if used - first > _PROCESSOR_SECONDS or time.monotonic() - since > _IDLE_SECONDS:
                raise TimeoutError
        return wire.receive(self.control, descriptors, timeout=_IDLE_SECONDS)

    def close(self) -> None:
        """Disconnect, which ends it and its workers. The scan service kills its zygote; a child is waited for."""
        with self._lock:
            self.control.close()
        if self.process is None:
            return
        try:
            self.process.wait(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def processor_seconds(pid: int) -> float:
    """Return the processor time that any user's process has used, 0 if it has ended (clock_getcpuclockid(3))."""
    clock = ctypes.c_int()
    if _libc.clock_getcpuclockid(pid, ctypes.byref(clock)) == 0:
        with contextlib.suppress(OSError):
            return time.clock_gettime(clock.value)
    return 0.0
