"""Runs background work an item at a time, so that one bad item never stops the others.

Every loop of the daemons (adopt, release, delete, ask, remind, expire, send, erase) gives its items to a `Runner` of
its own. An error is the item's: it is counted and logged with the item's id, and the item waits, longer each time,
while the others go on. Some errors are everybody's, such as a store that is away: after a few of these in a row, with
nothing that worked in between, the round ends, for each further item would only wait as long.

No lock: a runner belongs to one thread.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from holdgate import maillog, metrics

T = TypeVar("T")
A = TypeVar("A")

# So many shared errors in a row end a round.
_SHARED_IN_A_ROW = 3

# How long an item waits after an error that is everybody's, at most, in seconds: it is tried soon after all is well.
_SHARED_PAUSE = 5.0


@dataclass(slots=True)
class _Trouble:
    """What a runner remembers of an item that failed: how often, when it was tried last, when it is retried."""

    attempts: int
    tried_at: float
    not_before: float


@dataclass(frozen=True, slots=True)
class Round:
    """What became of one round: how many items were done and failed, how many were left for lack of time.

    `shared` says that it ended because of errors that are everybody's.
    """

    done: int = 0
    failed: int = 0
    left: int = 0
    shared: bool = False


class Runner(Generic[T]):
    """Runs items of one kind, named by `stage` in log and metrics.

    `key` names an item; `queue_id` is what its log line begins with, where it has one. `first` and `longest` are the
    pauses before it is retried, in seconds. `shared` are the errors that are everybody's; `quiet` those that are
    nobody's fault (somebody else was first), which are retried without a word.
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
        quiet: tuple[type[Exception], ...] = (),
        say: Callable[[Exception], str] = maillog.describe,
        clock: Callable[[], float] = lambda: time.monotonic(),
    ) -> None:
        self._stage = stage
        self.key = key
        self._queue_id = queue_id
        self._first, self._longest = first, longest
        self._shared, self._quiet = shared, quiet
        self._say = say
        self._clock = clock
        self._troubles: dict[str, _Trouble] = {}
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
        """Take `step` with each item whose time has come; begin none after `budget` seconds or once it is `enough`.

        Raises no Exception.
        """
        for batch in self.batches(items, size=1, budget=budget, enough=enough):
            batch.each(step)
        return self.round

    def batches(
        self, items: Iterable[T], *, size: int, budget: float, enough: Callable[[], bool] = lambda: False
    ) -> Iterator["Batch[T]"]:
        """Yield the items whose time has come in batches, none after `budget` seconds or once it is `enough`.

        `items` are all there are, also those that have to wait: one that is missing is forgotten.
        The caller takes its steps by the methods of the batch, and never breaks off its loop. What has not failed by
        the end of the loop's body is done. An item that failed before is in a batch of its own, so that it can spoil no
        other. `round` says afterwards how it went.
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
                self._troubles.pop(self.key(item), None)
            done += len(batch.items)
            failed += len(batch.errors)
            everybodys = any(isinstance(error, self._shared) for _, error in batch.errors)
            in_a_row = in_a_row + 1 if everybodys and not batch.items else 0
            self.round = Round(done, failed, due - done - failed, in_a_row >= _SHARED_IN_A_ROW)
            if self.round.shared:
                return

    def is_due(self) -> bool:
        """Say whether an item that failed may be retried by now."""
        now = self._clock()
        return any(trouble.not_before <= now for trouble in self._troubles.values())

    def _chunks(self, items: list[T], size: int, now: float) -> list[list[T]]:
        """Return what may be tried at `now`, in the order in which it is, and forget what is not there any more.

        New items and those tried before take turns to go first, and of the latter the one tried longest ago, so that
        neither many new ones nor many that fail keep the others from their turn.
        """
        keys = set(map(self.key, items))
        self._troubles = {key: trouble for key, trouble in self._troubles.items() if key in keys}
        known = [(self._troubles.get(self.key(item)), item) for item in items]
        fresh = [item for trouble, item in known if trouble is None]
        again = [(trouble.tried_at, item) for trouble, item in known if trouble and trouble.not_before <= now]
        again.sort(key=lambda pair: pair[0])
        new = [fresh[place : place + size] for place in range(0, len(fresh), size)]
        old = [[item] for _, item in again]
        self._again_first = not self._again_first
        return new + old if self._again_first else old + new

    def _note(self, item: T, error: Exception, now: float) -> None:
        key = self.key(item)
        before = self._troubles.get(key)
        attempts = 1 if before is None else before.attempts + 1
        longest = min(self._longest, _SHARED_PAUSE) if isinstance(error, self._shared) else self._longest
        pause = min(self._first * 2.0 ** min(attempts - 1, 30), longest)
        self._troubles[key] = _Trouble(attempts, now, now + pause)
        if isinstance(error, self._quiet):
            return
        metrics.ERRORS.labels(self._stage).inc()
        maillog.work_failed(
            self._queue_id(item), stage=self._stage, item=key, error=self._say(error), attempts=attempts
        )


class Batch(Generic[T]):
    """Some items on their way through a number of steps; who fails in one takes no part in the next."""

    def __init__(self, items: list[T]) -> None:
        self.items = items
        self.errors: list[tuple[T, Exception]] = []

    def each(self, step: Callable[[T], object]) -> None:
        """Take a step with each item by itself."""
        for item in self.items[:]:
            self._take(item, partial(step, item))

    def together(self, step: Callable[[list[T]], Sequence[A]], then: Callable[[T, A], object]) -> None:
        """Take a step with all items at once, if there are any, and `then` one with each and its own outcome of it.

        Where the step for all fails, they all fail.
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
            self._take(item, partial(then, item, outcome))

    def _take(self, item: T, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:
            self.items.remove(item)
            self.errors.append((item, error))
