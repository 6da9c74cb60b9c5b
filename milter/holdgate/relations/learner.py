"""Learns from accepted mail in the background: a thread, and a queue that drops messages when it is full.

Learned data is a hint. If the store is unavailable, mail does not wait; queued messages wait for the store. If the
queue
is full, learning is lost, never mail.
"""

import itertools
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from holdgate import maillog, metrics
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.relations import SLICES, Relations, Weight, number
from holdgate.relations.keys import Hasher
from holdgate.relations.own import OwnDomains
from holdgate.relations.sent import Sent, day_of, forms_of, relations_of
from holdgate.work import Runner

# Seconds between two checks of the queue, and between two portions of the table during retention.
_INTERVAL = 1.0
_PURGE_INTERVAL = 60.0
_MESSAGES = 1000
# For how many days a correspondent's look-alike forms are not written again, and the size of that cache.
_FRESH = 7
_FRESH_MOST = 100_000
# How many single values are learned for one place and day.
_VALUES_A_DAY = 1000
# What one message may add: its first recipients, and the look-alike forms of so many correspondents. Those of the
# others are learned with later messages.
_RECIPIENTS = 1000
_FORMS = 200
# How many relations are written in one transaction, and for how many seconds at most others may write before the next.
_ROWS = 2000
_PAUSE = 1.0

Given = Callable[[], "Sent | Held | None"]
"""Returns a message to learn, or None if it teaches nothing. The learning thread calls it."""

_CHECK = ("key", "check")
_FORGOTTEN = ("key", "forgotten")
COUNTED = ("messages", "recipients", "first")
"""Counted per day: messages, their external recipients, and those whom the sender wrote to for the first time."""


