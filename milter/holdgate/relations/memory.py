"""Reads learned data while a message waits: from memory if possible, and never longer than the time limit."""

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import partial
from typing import Final, NamedTuple, TypeVar

from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.relations import Relations, Weight, parts

T = TypeVar("T")

GROWN: Final = 6.0
"""Twice the highest threshold of the evaluator. A lower weight is not cached: the next message may lift it over one."""

_MOST = 50_000
# How long a cached weight is valid, and the pause after a read from the store that timed out, in seconds.
_KEEP = 300.0
_REST = 10.0
_READERS = 4


class UnknownError(Exception):
    """The learned data could not be read in time, or comparing the message takes too long."""


class Wait(NamedTuple):
    """Until when a message waits, and how long one statement must have had before the store counts as silent.

    Times are in seconds, `until` on the clock of `Memory`. A message that has used up its time itself shows nothing
    about the store.
    """

    until: float
    silence: float


class Memory:
    """A cache of what the next messages do not change: high weights, and owners of many relations. Thread-safe."""

    def __init__(self, table: Relations, half_life: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Read from `table`; `half_life` is in days."""
        self._table = table
        self._half_life = half_life
        self._clock = clock
        self._kept: dict[int, tuple[Weight, float]] = {}
        self._owned: dict[int, tuple[dict[int, Weight], float]] = {}
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="relations")
        self._rests_until = float("-inf")

    def view(self, day: int, seconds: float) -> "TimedView":
        """Return the data as weighted on a day. Reading raises UnknownError after `seconds`."""
        return TimedView(self, day, Wait(self._clock() + seconds, seconds / 2))

    def close(self) -> None:
        """Start no further reads."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    def keep(self, found: Mapping[int, Weight], day: int) -> None:
        """Cache those that were read and are high enough on a day."""
        grown = {key: weight for key, weight in found.items() if self.weight(weight, day) >= GROWN}
        if len(self._kept) + len(grown) > _MOST:
            self._kept = {}
        until = self._clock() + _KEEP
        self._kept.update((key, (weight, until)) for key, weight in grown.items())

    def kept(self, keys: Collection[int]) -> dict[int, Weight]:
        """Return cached data."""
        now, kept = self._clock(), self._kept
        return {key: one[0] for key in keys if (one := kept.get(key)) is not None and one[1] > now}

    def read(self, keys: Collection[int], day: int, wait: Wait) -> dict[int, Weight]:
        """Return the store's data for these numbers, with one statement after another. Raises UnknownError."""
        found: dict[int, Weight] = {}
        for part in parts(sorted(keys)):
            found |= self._in_time(partial(self._table.of, part), wait)
        self.keep(found, day)
        return found

    def look(
        self, keys: Collection[int], owners: Collection[int], most: int, day: int, wait: Wait
    ) -> tuple[dict[int, Weight], dict[int, dict[int, Weight]]]:
        """Return weights, and the first relations of each owner, `most` of each. Raises UnknownError.

        An owner is cached if it has so many: then it belongs to no single target, whatever follows.
        """
        now = self._clock()
        known = self.kept(keys)
        gone = {owner: one[0] for owner in owners if (one := self._owned.get(owner)) is not None and one[1] > now}
        missing = [key for key in keys if key not in known]
        unread = [owner for owner in owners if owner not in gone]
        if missing or unread:
            first, *others = parts(missing) if missing else [missing]
            found, read = self._in_time(lambda: self._table.look(first, unread, most), wait)
            self.keep(found, day)
            for part in others:
                found |= self.read(part, day, wait)
            if len(self._owned) + len(read) > _MOST:
                self._owned = {}
            self._owned.update((owner, (one, now + _KEEP)) for owner, one in read.items() if len(one) >= most)
            known |= found
            gone |= read
        return known, gone

    def weight(self, weight: Weight, day: int) -> float:
        """Return what remains of a weight on a day."""
        return weight.on(day, self._half_life)

    def _in_time(self, step: Callable[[], T], wait: Wait) -> T:
        now = self._clock()
        if now < self._rests_until:
            raise UnknownError("the store did not answer in time a moment ago")
        left = wait.until - now
        if left <= 0:
            raise UnknownError("comparing the message takes too long")
        try:
            # A pool that was closed during a reload raises RuntimeError.
            future: Future[T] = self._readers.submit(step)
            return future.result(left)
        except FutureTimeoutError as error:
            future.cancel()
            if left >= wait.silence:
                self._rests_until = now + _REST
            raise UnknownError("the store did not answer in time") from error
        except (DatabaseError, RuntimeError) as error:
            self._rests_until = now + _REST
            raise UnknownError(type(error.__cause__ or error).__name__) from error


class TimedView:
    """Learned data as weighted on one day, for one message (see `evaluator.View`). Its methods raise UnknownError."""

    def __init__(self, memory: Memory, day: int, wait: Wait) -> None:
        self._memory, self._day, self._wait = memory, day, wait

    def of(self, keys: Collection[int]) -> dict[int, float]:
        """Return the weights of those numbers that exist."""
        found = self._memory.kept(keys)
        missing = [key for key in keys if key not in found]
        if missing:
            found |= self._memory.read(missing, self._day, self._wait)
        return self._weighted(found)

    def read(self, keys: Collection[int]) -> dict[int, float]:
        """Return the same from the store, without the cache."""
        return self._weighted(self._memory.read(keys, self._day, self._wait))

    def look(
        self, keys: Collection[int], owners: Collection[int], most: int
    ) -> tuple[dict[int, float], dict[int, dict[int, float]]]:
        """Return weights, and the first relations of each owner by the number of the target."""
        known, gone = self._memory.look(keys, owners, most, self._day, self._wait)
        return self._weighted(known), {owner: self._weighted(targets) for owner, targets in gone.items()}

    def _weighted(self, found: Mapping[int, Weight]) -> dict[int, float]:
        return {key: self._memory.weight(one, self._day) for key, one in found.items()}
