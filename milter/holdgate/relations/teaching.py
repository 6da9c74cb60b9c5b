"""What messages teach together, and how it is written: a bounded part of each message, in short transactions."""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.relations import Relations, Weight, number
from holdgate.relations.keys import Hasher
from holdgate.relations.own import OwnDomains
from holdgate.relations.sent import Sent, forms_of, relations_of

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

_CHECK = ("key", "check")
_FORGOTTEN = ("key", "forgotten")
COUNTED = ("messages", "recipients", "first")
"""Counted per day: messages, their external recipients, and those whom the sender wrote to for the first time."""


@dataclass(slots=True)
class Lesson:
    """What several messages teach together; `messages` is their number."""

    number: int
    messages: int = 0
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
            lesson.messages += 1
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
        about_twins = self._own.learned(message)
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
