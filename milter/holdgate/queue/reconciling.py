"""The unprivileged child of `holdgate-queue`: it keeps store and queue in step until SIGTERM or its parent's end.

It is loaded only in that child, so that the process that runs as root has no code that opens databases or listens.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial

from holdgate import daemon, maillog, metrics
from holdgate.config import Settings
from holdgate.configfile import ConfigError
from holdgate.node import machine_of, name_of, rules_of
from holdgate.phrases import failure_of
from holdgate.quarantine.nodes import NodeTakenError
from holdgate.quarantine.signals import Waker, queue_of
from holdgate.quarantine.store import StoreError, open_store
from holdgate.queue.client import QueueClient, QueueError
from holdgate.queue.holdwatch import REST, HoldWatch
from holdgate.queue.lease import Lease
from holdgate.queue.mutual import Announcing
from holdgate.queue.reconcile import Reconciler
from holdgate.queue.signing import Signers

# Seconds between two passes. A pass without changes costs one query to the agent and one to the store.
_PAUSE = 1.0
# Minimum time between two passes in seconds, however often the store or the hold queue signals: anyone who may connect
# to the database can send signals.
_MIN_PAUSE = 0.1


def run(program: str, settings: Settings, parent: int) -> int:
    """Compare and fix until SIGTERM, or until the parent ends or has ended; return the exit code."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        daemon.drop_privileges(settings.account("queue"))
        daemon.die_with_parent()
        metrics.serve(program, settings.metrics.queue)
        name = name_of(settings)
        store = open_store(settings.store.url, name, role="queue")
        announcing = Announcing(settings, name, store.certificates.announce)
        lease = Lease(store.nodes, name, machine_of(settings), stop, partial(rules_of, settings), announcing.run_once)
        lease.acquire()
    except (ConfigError, NodeTakenError) as error:
        maillog.failed(stage="config", error=str(error))
        return daemon.EX_CONFIG
    except (KeyError, OSError, StoreError) as error:
        maillog.failed(stage="start", error=failure_of(error))
        return daemon.EX_OSERR
    listener = store.listener(queue_of(name), queue_of(""), url=settings.store.listen_url or settings.store.url)
    waker = listener.waker()
    reconciler = Reconciler(
        store,
        QueueClient(settings.queue.socket),
        action=(settings.policy.action_header, settings.policy.action_value),
        missing_after=settings.queue.missing_after,
        interval=settings.queue.interval,
        adopt_uninspected=settings.queue.adopt_uninspected,
        poll_after=lambda: listener.pause(0.0),
        has_name=lease.confirm,
        signs=Signers(settings),
    )
    watch = HoldWatch(QueueClient(settings.queue.socket), waker)
    listener.start()
    watch.start()
    wake_at(stop, waker)
    daemon.notify("READY=1")
    run_passes(reconciler, stop, _PAUSE, parent, waker, watch, lease.holds)
    watch.close()
    listener.close()
    lease.close()
    store.close()
    if lease.lost:
        maillog.failed(stage="config", error=f"another machine uses the node name {name}; see: holdgate nodes")
        return daemon.EX_CONFIG
    return 0


def wake_at(stop: threading.Event, waker: Waker) -> None:
    """Have `stop` end a pause, which can be longer than systemd waits for the end of the daemon.

    A thread waits for it, because a signal handler that woke the waker could interrupt the waker itself.
    """

    def wait() -> None:
        stop.wait()
        waker.wake()

    threading.Thread(target=wait, name="stop", daemon=True).start()


def run_passes(
    reconciler: Reconciler,
    stop: threading.Event,
    pause: float,
    parent: int,
    waker: Waker,
    watch: HoldWatch | None = None,
    holds: Callable[[], bool] = lambda: True,
) -> None:
    """Run passes until `stop` or the parent's end, with `pause` seconds in between unless more is to be done.

    A signal of the store, or of `watch`, for `waker` ends a pause, but many signals cause at most ten passes a second.
    If both are sure to come, the pause is longer. There is no pass while this machine does not have its name (`holds`).

    systemd's watchdog is reset only after a pass in which agent and store answered: if no process can reach the agent
    any more, both processes are restarted.
    """
    while not stop.is_set() and os.getppid() == parent:
        try:
            if not holds():
                stop.wait(pause)
                continue
            if reconciler.run_once():
                daemon.notify("WATCHDOG=1")
        except Exception as error:  # after any exception, held mail waits for the next pass
            metrics.ERRORS.labels("reconcile").inc()
            reason = str(error) if isinstance(error, QueueError) else maillog.describe(error)
            maillog.failed(stage="reconcile", error=reason)
        if reconciler.has_more:
            continue
        done = time.monotonic()
        if waker.wait(_pause(reconciler, pause, watch)):
            stop.wait(max(done + _MIN_PAUSE - time.monotonic(), 0))
            reconciler.poll()


def _pause(reconciler: Reconciler, pause: float, watch: HoldWatch | None) -> float:
    if watch is None:
        return pause
    return watch.pause(reconciler.stamp, pause, max(min(REST, reconciler.seconds_to_full_pass), pause))
