"""`holdgate-desk`: wires mail, page and clock together and runs until SIGTERM."""

import signal
import sys
import threading
from contextlib import ExitStack
from datetime import UTC, datetime

from holdgate import daemon, maillog, metrics
from holdgate.config import Settings
from holdgate.configfile import ConfigError
from holdgate.desk import canary
from holdgate.desk.anchoring import Anchoring
from holdgate.desk.context import Desk
from holdgate.desk.mailbox import Mailbox
from holdgate.desk.notices import Composer
from holdgate.desk.preview import Previewer
from holdgate.desk.templates import Templates
from holdgate.desk.timetable import Timetable
from holdgate.desk.tokens import Key
from holdgate.desk.web.server import WebServer
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.store import StoreError, open_store
from holdgate.queue.client import QueueClient

_NAME = "holdgate-desk"
_INTERVAL = 1.0
# Seconds between two passes that look for content whose retention is over.
_ERASE_INTERVAL = 600


def main() -> None:
    """Run the daemon until SIGTERM."""
    settings, _ = daemon.begin(_NAME, __doc__)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    with ExitStack() as stack:
        try:
            daemon.become(settings.account("desk"))
            timetable, anchoring = _start(settings, stack)
            metrics.serve(_NAME, settings.metrics.desk)
        except ConfigError as error:
            daemon.refuse(error)
        except (KeyError, OSError, ValueError, StoreError) as error:
            maillog.failed(stage="start", error=str(error))
            sys.exit(daemon.EX_OSERR)
        metrics.CANARY.set_function(lambda: canary.last_success(settings.canary.state))
        maillog.started()
        daemon.notify("READY=1")
        _run(timetable, anchoring, stop)
    maillog.stopped()


def _start(settings: Settings, stack: ExitStack) -> tuple[Timetable, Anchoring]:
    """Start page and mailbox, as the settings say; `stack` ends them."""
    store = open_store(settings.store.url)
    stack.callback(store.close)
    desk = Desk(store, settings, Key.load(settings.desk.token_key))
    templates = Templates(settings.desk.templates, desk.zone)
    previewer = Previewer(settings, QueueClient(settings.queue.socket))
    stack.callback(previewer.close)
    composer = Composer(desk, templates, previewer)
    if settings.desk.lmtp is not None:
        stack.enter_context(Mailbox(desk, settings.desk.lmtp))
    if settings.desk.web is not None:
        stack.enter_context(WebServer(desk, templates, previewer, composer))
    anchoring = Anchoring(desk)
    stack.callback(anchoring.close)
    return Timetable(desk, composer, previewer), anchoring


def _run(timetable: Timetable, anchoring: Anchoring, stop: threading.Event) -> None:
    erase_at = datetime.now(UTC)
    while not stop.wait(_INTERVAL):
        now = datetime.now(UTC)
        try:
            anchoring.run_once(now)
            timetable.run_once(now)
            if now >= erase_at:
                timetable.erase_old(now)
                erase_at = datetime.fromtimestamp(now.timestamp() + _ERASE_INTERVAL, UTC)
        except DatabaseError as error:
            metrics.ERRORS.labels("store").inc()
            maillog.failed(stage="store", error=maillog.describe(error))
        except Exception as error:  # one odd incident must not end deadlines and mail for all others
            metrics.ERRORS.labels("desk").inc()
            maillog.failed(stage="desk", error=maillog.describe(error))
        daemon.notify("WATCHDOG=1")


if __name__ == "__main__":
    main()
