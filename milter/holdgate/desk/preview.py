"""Shows a held message: the queue agent reads it, a scan worker parses and masks it, the desk never parses it."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from holdgate import maillog
from holdgate.config import Settings
from holdgate.desk.remotenodes import RemoteNodeError, RemoteNodes
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.recorded import was_inspected
from holdgate.queue.client import HeldReader, QueueClient, QueueError
from holdgate.queue.wishes import Wishes, read_wishes
from holdgate.scan.pool import Pool, PoolSettings, ScanError
from holdgate.scan.shapes import ChangeReport

# How much of a moderator's mail is passed to a worker, in bytes.
_LETTER_LIMIT = 2**20
# The worker ends after this many idle seconds, because its rules use much memory. The next one starts in seconds.
IDLE = 600.0

_Answer = TypeVar("_Answer")


class UnreadableError(Exception):
    """The message cannot be shown now. The text states why for a log; `why` is a key for the explanation to people."""

    def __init__(self, why: str, message: str) -> None:
        super().__init__(message)
        self.why = why


class _IdlePool:
    """A worker that is started when needed and ends when idle."""

    def __init__(self, settings: PoolSettings) -> None:
        self._settings = settings
        self._pool: Pool | None = None
        self._questions = 0
        self._used_at = 0.0
        self._lock = threading.Lock()

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            if self._pool is not None:
                self._pool.close()
                self._pool = None

    def stop_if_idle(self) -> None:
        """End the worker if it has been idle for a while."""
        with self._lock:
            idle = not self._questions and time.monotonic() - self._used_at >= IDLE
            if self._pool is not None and idle:
                self._pool.close()
                self._pool = None

    def ask(self, question: Callable[[Pool], _Answer]) -> _Answer:
        """Query the pool, which is started if necessary, and does not end meanwhile. Raises ScanError."""
        with self._lock:
            if self._pool is None:
                self._pool = Pool(self._settings)
            pool = self._pool
            self._questions += 1
        try:
            return question(pool)
        finally:
            with self._lock:
                self._questions -= 1
                self._used_at = time.monotonic()


class Previewer:
    """Makes previews with a worker of its own, and redacted messages with another one, which reads images if OCR is on.

    `queue` reads the hold queue of this node, `remote_nodes` those of other nodes; without it, all messages are here.
    `reads_images` is whether OCR is on: then a preview can have the text in images too, which takes longer.
    """

    _remote_nodes: RemoteNodes | None = None
    reads_images = False

    def __init__(self, settings: Settings, queue: QueueClient, remote_nodes: RemoteNodes | None = None) -> None:
        # People wait for a page at most as long as an inspection can take.
        wanted = replace(PoolSettings.of(settings, (), daemon=True), workers=1)
        self._reading = self._with_ocr = _IdlePool(wanted)
        self.reads_images = settings.ocr.mode != "off"
        if self.reads_images:
            self._with_ocr = _IdlePool(replace(wanted.with_ocr(settings.ocr), workers=1))
        self._queue = queue
        self._remote_nodes = remote_nodes

    def close(self) -> None:
        """End the workers."""
        self._reading.close()
        self._with_ocr.close()

    def stop_if_idle(self, _now: datetime) -> bool:
        """End each worker that has been idle for a while; the desk's loop calls this regularly."""
        self._reading.stop_if_idle()
        self._with_ocr.stop_if_idle()
        return True

    def original(self, incident: Incident) -> bytes | None:
        """Return the held message with LF line ends, or None if it is not held. Raises QueueError."""
        if incident.arrival_time is None:
            return None
        at = incident.queue_id, incident.arrival_time
        return self._ask_agent(incident, lambda reader: reader.show(*at))

    def wishes(self, incident: Incident) -> Wishes:
        """Return the sender's wishes about reports; none if the message is not held. Raises QueueError."""
        return read_wishes(self.envelope(incident) or b"")

    def envelope(self, incident: Incident) -> bytes | None:
        """Return the envelope of the held message, or None if it is not held. Raises QueueError."""
        if incident.arrival_time is None:
            return None
        at = incident.queue_id, incident.arrival_time
        return self._ask_agent(incident, lambda reader: reader.envelope(*at))

    def read(self, incident: Incident, *, reveal: int = 0, ocr: bool = False) -> dict[str, Any]:
        """Return the message as `scan.preview` shows it, one match unmasked by `reveal`. Raises UnreadableError.

        With `ocr`, the text in images is shown too, if OCR is on; then the matches have other numbers.
        """
        return self.show(self.held(incident), reveal=reveal, ocr=ocr)

    def held(self, incident: Incident) -> bytes:
        """Return the held message with LF line ends. Raises UnreadableError."""
        try:
            content = self.original(incident)
        except RemoteNodeError as error:
            raise UnreadableError(error.why, str(error)) from error
        except QueueError as error:
            raise UnreadableError("agent", "the queue agent does not answer") from error
        if content is None:
            raise UnreadableError("gone", "the message is not in the hold queue any more")
        return content

    def show(self, content: bytes, *, reveal: int = 0, ocr: bool = False) -> dict[str, Any]:
        """Return a message as `scan.preview` shows it, with `ocr` also the text in images if OCR is on.

        Raises UnreadableError.
        """
        return self._with_message(content, lambda pool, message: pool.preview(message, reveal=reveal), ocr=ocr)

    def change(
        self, content: bytes, without: Sequence[str], note: str, *, redact: bool = False
    ) -> tuple[ChangeReport, bytes]:
        """Return what a worker changed of a message, and the changed message. Raises UnreadableError."""
        return self._with_message(
            content,
            lambda pool, message: pool.change(message, without=without, note=note, redact=redact),
            ocr=redact,
        )

    def _with_message(self, content: bytes, question: Callable[[Pool, int], _Answer], *, ocr: bool = False) -> _Answer:
        """Query a pool about a message, which a worker gets as a descriptor. Raises UnreadableError."""
        workers = self._with_ocr if ocr else self._reading
        descriptor = os.memfd_create("held", os.MFD_CLOEXEC)
        try:
            with os.fdopen(os.dup(descriptor), "wb") as stream:
                stream.write(content)
            return workers.ask(lambda pool: question(pool, descriptor))
        except (ScanError, OSError) as error:
            raise UnreadableError("text", "its text could not be read") from error
        finally:
            os.close(descriptor)

    def letter(self, content: bytes) -> dict[str, Any]:
        """Return a moderator's mail as `scan.letter` reads it. Raises ScanError."""
        return self._reading.ask(lambda pool: pool.letter(content[:_LETTER_LIMIT]))

    def describe(self, incident: Incident) -> dict[str, Any]:
        """Return the columns that an incident lacks because it was not inspected, with all matches masked.

        It returns none if the incident already describes its message, or if the message cannot be read. Raises
        RemoteNodeError if only another node can read it, and that node does not answer.
        """
        if not _lacks_description(incident):
            return {}
        try:
            shown = self.read(incident)
        except UnreadableError as error:
            if isinstance(error.__cause__, RemoteNodeError):
                raise error.__cause__ from error
            maillog.failed(stage="preview", error=f"{incident.id}: {error}")
            return {}
        subject = " ".join(shown["subject"].split())
        return {"subject": subject, "attachments": shown["attachments"], "findings": shown["findings"]}

    @property
    def reads_elsewhere(self) -> bool:
        """Whether messages of other nodes can be read."""
        return self._remote_nodes is not None and self._remote_nodes.can_read

    def submit_there(self, incident: Incident, content: bytes) -> int:
        """Have the node of a message submit the changed one; return 0, or the SMTP code of a refusal.

        Raises QueueError, and RemoteNodeError if that node does not answer.
        """
        assert self._remote_nodes is not None
        return self._remote_nodes.ask(incident, lambda reader: reader.submit(incident.id, content))

    def can_describe(self, incident: Incident) -> bool:
        """Return whether this desk can describe an incident or need not; else the desk of its node does."""
        is_here = self._remote_nodes is None or self._remote_nodes.is_here(incident)
        return is_here or self.reads_elsewhere or not _lacks_description(incident)

    def _ask_agent(self, incident: Incident, question: Callable[[HeldReader], _Answer]) -> _Answer:
        """Query the queue agent of the node that has an incident's message. Raises QueueError."""
        if self._remote_nodes is None or self._remote_nodes.is_here(incident):
            return question(self._queue)
        return self._remote_nodes.ask(incident, question)


def _lacks_description(incident: Incident) -> bool:
    return not (was_inspected(incident) or incident.attachments or incident.findings)
