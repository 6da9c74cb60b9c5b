"""One worker process as the pool sees it: the other end of its socket, and the zygote that can kill it."""

import contextlib
import json
import select
import socket
from dataclasses import dataclass

from holdgate.scan import wire
from holdgate.scan.control import Zygote


class ScanError(Exception):
    """No inspection is possible now, for a reason that is not the message's: retry later."""


class WorkerLostError(Exception):
    """A worker crashed or was killed while it had a job; the argument states why."""


class WorkerEndedError(Exception):
    """A worker had ended before it got its job, so the message is not the cause."""


@dataclass(slots=True)
class Worker:
    """A process forked for this pool; `jobs` counts its jobs."""

    pid: int
    connection: socket.socket
    zygote: Zygote
    jobs: int = 0
    is_ended: bool = False

    def ask(
        self,
        job: bytes,
        content: bytes,
        descriptors: tuple[int, ...],
        *,
        seconds: float,
        limit: int = wire.ANSWER_LIMIT,
    ) -> bytes:
        """Send it a job, as JSON, with the message's bytes or descriptor, and return its unparsed answer.

        Raises WorkerLostError, WorkerEndedError, and ScanError if the worker reports that it could not be confined.
        """
        self._send(job, content, descriptors, seconds)
        try:
            frame, _ = wire.receive_frame(self.connection, timeout=seconds, limit=limit)
        except TimeoutError as error:
            raise WorkerLostError("time limit") from error
        except wire.WireError as error:
            raise WorkerLostError("crash") from error
        except OSError as error:
            raise WorkerLostError("crash") from error
        if frame.startswith(b'{"error"'):
            raise ScanError(_reason(frame))
        self.jobs += 1
        return frame

    def begin(self, job: bytes, content: bytes, descriptors: tuple[int, ...], *, seconds: float, gap: float) -> None:
        """Send it a job, and wait until it begins to answer. Another process can then read from its connection.

        For the rest of the answer, each piece must follow within `gap` seconds. Raises as `ask` does.
        """
        self._send(job, content, descriptors, seconds)
        ready = select.poll()
        ready.register(self.connection, select.POLLIN)
        if not ready.poll(seconds * 1000):
            raise WorkerLostError("time limit")
        wire.set_timeout(self.connection, gap)
        self.jobs += 1

    def _send(self, job: bytes, content: bytes, descriptors: tuple[int, ...], seconds: float) -> None:
        wire.set_timeout(self.connection, seconds)
        try:
            wire.send_encoded(self.connection, job, descriptors, content)
        except TimeoutError as error:
            raise WorkerLostError("time limit") from error
        except OSError as error:
            self._raise_last_error()
            raise WorkerEndedError from error

    def _raise_last_error(self) -> None:
        """Raise ScanError with the last error message of an ended worker, if it sent one."""
        with contextlib.suppress(OSError, wire.WireError):
            frame, _ = wire.receive_frame(self.connection, timeout=1.0)
            raise ScanError(_reason(frame))

    def slow_down(self) -> None:
        """Lower its priority, so that it waits for the processor while others are busy."""
        self.zygote.slow_down(self.pid)

    def end(self) -> None:
        """Have the process killed and forget it, without waiting. Can be called twice."""
        if not self.is_ended:
            self.is_ended = True
            self.zygote.end_worker(self.pid)
            self.connection.close()


def _reason(frame: bytes) -> str:
    """Return the reason that a worker reported, short and printable."""
    try:
        reason = str(json.loads(frame)["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        reason = "a worker could not start"
    return "".join(letter if letter.isprintable() else "?" for letter in reason[:300])
