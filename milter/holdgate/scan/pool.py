"""The pool: gives each message to a worker process, enforces the time limit, and shares the workers fairly.

Thread-safe. Each message has its own process, which ends with the message. The exception is a message of plain text
only: it may be read by a process that reads others of this kind. If the settings allow it, a small message's process
only reads the message, and a reusable process searches the text.
If a worker is lost with a message (a crash, the time limit, an invalid answer), the message is retried once in
another worker. If that is lost too, the inspection is `failed`, and the next message gets a new worker.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, Self, TypeVar, Unpack

from holdgate import maillog, metrics
from holdgate.findings import Inspection
from holdgate.mask import mask_numbers, mask_unsearched_text
from holdgate.scan import answer, wire
from holdgate.scan.content import SMALL, content_of, size_of
from holdgate.scan.control import Zygote
from holdgate.scan.poolsettings import PoolSettings
from holdgate.scan.process import ScanError, Worker, WorkerEndedError, WorkerLostError
from holdgate.scan.reusable import ReaderLostError, ReusableWorkers, answered
from holdgate.scan.shapes import ChangeReport, Letter, Options
from holdgate.scan.start import DIED_ON_TRIAL, Starter
from holdgate.scan.stock import WorkerStock
from holdgate.scan.turns import NoTurnError, Turns

__all__ = ["Pool", "PoolSettings", "ScanError"]

# A worker usually detects limits itself and still answers; the pool kills it this many seconds later.
_GRACE = 5.0
# The inspection is `failed` after a message has lost this many workers.
_ATTEMPTS = 2
# Workers that one message may be given to: two that it loses, and some that had ended before.
_MAX_WORKERS = 4
_TRIAL = b'{"do":"trial"}'

_Answer = TypeVar("_Answer")


class Pool:
    """A zygote and its workers.

    Raises ScanError from its start when the rules cannot be used or the workers cannot be confined.
    """

    def __init__(self, settings: PoolSettings) -> None:
        self._settings = settings
        self._seconds = settings.time_limit + settings.ocr_seconds + _GRACE
        self._profiles = frozenset(settings.profiles)
        self._identifiers: frozenset[str] = frozenset()
        self._kind = "ocr" if settings.ocr_languages else ""
        is_for_ocr = bool(settings.ocr_languages)
        kept = 0 if is_for_ocr else 2
        self._turns = Turns(settings.workers + kept, kept=kept)
        self._plain_turns = Turns(settings.workers + kept, kept=kept)
        self._reusable = ReusableWorkers(settings.retire_after)
        self._starter = Starter(settings)
        self._readers: WorkerStock | None = None
        size = 1 if is_for_ocr else min(settings.workers, 2)
        reads_separately = settings.reads_separately and settings.retire_after > 1
        with ThreadPoolExecutor(1) as loader:  # both zygotes load for a second
            readers = loader.submit(self._start_readers, size) if reads_separately else None
            try:
                self._stock = WorkerStock(self._start_zygote, size)
            except ScanError:
                if readers is not None and readers.exception() is None:
                    readers.result().close()
                raise
        try:
            if readers is not None:
                self._readers = readers.result()
                self._tested(self._readers).end()
            worker = self._tested(self._stock)
        except ScanError:
            self.close()
            raise
        self._reusable.put_back(worker)

    @property
    def zygotes(self) -> list[int]:
        """The process ids of the zygotes."""
        return [stock.pid for stock in self._stocks()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the zygote and, with it, all workers. Can be called twice."""
        for stock in self._stocks():
            stock.close()
        self._reusable.close()

    def inspect(
        self,
        message: int | bytes,
        *,
        name: str | None = None,
        queue_id: str = "",
        who: tuple[str, str] = ("", ""),
        is_plain: bool = False,
        **options: Unpack[Options],
    ) -> Inspection:
        """Inspect the message (or the file called `name`), given as bytes or by a descriptor, from its first byte.

        `who` is the owner of the message, a client and a sender, for fair turns. `is_plain` is true if the message
        seems to be plain text only; a worker checks whether it is. Raises ScanError if no worker becomes free in time.
        """
        begun = time.perf_counter()
        job = {"do": "inspect", "name": name, "words": options}

        def read(frame: bytes) -> Inspection:
            return answer.inspection(frame, self._identifiers, self._profiles)

        attempts = _ATTEMPTS
        is_small = size_of(message) <= SMALL
        if is_plain and self._settings.retire_after > 1 and is_small:
            try:
                found = self._ask_plain({"do": "inspect plain", "words": options}, message, read, queue_id, who)
            except WorkerLostError:  # then the message is retried in its own process
                attempts, found = attempts - 1, None
            if found is not None:
                return found
        if self._readers is not None and is_small and attempts == _ATTEMPTS:
            try:
                found = self._read_then_search(self._readers, job, message, read, queue_id, who)
            except WorkerLostError:
                attempts, found = attempts - 1, None
            if found is not None:
                return found
        try:
            return self._do(job, message, read, queue_id=queue_id, who=who, attempts=attempts)
        except WorkerLostError as error:
            elapsed = (time.perf_counter() - begun) * 1000
            return Inspection(
                status="failed",
                reason=str(error),
                subject=mask_unsearched_text(options.get("subject", "")),
                header_from=mask_unsearched_text(options.get("header_from", ""), addresses=False),
                message_id=mask_numbers(options.get("message_id", "")),
                elapsed_ms=round(elapsed, 3),
            )

    def extract(self, message: int | bytes, *, name: str | None = None) -> dict[str, Any]:
        """Return the parts of a message or file as plain values. Raises ScanError."""
        try:
            return self._do({"do": "extract", "name": name}, message, answer.extraction, limit=wire.TEXT_LIMIT)
        except WorkerLostError as error:
            return {"parts": [], "status": "failed", "reason": str(error), "signals": []}

    def explain(self, message: int | bytes, *, name: str | None = None) -> list[dict[str, str]]:
        """Return `part`, `place` and `why` it counts for each match. Raises ScanError."""
        try:
            return self._do({"do": "explain", "name": name}, message, answer.reasons, limit=wire.TEXT_LIMIT)
        except WorkerLostError as error:
            raise ScanError(str(error)) from error

    def preview(self, message: int | bytes, *, reveal: int = 0) -> dict[str, Any]:
        """Return what a moderator may read of a message (see `scan.preview`). Raises ScanError, also if unreadable."""
        try:
            return self._do(
                {"do": "preview", "reveal": reveal}, message, lambda frame: answer.preview(frame, self._identifiers)
            )
        except WorkerLostError as error:
            raise ScanError(str(error)) from error

    def change(
        self, message: int | bytes, *, without: Sequence[str], note: str, redact: bool = False
    ) -> tuple[ChangeReport, bytes]:
        """Return a message changed as `rewrite.change` describes. Raises ScanError."""
        job = {"do": "change", "without": list(without), "note": note, "redact": redact}
        try:
            return self._do(job, message, answer.change, limit=wire.TEXT_LIMIT)
        except WorkerLostError as error:
            raise ScanError(str(error)) from error

    def letter(self, message: int | bytes) -> dict[str, Any]:
        """Return the content of a moderator's mail (see `scan.letter`), empty if workers are lost. Raises ScanError."""
        try:
            return self._do({"do": "letter"}, message, answer.letter)
        except WorkerLostError:
            return asdict(Letter())

    # -- a process for one message --------------------------------------------------------------------------------

    def _do(
        self,
        job: dict[str, Any],
        message: int | bytes,
        read: Callable[[bytes], _Answer],
        *,
        queue_id: str = "",
        who: tuple[str, str] = ("", ""),
        limit: int = wire.ANSWER_LIMIT,
        attempts: int = _ATTEMPTS,
    ) -> _Answer:
        encoded = json.dumps(job).encode()
        is_small = size_of(message) <= SMALL
        kind = self._kind or ("small" if is_small else "large")
        new = attempts < _ATTEMPTS  # workers in stock may have the same defect as the lost one
        with content_of(message) as (content, descriptors), self._turn(self._turns, kind, who, is_small):
            for _ in range(_MAX_WORKERS):
                worker = self._stock.take(wait_limit=self._settings.wait_limit, new=new)
                new = True
                try:
                    if not is_small and not self._kind:
                        worker.slow_down()
                    return read(worker.ask(encoded, content, descriptors, seconds=self._seconds, limit=limit))
                except WorkerEndedError:
                    self._log_lost(queue_id, worker, "crash")
                except (answer.AnswerError, WorkerLostError) as error:
                    lost = self._lost_error(error, queue_id, worker)
                    attempts -= 1
                    if not attempts:
                        raise lost from error
                finally:
                    worker.end()
            raise ScanError("workers end before they get the message")

    def _lost_error(self, error: Exception, queue_id: str, worker: Worker) -> WorkerLostError:
        """Record that a worker was lost while it had a job, and return the error to raise."""
        if isinstance(error, answer.AnswerError):
            self._log_lost(queue_id, worker, "answer", str(error))
            return WorkerLostError("answer")
        self._log_lost(queue_id, worker, str(error))
        return WorkerLostError(str(error))

    def _log_lost(self, queue_id: str, worker: Worker, why: str, error: str = "") -> None:
        maillog.worker_lost(queue_id, why=why, pid=worker.pid, error=error)
        metrics.WORKER_RESTARTS.labels(why).inc()

    # -- processes that read plain text ---------------------------------------------------------------------------

    def _ask_plain(
        self,
        job: dict[str, Any],
        message: int | bytes,
        read: Callable[[bytes], Inspection],
        queue_id: str,
        who: tuple[str, str],
    ) -> Inspection | None:
        """Have a process for plain text read a message; None if it is not plain text. Raises WorkerLostError."""
        content = message if isinstance(message, bytes) else os.pread(message, SMALL, 0)
        return self._ask_reusable(job, content, (), read, queue_id, who)

    def _ask_reusable(
        self,
        job: dict[str, Any],
        content: bytes,
        descriptors: tuple[int, ...],
        read: Callable[[bytes], Inspection],
        queue_id: str,
        who: tuple[str, str],
    ) -> Inspection | None:
        with self._turn(self._plain_turns, "plain", who, is_small=True):
            worker = self._reusable.take() or self._stock.take(wait_limit=self._settings.wait_limit)
            try:
                frame = worker.ask(json.dumps(job).encode(), content, descriptors, seconds=self._seconds)
                found = answered(frame, read)
            except WorkerEndedError:
                self._log_lost(queue_id, worker, "crash")
                worker.end()
                return None
            except ReaderLostError:
                self._reusable.put_back(worker)
                raise
            except (answer.AnswerError, WorkerLostError) as error:
                worker.end()
                raise self._lost_error(error, queue_id, worker) from error
            except ScanError:
                worker.end()
                raise
            self._reusable.put_back(worker)
        return found

    # -- a process that only reads --------------------------------------------------------------------------------

    def _read_then_search(
        self,
        readers: WorkerStock,
        job: dict[str, Any],
        message: int | bytes,
        read: Callable[[bytes], Inspection],
        queue_id: str,
        who: tuple[str, str],
    ) -> Inspection | None:
        """Have a separate process read a message, and a reusable process search the text.

        None if there is too much to search for a reusable process, or if the process had ended before. Raises
        WorkerLostError.
        """
        encoded = json.dumps(job).encode()
        search = {"do": "search", "words": job["words"]}
        with content_of(message) as (content, descriptors), self._turn(self._turns, "small", who, is_small=True):
            reader = readers.take(wait_limit=self._settings.wait_limit)
            try:
                reader.begin(encoded, content, descriptors, seconds=self._seconds, gap=_GRACE)
            except WorkerEndedError:
                self._log_lost(queue_id, reader, "crash")
                reader.end()
                return None
            except WorkerLostError as error:
                reader.end()
                raise self._lost_error(error, queue_id, reader) from error
            except ScanError:
                reader.end()
                raise
        try:
            # The searching process reads the text directly from the reader's connection; no byte of it passes through
            # here.
            return self._ask_reusable(search, b"", (reader.connection.fileno(),), read, queue_id, who)
        except ReaderLostError as error:
            self._log_lost(queue_id, reader, str(error))
            raise
        finally:
            reader.end()

    # -- turns and zygote -----------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _turn(self, turns: Turns, kind: str, who: tuple[str, str], is_small: bool) -> Iterator[None]:
        try:
            turns.acquire(*who, is_small=is_small, wait_limit=self._settings.wait_limit)
        except NoTurnError:
            raise ScanError("no free worker") from None
        begun = time.monotonic()
        try:
            yield
        finally:
            seconds = time.monotonic() - begun
            turns.release(who[0], seconds, who[1])
            metrics.WORKER_SECONDS.labels(kind).inc(seconds)

    def _tested(self, stock: WorkerStock) -> Worker:
        """Return a worker that has confined itself and read a test text. Raises ScanError."""
        worker = stock.take(wait_limit=self._settings.wait_limit)
        try:
            worker.ask(_TRIAL, b"", (), seconds=self._seconds)
        except WorkerLostError as error:
            worker.end()
            late = f"a worker was not ready after {self._seconds:.0f} s"
            raise ScanError(late if str(error) == "time limit" else DIED_ON_TRIAL) from error
        except WorkerEndedError as error:
            worker.end()
            raise ScanError(DIED_ON_TRIAL) from error
        except ScanError:
            worker.end()
            raise
        return worker

    def _start_zygote(self) -> Zygote:
        zygote, self._identifiers = self._starter.start()
        return zygote

    def _start_readers(self, size: int) -> WorkerStock:
        starter = Starter(self._settings, only_reads=True, sibling=self._starter)
        return WorkerStock(lambda: starter.start()[0], size)

    def _stocks(self) -> Iterator[WorkerStock]:
        yield self._stock
        if self._readers is not None:
            yield self._readers
