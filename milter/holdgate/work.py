"""Runs background work one item at a time, so that a bad item never stops the others.

Every loop of the daemons (adopt, release, delete, ask, remind, expire, send, erase) has its own `Runner`. An error
belongs to its item: it is counted and logged with the item's id. The item is retried after a pause that grows, and the
others go on. Some errors affect all items, such as a store that is unreachable. After a few of these in a row without
a success between them, the round ends, because each further item would only wait as long.

There is no lock: a runner belongs to one thread.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from holdgate import maillog, metrics

T = TypeVar("T")
A = TypeVar("A")

# A round ends after this many shared errors in a row.
_SHARED_IN_A_ROW = 3

# Longest pause in seconds after an error that affects all items: they are retried soon after it is resolved.
_SHARED_PAUSE = 5.0


@dataclass(slots=True)
class _Failure:
    """What a runner remembers about a failed item: its attempts, the time of the last one, and that of the retry."""

    attempts: int
    tried_at: float
    not_before: float


@dataclass(frozen=True, slots=True)
class Round:
    """The result of one round: how many items succeeded, failed, or were left because time ran out.

    `shared` is true if the round ended because of errors that affect all items.
    """

    done: int = 0
    failed: int = 0
    left: int = 0
    shared: bool = False


class Runner(Generic[T]):
    """Runs items of one kind, named by `stage` in log and metrics.

    `key` returns an item's id, `queue_id` the queue id for its log line, if it has one. `first` and `longest` are the
    pauses before a retry, in seconds. `shared` are the errors that affect all items. `expected` are errors
    (another process was first), which are retried without a log line.
    """

    def __init__(
        self,
        *,
        stage: str,
        key: Callable[[T], str],
        queue_id: Callable[[T], str] = lambda _: "",
        first: float = 1.0,
        longest: float = 60.0,
        shared: tuple[type[Exception], ...] = (),
        expected: tuple[type[Exception], ...] = (),
        describe: Callable[[Exception], str] = maillog.describe,
        clock: Callable[[], float] = lambda: time.monotonic(),
    ) -> None:
        self._stage = stage
        self.key = key
        self._queue_id = queue_id
        self._first, self._longest = first, longest
        self._shared, self._expected = shared, expected
        self._describe = describe
        self._clock = clock
        self._failures: dict[str, _Failure] = {}
        self._again_first = False
        self.round = Round()

    def run(
        self,
        items: Iterable[T],
        step: Callable[[T], object],
        *,
        budget: float,
        enough: Callable[[], bool] = lambda: False,
    ) -> Round:
        """Run `step` for each item that is due; start none after `budget` seconds or once `enough` returns true.

        Raises no Exception.
        """
        for batch in self.batches(items, size=1, budget=budget, enough=enough):
            batch.each(step)
        return self.round

    def batches(
        self, items: Iterable[T], *, size: int, budget: float, enough: Callable[[], bool] = lambda: False
    ) -> Iterator["Batch[T]"]:
        """Yield the items that are due in batches, none after `budget` seconds or once `enough` returns true.

        `items` are all existing items, including those that must wait: a missing one is forgotten. The caller runs its
        steps with the methods of the batch, and never leaves its loop early. An item without an error at the end of the
        loop's body is done. An item that failed earlier gets a batch of its own, so that it cannot affect others.
        `round` has the result afterwards.
        """
        begun = self._clock()
        chunks = self._chunks(list(items), size, begun)
        due = sum(map(len, chunks))
        done = failed = in_a_row = 0
        self.round = Round(left=due)
        for chunk in chunks:
            if done + failed and (self._clock() - begun >= budget or enough()):
                break
            batch = Batch(chunk)
            yield batch
            now = self._clock()
            for item, error in batch.errors:
                self._note(item, error, now)
            for item in batch.items:
                self._failures.pop(self.key(item), None)
            done += len(batch.items)
            failed += len(batch.errors)
            is_shared = any(isinstance(error, self._shared) for _, error in batch.errors)
            in_a_row = in_a_row + 1 if is_shared and not batch.items else 0
            self.round = Round(done, failed, due - done - failed, in_a_row >= _SHARED_IN_A_ROW)
            if self.round.shared:
                return

    @property
    def waits(self) -> bool:
        """Whether an item failed and has to be retried."""
        return bool(self._failures)

    def is_due(self) -> bool:
        """Return whether a failed item is due for a retry."""
        now = self._clock()
        return any(failure.not_before <= now for failure in self._failures.values())

    def _chunks(self, items: list[T], size: int, now: float) -> list[list[T]]:
        """Return the items to try at `now`, in this order, and forget items that no longer exist.

        New items and retried items alternate in going first. Of the retried ones, the one with the oldest attempt is
        first.
        So neither many new items nor many failing ones delay the others for ever.
        """
        keys = set(map(self.key, items))
        self._failures = {key: failure for key, failure in self._failures.items() if key in keys}
        known = [(self._failures.get(self.key(item)), item) for item in items]
        fresh = [item for failure, item in known if failure is None]
        again = [(failure.tried_at, item) for failure, item in known if failure and failure.not_before <= now]
        again.sort(key=lambda pair: pair[0])
        new = [fresh[place : place + size] for place in range(0, len(fresh), size)]
        old = [[item] for _, item in again]
        self._again_first = not self._again_first
        return new + old if self._again_first else old + new

    def _note(self, item: T, error: Exception, now: float) -> None:
        key = self.key(item)
        before = self._failures.get(key)
        attempts = 1 if before is None else before.attempts + 1
        longest = min(self._longest, _SHARED_PAUSE) if isinstance(error, self._shared) else self._longest
        pause = min(self._first * 2.0 ** min(attempts - 1, 30), longest)
        self._failures[key] = _Failure(attempts, now, now + pause)
        if isinstance(error, self._expected):
            return
        metrics.ERRORS.labels(self._stage).inc()
        maillog.work_failed(
            self._queue_id(item), stage=self._stage, item=key, error=self._describe(error), attempts=attempts
        )


class Batch(Generic[T]):
    """Items that go through several steps; an item that fails in one step is left out of the next ones."""

    def __init__(self, items: list[T]) -> None:
        self.items = items
        self.errors: list[tuple[T, Exception]] = []

    def each(self, step: Callable[[T], object]) -> None:
        """Run a step for each item separately."""
        for item in self.items[:]:
            self._run_step(item, partial(step, item))

    def together(self, step: Callable[[list[T]], Sequence[A]], then: Callable[[T, A], object]) -> None:
        """Run a step for all items at once, if there are any, then `then` for each item with its own outcome.

        If the common step fails, all items fail.
        """
        items = self.items[:]
        try:
            outcomes = step(items) if items else ()
            if len(outcomes) != len(items):
                raise ValueError("an outcome for each item")
        except Exception as error:
            self.errors.extend((item, error) for item in items)
            self.items.clear()
            return
        for item, outcome in zip(items, outcomes, strict=True):
            self._run_step(item, partial(then, item, outcome))

    def _run_step(self, item: T, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:
            self.items.remove(item)
            self.errors.append((item, error))
