"""Wakes daemons that have work; polling remains authoritative.

On PostgreSQL, this is done by LISTEN and NOTIFY. A change that creates work sends a signal after its commit, never in
its transaction: NOTIFY locks the complete instance while it commits (PostgreSQL, async.c, PreCommit_Notify).
Simultaneous signals are sent in one NOTIFY, without waiting for the disk. A listener has its own connection, which no
pooler may share. It regularly signals itself through the writing connections. While it receives that, its daemon may
poll less often; if not, the daemon polls as usual.

A store in a file of SQLite needs no signals: a listener watches the file.
"""

import secrets
import threading
import time
from collections.abc import Collection
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from holdgate import maillog
from holdgate.quarantine.database import direct, is_shared
from holdgate.quarantine.schema import events
from holdgate.watch import Watch

DESK = "desk"
"""The word for all desks: there are requests or notices to send."""

_CHANNEL = "holdgate"
# How long signals are gathered, in seconds. This limits the rate of signals per process, and delays each one.
_GATHERED = 0.05
# How often the listener signals itself, how long it waits for that, and when it reconnects, in seconds.
_PROOF_INTERVAL = 30.0
_PROOF_TIMEOUT = 5.0
_RECONNECT = 5.0
# How long a listener gathers writes to a file, and how much later it checks again, in seconds: a written commit is
# visible only after it was synced.
_WRITES_GATHERED = 0.5
_SYNCED = 3.0

# A crash cannot lose anything by this setting.
_NOTIFY = text("SELECT set_config('synchronous_commit', 'off', true), pg_notify(:channel, :words)")


def queue_of(node: str) -> str:
    """Return the word for the queue agent of a node."""
    return f"queue:{node}"


class Signals:
    """Sends signals. Thread-safe; if it fails, polling finds the work."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._notifies = is_shared(engine)
        self._lock = threading.Lock()
        self._words: set[str] = set()
        self._thread: threading.Thread | None = None

    def notify(self, *words: str) -> None:
        """Soon send a signal to those who listen for one of these words."""
        if not self._notifies or not words:
            return
        with self._lock:
            self._words.update(words)
            if self._thread is None:
                # Not a daemon thread: a command ends only after its signal was sent.
                self._thread = threading.Thread(target=self._send, name="signals")
                self._thread.start()

    def close(self) -> None:
        """Wait for the current signal, and send no further ones."""
        with self._lock:
            self._notifies = False
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
    """Send a signal at once. Raises SQLAlchemy's errors."""
    with engine.begin() as connection:
        connection.execute(_NOTIFY, {"channel": _CHANNEL, "words": " ".join(sorted(words))})


class Waker:
    """Waits for a signal, or for a time. It belongs to one thread; others wake it."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def wake(self) -> None:
        """End the current wait, or the next one."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds`; return whether it was woken."""
        was_woken = self._event.wait(seconds)
        self._event.clear()
        return was_woken


class Listener:
    """Detects that there may be work, and wakes threads.

    `is_listening` is true while new work would be detected. Then a daemon still checks for work every `poll_interval`
    seconds. With `wakes_on_every_event`, each event of the audit trail wakes, not only those that create work.
    """

    is_listening = False
    poll_interval = 0.0
    wakes_on_every_event = False

    def __init__(self) -> None:
        self._wakers: list[Waker] = []
        self._stop = threading.Event()
        self._is_polling = False
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def waker(self) -> Waker:
        """Return an object that each signal wakes. Must be called before `start`."""
        made = Waker()
        self._wakers.append(made)
        return made

    def start(self) -> None:
        """Start listening."""
        self._thread.start()

    def close(self) -> None:
        """Stop, and wake all."""
        self._stop.set()
        self._wake()

    def pause(self, short: float) -> float:
        """Return how long to wait before the next check: `poll_interval` if new work is detected."""
        return self.poll_interval if self.is_listening else short

    def _wake(self) -> None:
        for one in self._wakers:
            one.wake()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except Exception as error:  # after any exception, polling continues
                self._fall_back_to_polling(maillog.describe(error))
            self._stop.wait(_RECONNECT)

    def _listen(self) -> None:
        """Wake when there may be work, until an error or `close`."""
        raise NotImplementedError

    def _begin(self) -> None:
        """Note that work is detected from now on, and wake: earlier work was not detected."""
        self.is_listening, self._is_polling = True, False
        self._wake()

    def _fall_back_to_polling(self, reason: str) -> None:
        """Have daemons poll, and log that once."""
        self.is_listening = False
        self._wake()
        if not self._is_polling and not self._stop.is_set():
            self._is_polling = True
            maillog.failed(stage="listen", error=reason)


class NotifyListener(Listener):
    """Receives signals of PostgreSQL. `url` is for a direct connection; `engine` writes, possibly through a pooler."""

    poll_interval = 5.0

    def __init__(self, engine: Engine, url: str, words: Collection[str]) -> None:
        super().__init__()
        self._engine, self._url = engine, url
        self._words = set(words)

    def _listen(self) -> None:
        with closing(direct(self._url)) as connection:
            connection.execute(f"LISTEN {_CHANNEL}")
            while not self._stop.is_set():
                proof = f"proof:{secrets.token_hex(8)}"
                send(self._engine, [proof])
                if not self._until(connection, _PROOF_TIMEOUT, {proof}):
                    reason = "LISTEN receives nothing: does [store] listen_url lead past the pooler, to the primary?"
                    self._fall_back_to_polling(reason)
                    return
                if not self.is_listening:
                    self._begin()
                self._until(connection, _PROOF_INTERVAL)

    def _until(self, connection: Any, seconds: float, expected: Collection[str] = ()) -> bool:
        """Listen for some seconds, or until a signal has an expected word; return whether one had."""
        deadline = time.monotonic() + seconds
        while not self._stop.is_set() and (left := deadline - time.monotonic()) > 0:
            for notice in connection.notifies(timeout=left, stop_after=1):
                words = set(notice.payload.split())
                if words & self._words:
                    self._wake()
                if words.intersection(expected):
                    return True
        return False


class FileListener(Listener):
    """Detects writes to the file of SQLite, and wakes if there is a new event."""

    poll_interval = 10.0
    wakes_on_every_event = True

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._reader = engine.execution_options(reads=True)
        self._path = Path(str(engine.url.database))
        self._watch: Watch | None = None

    def close(self) -> None:
        """Stop, and wake all."""
        super().close()
        if self._watch is not None:
            self._watch.wake()
        if self._thread.is_alive():
            self._thread.join()

    def _listen(self) -> None:
        with Watch(self._path.parent) as self._watch:
            seen = self._newest()
            self._begin()
            pause: float | None = None
            while not self._stop.is_set():
                # The name of the write-ahead log begins with that of the file.
                written = any(name.startswith(self._path.name) or not name for name in self._watch.wait(pause))
                if written:
                    self._stop.wait(_WRITES_GATHERED)
                    self._watch.wait(0)
                newest = self._newest()
                self._path.stat()  # raises OSError if the store was deleted
                if newest != seen:
                    seen = newest
                    self._wake()
                pause = _SYNCED if written else None
        self._watch = None

    def _newest(self) -> int | None:
        with self._reader.connect() as connection:
            newest: int | None = connection.execute(select(func.max(events.c.number))).scalar_one()
        return newest
