"""A connection to PostgreSQL that reports a commit which the synchronous standby did not confirm.

While a standby is away, COMMIT waits without a limit: neither statement_timeout nor any other limit of the server ends
that wait. A client that cancels it gets a success, and only a warning says that the transaction is on the primary alone
(PostgreSQL, 27.2.8 "Synchronous Replication"; src/backend/replication/syncrep.c). A failover would undo such a
decision after a person was shown that it counts. So Holdgate ends the wait itself, and treats the warning as an error.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.errors import Diagnostic

# The function of the server that reports it. The text of the warning depends on the language of the server.
_WAITS_FOR_STANDBY = "SyncRepWaitForLSN"


class ConfirmingConnection(psycopg.Connection[Any]):
    """A connection whose `commit` returns when the synchronous standby has the transaction, or raises.

    `commit_timeout` is the longest wait for the standby, in seconds.
    """

    commit_timeout: float = 10
    _is_unconfirmed = False

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.add_notice_handler(self._on_notice)

    def _on_notice(self, notice: Diagnostic) -> None:
        if notice.source_function == _WAITS_FOR_STANDBY:
            self._is_unconfirmed = True

    def commit(self) -> None:
        """Commit. Raises OperationalError if the standby did not confirm it: then the primary alone may have it."""
        with self.confirming():
            super().commit()

    @contextmanager
    def confirming(self) -> Iterator[None]:
        """Do the same for a COMMIT that is sent meanwhile."""
        self._is_unconfirmed = False
        wait = _Wait(self)
        _watchdog.add(wait)
        try:
            yield
        finally:
            _watchdog.remove(wait)
            wait.end()
        if self._is_unconfirmed:
            raise psycopg.OperationalError(
                "the synchronous standby did not confirm the transaction; the primary has it, a failover would lose it"
            )


class _Wait:
    """A commit in progress. It is not cancelled once it has ended: that would hit the connection's next statement."""

    def __init__(self, connection: ConfirmingConnection) -> None:
        self.due = time.monotonic() + connection.commit_timeout
        self._connection = connection
        self._lock = threading.Lock()
        self._has_ended = False

    def cancel(self) -> None:
        with self._lock, suppress(psycopg.Error):
            if not self._has_ended:
                self._connection.cancel_safe()

    def end(self) -> None:
        with self._lock:
            self._has_ended = True


class _Watchdog:
    """Cancels commits that take too long, in one thread for all of them, which ends when there are none."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waits: set[_Wait] = set()
        self._looks_at = 0.0
        self._thread: threading.Thread | None = None

    def add(self, wait: _Wait) -> None:
        with self._changed:
            self._waits.add(wait)
            if self._thread is None or not self._thread.is_alive():
                self._looks_at = wait.due
                self._thread = threading.Thread(target=self._run, name="commits", daemon=True)
                self._thread.start()
            elif wait.due < self._looks_at:
                self._changed.notify()

    def remove(self, wait: _Wait) -> None:
        with self._changed:
            self._waits.discard(wait)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._waits:
                    self._thread = None
                    return
                self._looks_at = min(wait.due for wait in self._waits)
                self._changed.wait(max(0.0, self._looks_at - time.monotonic()))
                now = time.monotonic()
                late = [wait for wait in self._waits if wait.due <= now]
                self._waits.difference_update(late)
            for wait in late:
                wait.cancel()


_watchdog = _Watchdog()
