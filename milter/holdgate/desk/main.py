"""`holdgate-desk`: sends approval requests and notices, serves the page and the API, and enforces deadlines."""

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
from holdgate.desk.changing import Changer
from holdgate.desk.context import Desk
from holdgate.desk.digest import Summaries
from holdgate.desk.loops import Loop, Loops
from holdgate.desk.notices import Composer
from holdgate.desk.presence import Presence
from holdgate.desk.preview import Previewer
from holdgate.desk.remotenodes import RemoteNodes
from holdgate.desk.scheduler import Scheduler
from holdgate.desk.templates import Templates
from holdgate.desk.tokens import Key
from holdgate.node import name_of
from holdgate.phrases import failure_of
from holdgate.quarantine.claims import LEASE
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.signals import DESK, Listener
from holdgate.quarantine.store import StoreError, open_store
from holdgate.queue.client import QueueClient
from holdgate.queue.mutual import NodeCertificate

_NAME = "holdgate-desk"
_INTERVAL = 1.0
# Seconds between two passes that look for content whose retention has ended.
_ERASE_INTERVAL = 60.0
# Seconds between two signs of life: several can be lost before the desk's claims expire.
_PRESENCE_INTERVAL = LEASE.total_seconds() / 6
# Seconds between two notifications of systemd's watchdog (WatchdogSec= of the unit).
_WATCHDOG_INTERVAL = 10.0
# How long people, and mail that returns a message, wait for the queue agent, in seconds.
_AGENT_TIMEOUT = 30.0
# How long a pass that sends can take, in seconds.
_SLOW = 3600.0


def main() -> None:
    """Run the daemon until SIGTERM."""
    settings, _ = daemon.begin(_NAME, __doc__)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    with ExitStack() as stack:
        try:
            daemon.drop_privileges(settings.account("desk"))
            scheduler, anchoring, summaries, presence, previewer, listener = _start(settings, stack)
            metrics.serve(_NAME, settings.metrics.desk)
        except ConfigError as error:
            daemon.refuse(error)
        except DatabaseError as error:
            maillog.failed(stage="start", error=f"the store: {maillog.describe(error)}")
            sys.exit(daemon.EX_OSERR)
        except (KeyError, OSError, ValueError, StoreError) as error:
            maillog.failed(stage="start", error=failure_of(error))
            sys.exit(daemon.EX_OSERR)
        metrics.CANARY.set_function(lambda: canary.last_success(settings.canary.state))
        maillog.started()
        daemon.notify("READY=1")
        _run(scheduler, anchoring, summaries, presence, previewer, listener, stop)
    maillog.stopped()


def _start(
    settings: Settings, stack: ExitStack
) -> tuple[Scheduler, Anchoring, Summaries, Presence, Previewer, Listener]:
    """Start page and mailbox according to the settings; `stack` stops them."""
    store = open_store(settings.store.url, name_of(settings), role="desk")
    stack.callback(store.close)
    desk = Desk(store, settings, Key.load(settings.desk.token_key))
    templates = Templates(settings.desk.templates, desk.zone, house=settings.desk.house, mark=settings.desk.house_mark)
    presence = Presence(desk)
    presence.run_once(datetime.now(UTC))
    queue = QueueClient(settings.queue.socket, timeout=_AGENT_TIMEOUT)
    certificate = NodeCertificate.of(settings, store.certificates.is_revoked)
    previewer = Previewer(settings, queue, RemoteNodes(store, certificate))
    stack.callback(previewer.close)
    composer = Composer(desk, templates, previewer)
    # Imported here because each loads several MB of libraries.
    if settings.desk.lmtp_listen is not None:
        from holdgate.desk.mailbox import Mailbox

        stack.enter_context(Mailbox(desk, settings.desk.lmtp_listen, previewer.letter, Changer(desk, previewer)))
    if settings.desk.web_listen is not None:
        from holdgate.desk.web.server import WebServer

        stack.enter_context(WebServer(desk, templates, previewer, composer))
    anchoring = Anchoring(desk)
    stack.callback(anchoring.close)
    listener = store.listener(DESK, url=settings.store.listen_url or settings.store.url)
    return Scheduler(desk, composer, previewer), anchoring, Summaries(desk, composer), presence, previewer, listener


def _run(
    scheduler: Scheduler,
    anchoring: Anchoring,
    summaries: Summaries,
    presence: Presence,
    previewer: Previewer,
    listener: Listener,
    stop: threading.Event,
) -> None:
    """Run the loops until `stop`, and notify systemd's watchdog while all are healthy."""
    loops = Loops(
        [
            *([Loop("presence", presence.run_once, _PRESENCE_INTERVAL)] if presence.is_shared else []),
            Loop("deadlines", scheduler.check_deadlines, _INTERVAL, wakes_on_signal=True),
            Loop("requests", scheduler.ask, _INTERVAL, wakes_on_signal=True),
            # Each mail to a silent relay takes minutes, and a restart would not help.
            Loop("mail", scheduler.send, _INTERVAL, unhealthy_after=_SLOW, wakes_on_signal=True),
            Loop("reports", scheduler.return_messages, _INTERVAL, unhealthy_after=_SLOW, wakes_on_signal=True),
            *(
                Loop(f"channel {name}", step, _INTERVAL, unhealthy_after=_SLOW, wakes_on_signal=True)
                for name, step in scheduler.other_channels().items()
            ),
            Loop("summaries", summaries.send, _ERASE_INTERVAL, unhealthy_after=_SLOW),
            Loop("retention", scheduler.erase_old, _ERASE_INTERVAL),
            Loop("audit", anchoring.run_once, _INTERVAL, wakes_on_signal=listener.wakes_on_every_event),
            Loop("preview", previewer.stop_if_idle, _ERASE_INTERVAL),
        ],
        listener,
    )
    loops.start()
    listener.start()
    try:
        while not stop.wait(_WATCHDOG_INTERVAL):
            if not loops.unhealthy():
                daemon.notify("WATCHDOG=1")
    finally:
        listener.close()
        loops.close()


if __name__ == "__main__":
    main()
