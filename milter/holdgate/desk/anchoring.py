"""Keeps the newest hashes of the audit trail outside the database, in a file and the log, and detects missing ones.

A person who rewrites the database, or removes its end, must then rewrite these too. Kept heads are replaced only while
they are still in the store. If one is missing, the last good ones are kept, for `holdgate audit verify`.
"""

from datetime import datetime, timedelta

from holdgate import maillog, metrics
from holdgate.desk.context import Desk
from holdgate.quarantine import anchor
from holdgate.quarantine.anchor import AnchorError, Kept
from holdgate.quarantine.store import StoreError

# Minimum time between two log entries of heads, or of what is wrong.
_LOG_INTERVAL = timedelta(minutes=1)


class Anchoring:
    """What one desk knows about the heads of the trail, by the names of the chains."""

    def __init__(self, desk: Desk) -> None:
        self._audit = desk.store.audit
        self._sync = desk.store.sync
        self._path = desk.settings.store.audit_head
        self._store = anchor.store_name(desk.settings.store.url)
        self._known: dict[str, Kept] | None = None
        self._logged: dict[str, Kept] = {}
        self._log_at: datetime | None = None

    def run_once(self, now: datetime) -> bool:
        """Keep the heads; return True. Raises DatabaseError. Other errors are logged: a restart would not help."""
        newest = self._audit.newest()
        try:
            known = self._known
            if known is None:
                known = {one.chain: one for one in anchor.read(self._path, self._store)}
            gone = self._audit.missing(one for name, one in known.items() if newest.get(name) != one)
            if gone:
                self._alarm(gone, now)
                return True
            metrics.AUDIT_BROKEN.set(0)
            kept = {**known, **newest}
            if kept != known:
                self._sync()  # a crash of the machine must not undo an event that is kept elsewhere
                anchor.write(self._path, self._store, kept.values())
            self._known = kept
        except (AnchorError, OSError, StoreError) as error:
            if self._may_log(now):
                metrics.ERRORS.labels("audit").inc()
                maillog.failed(stage="audit", error=str(error))
            return True
        if newest != self._logged and self._may_log(now):
            self._log(newest)
        return True

    def close(self) -> None:
        """Log the heads that the desk saw last."""
        if self._known is not None:
            self._log(self._known)

    def _log(self, newest: dict[str, Kept]) -> None:
        """Write those heads to the log that it does not contain yet."""
        for name, one in newest.items():
            if self._logged.get(name) != one:
                maillog.audit_head(store=self._store, count=one.count, head=one.hash, chain=name)
        self._logged = dict(newest)

    def _alarm(self, gone: list[Kept], now: datetime) -> None:
        metrics.AUDIT_BROKEN.set(1)
        if self._may_log(now):
            for one in gone:
                maillog.audit_broken(store=self._store, count=one.count, head=one.hash, chain=one.chain)

    def _may_log(self, now: datetime) -> bool:
        if self._log_at is not None and now < self._log_at:
            return False
        self._log_at = now + _LOG_INTERVAL
        return True
