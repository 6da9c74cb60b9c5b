"""The pool: gives each message to a free worker, keeps to the time limit, and replaces workers that die.

It may be used by many threads at once. A message that costs a worker its life (a crash, the time limit) is tried once
more in another; when that dies too, the inspection is `failed`, and the next message finds a fresh worker.
"""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from holdgate import maillog, metrics
from holdgate.config import ExtractSettings, OcrSettings, Settings
from holdgate.findings import Inspection
from holdgate.mask import mask_telling
from holdgate.scan import wire

# Loading all rules takes under a second on an idle machine.
_START_TIMEOUT = 60.0
_DIED_ON_TRIAL = (
    "a worker died before its first message, while it confined and tried itself; "
    "where seccomp killed it, the kernel's log has a line with type=1326 and the system call"
)
# A worker notices most limits itself and still answers; the pool kills it this much later.
_GRACE = 5.0


class ScanError(Exception):
    """No inspection could be made now, for a reason that is not the message's: try again later."""


class _WorkerLostError(Exception):
    """A worker died or was killed while it had a job; the argument says why."""


@dataclass(slots=True)
class _Worker:
    pid: int
    connection: socket.socket
    pidfd: int
    jobs: int = 0

    def end(self) -> None:
        """Kill the process, if it still lives, and forget it. A worker may be ended twice."""
        if self.pidfd < 0:
            return
        try:
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        except ProcessLookupError:
            pass
        finally:
            os.close(self.pidfd)
            self.pidfd = -1
            self.connection.close()


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """What the workers load and how long they may take. Times in seconds."""

    rules: Path
    local_rules: Path | None = None
    profiles: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    readers_directory: Path = ExtractSettings().directory
    workers: int = 1
    time_limit: float = 30.0
    wait_limit: float = 60.0
    retire_after: int = 500
    ocr_languages: tuple[str, ...] = ()
    ocr_seconds: float = 0.0

    @classmethod
    def of(cls, settings: Settings, profiles: tuple[str, ...]) -> "PoolSettings":
        """Return what the settings file says; `profiles` are those that the policies ask for."""
        scan = settings.scan
        return cls(
            rules=settings.rules.shipped(),
            local_rules=settings.rules.local_directory,
            profiles=profiles,
            readers=tuple(settings.extract.readers),
            readers_directory=settings.extract.directory,
            workers=scan.workers or len(os.sched_getaffinity(0)),
            time_limit=scan.time_limit.total_seconds(),
            wait_limit=scan.wait_limit.total_seconds(),
            retire_after=scan.retire_after,
        )

    def with_ocr(self, settings: OcrSettings) -> "PoolSettings":
        """Return the same for workers that read pictures too."""
        return replace(
            self,
            workers=settings.workers,
            ocr_languages=tuple(settings.languages),
            ocr_seconds=settings.time_limit.total_seconds(),
        )


