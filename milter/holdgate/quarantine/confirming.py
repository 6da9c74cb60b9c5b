"""A connection to PostgreSQL that reports a commit which the synchronous standby did not confirm.

While a standby is away, COMMIT waits without a limit: neither statement_timeout nor any other limit of the server ends
that wait. Whoever cancels it gets a success, and only a warning says that the transaction is on the primary alone
(PostgreSQL, 27.2.8 "Synchronous Replication"; src/backend/replication/syncrep.c). A failover would undo such a
decision after a person was told that it counts. So Holdgate ends the wait itself, and treats the warning as an error.
"""

import threading
from contextlib import suppress
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
        self._is_unconfirmed = False
        wait = _Wait(self)
        timer = threading.Timer(self.commit_timeout, wait.cancel)
        timer.daemon = True
        timer.start()
        try:
            super().commit()
        finally:
            timer.cancel()
            wait.end()
        if self._is_unconfirmed:
            raise psycopg.OperationalError(
                "the synchronous standby did not confirm the transaction; the primary has it, a failover would lose it"
            )


class _Wait:
    """A commit in progress. It is not cancelled once it has ended: that would hit the connection's next statement."""

    def __init__(self, connection: ConfirmingConnection) -> None:
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
