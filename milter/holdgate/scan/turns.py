"""Turns: assigns free places at the workers, so that one sender's mail does not delay everyone else's.

Each message belongs to a SASL user or, without one, to a client's address and there to an envelope sender. Of the
waiting ones, the owner with the fewest places is first, then the owner who recently used the least worker time.
Messages of one client are ordered in the same way by their senders. One place is reserved for small messages of a
client that has none, so that it is soon free even while large or slow mail uses all others. Another is reserved for
those of a sender who has none, because a relay brings mail of many senders. Senders can be forged, so that place is not
guaranteed.
"""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

# Half-life of used worker time, in seconds.
_HALF_LIFE = 30.0
# Maximum number of remembered owners; those who used the least are forgotten.
_REMEMBERED = 1_000


class NoTurnError(Exception):
    """No place became free in time."""


@dataclass(slots=True, eq=False)
class _Waiting:
    who: str
    sender: str
    is_small: bool
    called: threading.Lock = field(default_factory=threading.Lock)
    has_place: bool = False


class Turns:
    """Assigns `places`.

    `kept` of them are for small messages: with 1, the last is for a client that has none; with 2, the one before it is
    for a sender who has none.
    """

    def __init__(self, places: int, *, kept: int) -> None:
        self._free = places
        self._kept = kept
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()
        self._held_by_sender: Counter[tuple[str, str]] = Counter()
        self._used: dict[str | tuple[str, str], float] = {}
        self._halved = time.monotonic()
        self._waiting: list[_Waiting] = []

    def acquire(self, who: str, sender: str = "", *, is_small: bool, wait_limit: float) -> None:
        """Wait for a place, at most `wait_limit` seconds. Raises NoTurnError. The caller must release each place."""
        waiting = _Waiting(who, sender, is_small)
        with self._lock:
            if self._can_start(waiting):
                self._grant(waiting)
                return
            waiting.called.acquire()
            self._waiting.append(waiting)
        if waiting.called.acquire(timeout=wait_limit):
            return
        with self._lock:
            if not waiting.has_place:
                self._waiting.remove(waiting)
                raise NoTurnError

    def release(self, who: str, seconds: float, sender: str = "") -> None:
        """Release a place that was used for `seconds`, and wake the next owner."""
        with self._lock:
            self._free += 1
            self._held -= Counter([who])  # an owner without a place is forgotten
            self._held_by_sender -= Counter([(who, sender)])
            self._count(who, sender, seconds)
            while self._waiting and (next_ := self._next()) is not None:
                self._waiting.remove(next_)
                self._grant(next_)
                next_.has_place = True
                next_.called.release()

    def _can_start(self, one: _Waiting) -> bool:
        kept = self._kept
        if one.is_small and not self._held[one.who]:
            kept = 0
        elif one.is_small and not self._held_by_sender[one.who, one.sender]:
            kept = min(kept, 1)
        return self._free > kept

    def _grant(self, one: _Waiting) -> None:
        self._free -= 1
        self._held[one.who] += 1
        self._held_by_sender[one.who, one.sender] += 1

    def _next(self) -> _Waiting | None:
        """Return the next of those who can have a place; of equals, the one that has waited longest."""
        return min((one for one in self._waiting if self._can_start(one)), key=self._share, default=None)

    def _share(self, one: _Waiting) -> tuple[float, ...]:
        pair = (one.who, one.sender)
        held, by_sender = self._held[one.who], self._held_by_sender[pair]
        return held, self._used.get(one.who, 0.0), by_sender, self._used.get(pair, 0.0)

    def _count(self, who: str, sender: str, seconds: float) -> None:
        now = time.monotonic()
        if now - self._halved >= _HALF_LIFE:
            share = 0.5 ** ((now - self._halved) / _HALF_LIFE)
            self._used = {one: used * share for one, used in self._used.items() if used * share > 0.001}
            self._halved = now
        for one in (who, (who, sender)):
            self._used[one] = self._used.get(one, 0.0) + seconds
        if len(self._used) > 2 * _REMEMBERED:
            most = sorted(self._used, key=self._used.__getitem__, reverse=True)[:_REMEMBERED]
            self._used = {one: self._used[one] for one in most}