class Pool:
    """A zygote and its workers.

    Raises ScanError from its start when the rules cannot be used or the workers cannot be confined.
    """

    def __init__(self, settings: PoolSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._spares: queue.Queue[_Worker] = queue.Queue()
        self._zygote, self._control = self._start_zygote()
        fresh: list[_Worker] = []
        try:
            # They confine and try themselves side by side; the spare is asked when it is needed.
            for _ in range(settings.workers):
                fresh.append(self._spawn())
            self._spares.put(self._spawn())
            for worker in fresh:
                self._idle.put(self._prove(worker))
        except ScanError:
            for worker in fresh:
                worker.end()
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the zygote and, with it, all workers. A pool may be closed twice."""
        self._control.close()
        self._zygote.wait()
        while not self._idle.empty():
            self._idle.get_nowait().end()
        while not self._spares.empty():
            self._spares.get_nowait().end()

    def inspect(
        self,
        descriptor: int,
        *,
        name: str | None = None,
        queue_id: str = "",
        subject: str = "",
        header_from: str = "",
    ) -> Inspection:
        """Inspect the message (or the file called `name`) behind an open descriptor, from its first byte.

        `subject` and `header_from` are the sender's words as the gate read them; the inspection has them masked.
        Raises ScanError when there is no worker to be had in time.
        """
        begun = time.perf_counter()
        job = {"do": "inspect", "name": name, "words": {"subject": subject, "header_from": header_from}}
        try:
            return Inspection.from_json(self._do(job, descriptor, queue_id))
        except _WorkerLostError as error:
            elapsed = (time.perf_counter() - begun) * 1000
            return Inspection(
                status="failed",
                reason=str(error),
                subject=mask_telling(subject),
                header_from=mask_telling(header_from, addresses=False),
                elapsed_ms=round(elapsed, 3),
            )

    def extract(self, descriptor: int, *, name: str | None = None) -> dict[str, Any]:
        """Return the parts of a message or file as plain values. Raises ScanError."""
        try:
            return self._do({"do": "extract", "name": name}, descriptor, "")
        except _WorkerLostError as error:
            return {"parts": [], "status": "failed", "reason": str(error), "signals": []}

    def explain(self, descriptor: int, *, name: str | None = None) -> list[dict[str, str]]:
        """Return for each match its `part`, `place` and `why` it counts. Raises ScanError."""
        try:
            reasons: list[dict[str, str]] = self._do({"do": "explain", "name": name}, descriptor, "")["reasons"]
        except _WorkerLostError as error:
            raise ScanError(str(error)) from error
        return reasons

    def preview(self, descriptor: int, *, reveal: int = 0) -> dict[str, Any]:
        """Return what a moderator may read of a message (see `scan.preview`). Raises ScanError, also when it cannot."""
        try:
            return self._do({"do": "preview", "reveal": reveal}, descriptor, "")
        except _WorkerLostError as error:
            raise ScanError(str(error)) from error

    # -- jobs -----------------------------------------------------------------------------------------------------

    def _do(self, job: dict[str, Any], descriptor: int, queue_id: str) -> dict[str, Any]:
        # The worker gets a descriptor of its own that cannot write: what it does to it does not reach the message.
        readable = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            try:
                return self._try(job, readable, queue_id)
            except _WorkerLostError:
                return self._try(job, readable, queue_id)
        finally:
            os.close(readable)

    def _try(self, job: dict[str, Any], descriptor: int, queue_id: str) -> dict[str, Any]:
        try:
            worker = self._idle.get(timeout=self._settings.wait_limit)
        except queue.Empty:
            raise ScanError("no free worker") from None
        try:
            answer = self._ask(worker, job, descriptor)
        except _WorkerLostError as error:
            maillog.worker_lost(queue_id, why=str(error), pid=worker.pid)
            metrics.WORKER_RESTARTS.labels(str(error)).inc()
            self._replace(worker)
            raise
        worker.jobs += 1
        if worker.jobs >= self._settings.retire_after:
            metrics.WORKER_RESTARTS.labels("retired").inc()
            self._replace(worker)
        else:
            self._idle.put(worker)
        return answer

    def _ask(self, worker: _Worker, job: dict[str, Any], descriptor: int) -> dict[str, Any]:
        deadline = self._settings.time_limit + self._settings.ocr_seconds + _GRACE
        try:
            worker.connection.settimeout(deadline)
            wire.send(worker.connection, job, (descriptor,))
            answer, _ = wire.receive(worker.connection, timeout=deadline)
            return answer
        except TimeoutError as error:
            raise _WorkerLostError("time limit") from error
        except (wire.WireError, OSError) as error:
            raise _WorkerLostError("crash") from error

    # -- workers --------------------------------------------------------------------------------------------------

    def _replace(self, worker: _Worker) -> None:
        """End a worker and put the spare in its place; then make a new spare. The pool never gets smaller."""
        worker.end()
        # Without another one the dead one keeps the place: whoever gets it comes here again.
        successor = worker
        try:
            if self._zygote.poll() is not None:
                self._restart()
            try:
                spare = self._spares.get_nowait()
            except queue.Empty:
                spare = self._spawn()
            successor = self._prove(spare)
        finally:
            self._idle.put(successor)
        self._spares.put(self._spawn())

    def _restart(self) -> None:
        """Start another zygote; the spare went with the old one."""
        with self._lock:
            if self._zygote.poll() is None:
                return  # another thread was here first
            self._control.close()
            while not self._spares.empty():
                self._spares.get_nowait().end()
            self._zygote, self._control = self._start_zygote()
        self._spares.put(self._spawn())

    def _prove(self, worker: _Worker) -> _Worker:
        """Return a worker that has confined itself and inspected a text; end any other and raise ScanError."""
        try:
            said, _ = wire.receive(worker.connection, timeout=_START_TIMEOUT)
        except TimeoutError:
            said = {"error": f"a worker was not ready after {_START_TIMEOUT:.0f} s"}
        except (wire.WireError, OSError):
            said = {"error": _DIED_ON_TRIAL}
        if "error" in said:
            worker.end()
            raise ScanError(said["error"])
        return worker

    def _spawn(self) -> _Worker:
        try:
            with self._lock:
                wire.send(self._control, {"do": "fork"})
                answer, (connection, pidfd) = wire.receive(self._control, descriptors=2, timeout=_START_TIMEOUT)
            return _Worker(answer["pid"], socket.socket(fileno=connection), pidfd)
        except (wire.WireError, OSError, ValueError) as error:
            self._zygote.kill()
            raise ScanError("the zygote does not answer") from error

    def _start_zygote(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        settings = self._settings
        control, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "holdgate.scan.zygote", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        try:
            wire.send(
                control,
                {
                    "rules": str(settings.rules),
                    "local_rules": str(settings.local_rules) if settings.local_rules else None,
                    "profiles": settings.profiles,
                    "readers": settings.readers,
                    "readers_directory": str(settings.readers_directory),
                    "ocr_languages": settings.ocr_languages,
                    "ocr_seconds": settings.ocr_seconds,
                    "limits": {"message_seconds": settings.time_limit},
                },
            )
            answer, _ = wire.receive(control, timeout=_START_TIMEOUT)
        except (wire.WireError, OSError) as error:
            answer = {"error": f"the zygote did not start: {error}"}
        if "error" in answer:
            control.close()
            process.kill()
            process.wait()
            raise ScanError(answer["error"])
        return process, control
