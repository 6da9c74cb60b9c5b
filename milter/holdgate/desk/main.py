"""`holdgate-desk`: sends the notices we owe and gives messages back whose deadline has passed."""

import signal
import sys
import threading
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from holdgate import daemon, maillog, metrics
from holdgate.config import Settings
from holdgate.desk import canary, moderation, post
from holdgate.quarantine.store import ConflictError, Store, StoreError, open_store
from holdgate.queue.client import QueueClient

_NAME = "holdgate-desk"
_INTERVAL = 1.0


def main() -> None:
    """Run the daemon until SIGTERM."""
    settings, _ = daemon.begin(_NAME, __doc__)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        daemon.become(settings.user)
        metrics.serve(_NAME, settings.metrics.desk)
        store = open_store(settings.store.url)
    except (KeyError, OSError, StoreError) as error:
        maillog.failed(stage="start", error=str(error))
        sys.exit(daemon.EX_OSERR)
    queue = QueueClient(settings.queue.socket)
    metrics.CANARY.set_function(lambda: canary.last_success(settings.canary.state))
    maillog.started()
    daemon.notify("READY=1")
    while not stop.wait(_INTERVAL):
        try:
            work_once(store, queue, settings, datetime.now(UTC))
        except SQLAlchemyError as error:
            metrics.ERRORS.labels("store").inc()
            maillog.failed(stage="store", error=maillog.describe(error))
        daemon.notify("WATCHDOG=1")
    store.close()
    maillog.stopped()


def work_once(store: Store, queue: QueueClient, settings: Settings, now: datetime) -> None:
    """Expire what is overdue at `now`, then send what is owed."""
    for incident in store.overdue(now):
        try:
            moderation.expire(store, incident, post.ACTOR)
        except ConflictError:
            continue  # somebody decided in this very moment, and that counts
    post.send_owed(store, queue, settings.desk, now)


if __name__ == "__main__":
    main()