@dataclass(slots=True)
class Lesson:
    """What several messages teach together."""

    number: int
    seen: dict[int, Weight] = field(default_factory=dict)
    # Numbers of senders with recipients, by day, and the number of messages and recipients.
    written: dict[int, int] = field(default_factory=dict)
    counts: dict[tuple[int, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """The single values of a held message (see `Sent.values`): learned if it is released. `day` is since the epoch."""

    incident_id: str
    values: Collection[int]
    day: int


def held_owner(hasher: Hasher, incident_id: str) -> int:
    """Return the owner of the values of a held message."""
    return hasher.owner("held", incident_id)


def released_as(incident_id: str) -> tuple[str, str]:
    """Return kind and name of what is known about a released message: that it was learned."""
    return "released", incident_id


class Teacher:
    """Gathers messages into lessons, and writes these."""

    def __init__(
        self,
        hasher: Hasher,
        table: Relations,
        half_life: float,
        own: Iterable[str] = (),
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        """Write to `table`; `half_life` is in days. `own` are the site's domains that are known in clear text.

        `rest` is called with seconds between two transactions of a long lesson, so that others can write.
        """
        self._hasher = hasher
        self._own = OwnDomains(hasher, own)
        self._table = table
        self._half_life = half_life
        self._rest = rest
        self._numbers = itertools.count(1)
        self._fresh: dict[int, int] = {}
        # Whether this process has written a lesson, and what it read about deleted relations.
        self._has_written = False
        self._forgotten: Weight | None = None
        self._valued: Counter[str] = Counter()
        self._valued_on = 0

    def gather(self, messages: Iterable[Sent | Held]) -> Lesson:
        """Return what these messages teach."""
        with suppress(DatabaseError):  # then it is noticed when the lesson is written
            self._notice_forgetting()
        lesson = Lesson(next(self._numbers))
        for message in messages:
            if isinstance(message, Held):
                owner, once = held_owner(self._hasher, message.incident_id), Weight(1.0, message.day)
                lesson.seen |= {number(owner, value): once for value in message.values}
            elif message.sender and message.outside:
                self._take(lesson, message)
        return lesson

    def _take(self, lesson: Lesson, message: Sent) -> None:
        day, once = message.day, Weight(1.0, message.day)
        message = self._limited(
            replace(message, outside=message.outside[:_RECIPIENTS], inside=message.inside[:_RECIPIENTS])
        )
        seen = lesson.seen
        about_twins = self._own.learned(message.places, message.sender, day, message.released)
        released = (self._hasher.mark(*released_as(message.incident_id)),) if message.incident_id else ()
        for key in itertools.chain(relations_of(self._hasher, message), about_twins, released):
            before = seen.get(key)
            seen[key] = once if before is None else before.plus(1.0, day, self._half_life)
        strange = (one for one in forms_of(self._hasher, message) if day - self._fresh.get(one[0], -_FRESH) >= _FRESH)
        for known, forms in itertools.islice(strange, _FORMS):
            if len(self._fresh) >= _FRESH_MOST:
                self._fresh.clear()
            self._fresh[known] = day
            seen.update(dict.fromkeys(forms(), once))
        for recipient in message.outside:
            lesson.written.setdefault(self._hasher.edge("sender address", message.sender, recipient), day)
        for name, count in (("messages", 1), ("recipients", len(message.outside))):
            lesson.counts[day, name] = lesson.counts.get((day, name), 0) + count

    def _limited(self, message: Sent) -> Sent:
        """Return a message without values if a place got very many today, such as the lists of a payroll office."""
        if not message.values:
            return message
        if message.day > self._valued_on:
            self._valued_on, self._valued = message.day, Counter()
        places = message.places
        if any(self._valued[place] >= _VALUES_A_DAY for place in places):
            return replace(message, values={})
        self._valued.update(dict.fromkeys(places, len(message.values)))
        return message

    def write(self, lesson: Lesson) -> None:
        """Write a lesson, in several transactions if it is long. Raises DatabaseError; it can then be written again."""
        self._notice_forgetting()
        keys = sorted(lesson.seen)
        for place in range(0, len(keys), _ROWS):
            begun = time.perf_counter()
            part = {key: lesson.seen[key] for key in keys[place : place + _ROWS]}
            new = self._table.add(part, self._half_life)
            # If a later step fails, this is not written twice.
            for key in part:
                del lesson.seen[key]
                day = lesson.written.pop(key, None)
                if day is not None and key in new:
                    lesson.counts[day, "first"] = lesson.counts.get((day, "first"), 0) + 1
            if lesson.seen:
                self._rest(min(time.perf_counter() - begun, _PAUSE))
        if lesson.counts:
            counted = {
                self._hasher.mark(f"day {name}", str(day)): Weight(float(count), day)
                for (day, name), count in lesson.counts.items()
            }
            check = {self._hasher.mark(*_CHECK): Weight(1.0, max(lesson.counts)[0])}
            self._table.add(counted | check, self._half_life)
            self._has_written = True

    def forgot(self, day: int) -> None:
        """Record that relations were deleted on a day: processes that run then learn the forms of names again."""
        self._table.add({self._hasher.mark(*_FORGOTTEN): Weight(1.0, day)}, self._half_life)

    def _notice_forgetting(self) -> None:
        """Learn all forms of names again if relations were deleted since the last lesson. Raises DatabaseError."""
        check, forgotten = (self._hasher.mark(*one) for one in (_CHECK, _FORGOTTEN))
        found = self._table.of([check, forgotten])
        if (self._has_written and check not in found) or found.get(forgotten) != self._forgotten:
            self._fresh.clear()
        self._forgotten = found.get(forgotten)

    def has_other_key(self) -> bool:
        """Return whether the table's data was learned with another key."""
        check = self._hasher.mark(*_CHECK)
        return not self._table.of([check]) and self._table.has_any()


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
                metrics.RELATIONS_LEARNED.inc(len(messages))
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
            metrics.RELATIONS_DROPPED.labels("error").inc(lesson.counts.get((0, "messages"), 1))
            maillog.failed(stage="relations", error=maillog.describe(error))

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
