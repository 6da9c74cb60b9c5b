"""Wakes the daemons that have something to do, on PostgreSQL, by LISTEN and NOTIFY; polling remains the truth.

A change that gives work rings after its commit, never in its transaction: NOTIFY takes a lock over the whole instance
while it commits (PostgreSQL, async.c, PreCommit_Notify). Rings of the same moment go out in one NOTIFY, without waiting
for the disk. Who listens has a connection of its own, which no pooler may share. It calls itself now and then through
the connections that write: while it hears that, its daemon may look less often; if not, the daemon polls as without it.
"""

import secrets
import threading
import time
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from holdgate import maillog
from holdgate.quarantine.database import direct, is_shared

DESK = "desk"
"""Rings for all desks: something is to be asked or sent."""

REST = 5.0
"""How often a daemon that hears rings looks for work all the same, in seconds."""

_CHANNEL = "holdgate"
# How long rings are gathered, in seconds: so many a second a process sends at most, and so much later others wake up.
_GATHERED = 0.05
# How often the listener calls itself, how long it waits to hear that, and when it connects again, in seconds.
_PROOF_INTERVAL = 30.0
_PROOF_TIMEOUT = 5.0
_RECONNECT = 5.0

# It changes nothing that a crash could lose.
_RING = text("SELECT set_config('synchronous_commit', 'off', true), pg_notify(:channel, :words)")


def queue_of(node: str) -> str:
    """Return what rings for the queue agent of a node."""
    return f"queue:{node}"


class Bell:
    """Rings. May be used by many threads; what fails is left to polling."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._rings = is_shared(engine)
        self._lock = threading.Lock()
        self._words: set[str] = set()
        self._thread: threading.Thread | None = None

    def ring(self, *words: str) -> None:
        """Ring soon for who listens to one of these words."""
        if not self._rings or not words:
            return
        with self._lock:
            self._words.update(words)
            if self._thread is None:
                # Not a daemon: a command does not end before it has rung.
                self._thread = threading.Thread(target=self._send, name="bell")
                self._thread.start()

    def close(self) -> None:
        """Wait for what rings now, and ring no more."""
        with self._lock:
            self._rings = False
            thread = self._thread
        if thread is not None:
            thread.join()

    def _send(self) -> None:
        time.sleep(_GATHERED)
        with self._lock:
            words, self._words = self._words, set()
            self._thread = None
        with suppress(SQLAlchemyError):
            send(self._engine, words)


def send(engine: Engine, words: Collection[str]) -> None:
    """Ring at once. Raises SQLAlchemy's errors."""
    with engine.begin() as connection:
        connection.execute(_RING, {"channel": _CHANNEL, "words": " ".join(sorted(words))})


class Waker:
    """Waits for a ring, or for a time. It belongs to one thread; others wake it."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def wake(self) -> None:
        """End the wait under way, or the next one."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait so long at most; say whether it was woken."""
        was_woken = self._event.wait(seconds)
        self._event.clear()
        return was_woken


class Listener:
    """Hears rings, and wakes. `url` is that of a direct connection; `engine` writes, maybe through a pooler.

    `hears` says whether a ring would be heard now.
    """

    hears = False

    def __init__(self, engine: Engine, url: str, words: Collection[str]) -> None:
        self._engine, self._url = engine, url
        self._words = set(words)
        self._wakers: list[Waker] = []
        self._stop = threading.Event()
        self._was_deaf = False
        self._thread = threading.Thread(target=self._listen, name="listener", daemon=True)

    def waker(self) -> Waker:
        """Return what is woken by each ring. To be called before `start`."""
        made = Waker()
        self._wakers.append(made)
        return made

    def start(self) -> None:
        """Begin to listen, where the store has rings."""
        if is_shared(self._engine):
            self._thread.start()

    def close(self) -> None:
        """End, and wake all."""
        self._stop.set()
        self._wake()

    def pause(self, short: float, long: float) -> float:
        """Return how long to wait before the next look: `long` where rings are heard."""
        return long if self.hears else short

    def _wake(self) -> None:
        for one in self._wakers:
            one.wake()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                with closing(direct(self._url)) as connection:
                    connection.execute(f"LISTEN {_CHANNEL}")
                    self._hear(connection)
            except Exception as error:  # whatever it is, polling goes on
                self._deaf(maillog.describe(error))
            self._stop.wait(_RECONNECT)

    def _hear(self, connection: Any) -> None:
        """Wake by what is heard, until the connection fails or the listener does not hear itself."""
        while not self._stop.is_set():
            proof = f"proof:{secrets.token_hex(8)}"
            send(self._engine, [proof])
            if not self._until(connection, _PROOF_TIMEOUT, lambda words, proof=proof: proof in words):  # type: ignore[misc]
                self._deaf("LISTEN hears nothing: does [store] listen_url lead past the pooler, to the primary?")
                return
            if not self.hears:
                self.hears, self._was_deaf = True, False
                self._wake()  # what rang before was not heard
            self._until(connection, _PROOF_INTERVAL, lambda _: False)

    def _until(self, connection: Any, seconds: float, is_enough: Callable[[set[str]], bool]) -> bool:
        """Listen for some seconds, or until a ring is enough; say whether one was."""
        deadline = time.monotonic() + seconds
        while not self._stop.is_set() and (left := deadline - time.monotonic()) > 0:
            for notice in connection.notifies(timeout=left, stop_after=1):
                words = set(notice.payload.split())
                if words & self._words:
                    self._wake()
                if is_enough(words):
                    return True
        return False

    def _deaf(self, reason: str) -> None:
        """Have daemons poll, and say so once."""
        self.hears = False
        self._wake()
        if not self._was_deaf and not self._stop.is_set():
            self._was_deaf = True
            maillog.failed(stage="listen", error=reason)
