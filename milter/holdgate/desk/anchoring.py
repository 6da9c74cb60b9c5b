"""Keeps the audit trail's newest hash outside the database, in a file and in the log, and sees when it is not kept to.

Whoever rewrites the whole database, or cuts its end off, then has to rewrite these too. A head is replaced only while
the one before it is still in the store: once that is gone, the last good one stays, for `holdgate audit verify`.
"""

from datetime import datetime, timedelta

from holdgate import maillog, metrics
from holdgate.desk.context import Desk
from holdgate.quarantine import anchor
from holdgate.quarantine.anchor import AnchorError
from holdgate.quarantine.audit import Newest

# How often the log gets a head, and is told of what is wrong.
_LOG_INTERVAL = timedelta(minutes=1)


class Anchoring:
    """What one desk knows of the trail's head."""

    def __init__(self, desk: Desk) -> None:
        self._audit = desk.store.audit
        self._path = desk.settings.store.audit_head
        self._store = anchor.store_name(desk.settings.store.url)
        self._known: Newest | None = None
        self._logged: Newest | None = None
        self._log_at: datetime | None = None

    def run_once(self, now: datetime) -> bool:
        """Keep the head as it is now; True. Raises DatabaseError; what else fails, no restart fixes: it is logged."""
        newest = self._audit.newest()
        try:
            known = self._known or self._kept()
            if known is not None and not self._audit.has(known):
                self._alarm(known, now)
                return True
            metrics.AUDIT_BROKEN.set(0)
            if newest is not None and newest != known:
                anchor.write(self._path, self._store, newest.number, newest.count, newest.hash)
            self._known = newest or known
        except (AnchorError, OSError) as error:
            if self._may_log(now):
                metrics.ERRORS.labels("audit").inc()
                maillog.failed(stage="audit", error=str(error))
            return True
        if newest is not None and newest != self._logged and self._may_log(now):
            self._log(newest)
        return True

    def close(self) -> None:
        """Log the head that the desk has seen last."""
        if self._known is not None and self._known != self._logged:
            self._log(self._known)

    def _log(self, newest: Newest) -> None:
        """Write a head to the log."""
        maillog.audit_head(store=self._store, count=newest.count, head=newest.hash)
        self._logged = newest

    def _kept(self) -> Newest | None:
        kept = anchor.read(self._path, self._store)
        return None if kept is None else Newest(*kept)

    def _alarm(self, known: Newest, now: datetime) -> None:
        metrics.AUDIT_BROKEN.set(1)
        if self._may_log(now):
            maillog.audit_broken(store=self._store, count=known.count, head=known.hash)

    def _may_log(self, now: datetime) -> bool:
        if self._log_at is not None and now < self._log_at:
            return False
        self._log_at = now + _LOG_INTERVAL
        return True
