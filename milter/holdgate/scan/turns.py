"""Turns: who gets the next place at the workers, so that one sender's mail does not keep everybody else's waiting.

Each message belongs to somebody: a SASL user, or else a client's address. Of those who wait, whoever holds fewest
places comes first, then whoever had least of the workers' time lately. One place is kept for small messages of somebody
who holds none, so that it is free soon even while all others are taken by large or slow mail.
"""

import threading
import time
from dataclasses import dataclass, field

# Time that somebody used counts half after so many seconds.
_HALF_LIFE = 30.0
# Of more people than this, those who used least are forgotten.
_REMEMBERED = 1_000


class NoTurnError(Exception):
    """No place was to be had in time."""


@dataclass(slots=True, eq=False)
class _Waiting:
    who: str
    is_small: bool
    called: threading.Lock = field(default_factory=threading.Lock)
    has_place: bool = False


class Turns:
    """Shares out `places`. With `keeps_one`, the last of them is for a small message of somebody who holds none."""

    def __init__(self, places: int, *, keeps_one: bool) -> None:
        self._free = places
        self._keeps_one = keeps_one
        self._lock = threading.Lock()
        self._held: dict[str, int] = {}
        self._used: dict[str, float] = {}
        self._halved = time.monotonic()
        self._waiting: list[_Waiting] = []

    def take(self, who: str, *, is_small: bool, patience: float) -> None:
        """Wait for a place, at most `patience` seconds. Raises NoTurnError. Each place taken has to be given back."""
        with self._lock:
            if self._may(who, is_small):
                self._grant(who)
                return
            waiting = _Waiting(who, is_small)
            waiting.called.acquire()
            self._waiting.append(waiting)
        if waiting.called.acquire(timeout=patience):
            return
        with self._lock:
            if not waiting.has_place:
                self._waiting.remove(waiting)
                raise NoTurnError

    def give_back(self, who: str, seconds: float) -> None:
        """Give a place back that was used for `seconds`, and call whoever is next."""
        with self._lock:
            self._free += 1
            self._held[who] -= 1
            if not self._held[who]:
                del self._held[who]
            self._count(who, seconds)
            while self._waiting and (next_ := self._next()) is not None:
                self._waiting.remove(next_)
                self._grant(next_.who)
                next_.has_place = True
                next_.called.release()

    def _may(self, who: str, is_small: bool) -> bool:
        kept = 1 if self._keeps_one and (not is_small or who in self._held) else 0
        return self._free > kept

    def _grant(self, who: str) -> None:
        self._free -= 1
        self._held[who] = self._held.get(who, 0) + 1

    def _next(self) -> _Waiting | None:
        """Return who is next of those who may; of equals, who came first."""
        able = [one for one in self._waiting if self._may(one.who, one.is_small)]
        return min(able, key=lambda one: (self._held.get(one.who, 0), self._used.get(one.who, 0.0)), default=None)

    def _count(self, who: str, seconds: float) -> None:
        now = time.monotonic()
        if now - self._halved >= _HALF_LIFE:
            share = 0.5 ** ((now - self._halved) / _HALF_LIFE)
            self._used = {one: used * share for one, used in self._used.items() if used * share > 0.001}
            self._halved = now
        self._used[who] = self._used.get(who, 0.0) + seconds
        if len(self._used) > 2 * _REMEMBERED:
            most = sorted(self._used, key=self._used.__getitem__, reverse=True)[:_REMEMBERED]
            self._used = {one: self._used[one] for one in most}
