"""Learns from accepted mail in the background: a thread, and a queue that drops messages when it is full.

Learned data is a hint. If the store is unavailable, mail does not wait; queued messages wait for the store. If the
queue is full, learning is lost, never mail.
"""

import itertools
import queue
import threading
from collections.abc import Callable, Iterable
from datetime import datetime

from holdgate import maillog, metrics
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.relations import SLICES, Relations
from holdgate.relations.sent import Sent, day_of
from holdgate.relations.teaching import Held, Lesson, Teacher
from holdgate.work import Runner

# Seconds between two checks of the queue, and between two portions of the table during retention.
_INTERVAL = 1.0
_PURGE_INTERVAL = 60.0
_MESSAGES = 1000

Given = Callable[[], "Sent | Held | None"]
"""Returns a message to learn, or None if it teaches nothing. The learning thread calls it."""


class Learner:
    """A queue and the thread that processes it."""

    def __init__(
        self,
        teacher: Teacher,
        table: Relations,
        *,
        room: int,
        retention: int,
        now: Callable[[], datetime],
        more: Callable[[], Iterable[Given]] = tuple,
    ) -> None:
        """Keep at most `room` messages; `retention` is in days. `more` is called each minute for other messages."""
        self._teacher = teacher
        self._table = table
        self._retention = retention
        self._now = now
        self._more = more
        self._queue: queue.Queue[Given] = queue.Queue(room)
        self._lesson: Lesson | None = None
        self._lessons: Runner[Lesson] = Runner(
            stage="relations", key=lambda lesson: f"lesson {lesson.number}", shared=(DatabaseError,)
        )
        self._parts: Runner[int] = Runner(stage="relations", key=lambda part: f"part {part}", shared=(DatabaseError,))
        self._others: Runner[int] = Runner(stage="relations", key=lambda _: "released", shared=(DatabaseError,))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relations", daemon=True)

    def start(self) -> None:
        """Start learning."""
        self._thread.start()

    def close(self, seconds: float = 5.0) -> None:
        """Write what is in the queue, for at most `seconds`, and stop."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def put(self, message: Given) -> None:
        """Queue a message for learning, or drop it if the queue is full."""
        try:
            self._queue.put_nowait(message)
        except queue.Full:
            metrics.RELATIONS_DROPPED.labels("queue full").inc()

    def _run(self) -> None:
        self._others.run([0], lambda _: self._look_at_key(), budget=_INTERVAL)
        parts = itertools.cycle(range(SLICES))
        waited = 0.0
        while not self._stop.wait(_INTERVAL):
            self.learn()
            waited += _INTERVAL
            if waited >= _PURGE_INTERVAL:
                waited = 0.0
                self._each_minute(next(parts))
        self.learn()

    def _look_at_key(self) -> None:
        if self._teacher.has_other_key():
            error = "the store was learned with another key than relations.key; see holdgate relations report"
            maillog.failed(stage="relations", error=error)

    def _each_minute(self, part: int) -> None:
        before = day_of(self._now()) - self._retention
        self._parts.run([part], lambda one: self._table.purge(before, one), budget=_INTERVAL)
        self._others.run([0], self._put_more, budget=_INTERVAL)

    def _put_more(self, _: int) -> None:
        for given in self._more():
            self.put(given)

    def learn(self) -> None:
        """Write what is in the queue. What the store cannot accept now is kept; what fails otherwise is dropped."""
        while True:
            if self._lesson is None:
                messages = self._taken()
                if not messages:
                    return
                self._lesson = self._teacher.gather(messages)
            outcome = self._lessons.run([self._lesson], self._write, budget=_INTERVAL)
            if not outcome.done:
                return
            self._lesson = None

    def _write(self, lesson: Lesson) -> None:
        try:
            self._teacher.write(lesson)
        except DatabaseError:
            raise
        except Exception as error:  # it would fail again
            metrics.ERRORS.labels("relations").inc()
            metrics.RELATIONS_DROPPED.labels("error").inc(lesson.messages)
            maillog.failed(stage="relations", error=maillog.describe(error))
        else:
            metrics.RELATIONS_LEARNED.inc(lesson.messages)

    def _taken(self) -> list[Sent | Held]:
        messages: list[Sent | Held] = []
        while len(messages) < _MESSAGES:
            try:
                given = self._queue.get_nowait()
            except queue.Empty:
                break
            try:
                if (message := given()) is not None:
                    messages.append(message)
            except Exception as error:  # a failed table lookup, or one bad message
                metrics.RELATIONS_DROPPED.labels("error").inc()
                maillog.failed(stage="relations", error=maillog.describe(error))
        return messages
