"""One worker process as the pool holds it: the other end of its socket, and the zygote that can kill it."""

import contextlib
import json
import select
import socket
from dataclasses import dataclass

from holdgate.scan import wire
from holdgate.scan.control import Zygote


class ScanError(Exception):
    """No inspection could be made now, for a reason that is not the message's: try again later."""


class WorkerLostError(Exception):
    """A worker died or was killed while it had a job; the argument says why."""


class WorkerGoneError(Exception):
    """A worker was dead before it had its job: the message has nothing to do with it."""


@dataclass(slots=True)
class Worker:
    """A process that was forked for us; `jobs` counts what it has done."""

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
        """Give it a job, as JSON, with the message's bytes or descriptor, and return its answer unread.

        Raises WorkerLostError, WorkerGoneError, and ScanError when the worker says that it could not be confined.
        """
        self._give(job, content, descriptors, seconds)
        try:
            frame, _ = wire.receive_frame(self.connection, timeout=seconds, limit=limit)
        except TimeoutError as error:
            raise WorkerLostError("time limit") from error
        except wire.WireError as error:
            raise WorkerLostError("crash") from error
        except OSError as error:
            raise WorkerLostError("crash") from error
        if frame.startswith(b'{"error"'):
            raise ScanError(_said(frame))
        self.jobs += 1
        return frame

    def begin(self, job: bytes, content: bytes, descriptors: tuple[int, ...], *, seconds: float, rest: float) -> None:
        """Give it a job, and wait until it begins to answer: who is given its connection may read that.

        The rest of the answer has `rest` seconds, from one piece to the next. Raises as `ask` does.
        """
        self._give(job, content, descriptors, seconds)
        ready = select.poll()
        ready.register(self.connection, select.POLLIN)
        if not ready.poll(seconds * 1000):
            raise WorkerLostError("time limit")
        wire.bound(self.connection, rest)
        self.jobs += 1

    def _give(self, job: bytes, content: bytes, descriptors: tuple[int, ...], seconds: float) -> None:
        wire.bound(self.connection, seconds)
        try:
            wire.send_encoded(self.connection, job, descriptors, content)
        except TimeoutError as error:
            raise WorkerLostError("time limit") from error
        except OSError as error:
            self._say_why()
            raise WorkerGoneError from error

    def _say_why(self) -> None:
        """Raise ScanError with the last words of a worker that is dead, if it had any."""
        with contextlib.suppress(OSError, wire.WireError):
            frame, _ = wire.receive_frame(self.connection, timeout=1.0)
            raise ScanError(_said(frame))

    def slow_down(self) -> None:
        """Let it wait for the processor while others are busy."""
        self.zygote.slow_down(self.pid)

    def end(self) -> None:
        """Have the process killed, whatever it does, and forget it; this waits for nothing. May be called twice."""
        if not self.is_ended:
            self.is_ended = True
            self.zygote.end_worker(self.pid)
            self.connection.close()


def _said(frame: bytes) -> str:
    """Return the reason in a worker's words about itself, short and printable."""
    try:
        reason = str(json.loads(frame)["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        reason = "a worker could not start"
    return "".join(letter if letter.isprintable() else "?" for letter in reason[:300])
