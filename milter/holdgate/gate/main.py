"""`holdgate-milter`: reads the settings, starts the workers, opens the store, and serves Postfix."""

import os
import signal
import sys

from holdgate import daemon, maillog, metrics
from holdgate.gate import callbacks, probe
from holdgate.gate.session import Session
from holdgate.quarantine.store import StoreError, open_store
from holdgate.scan.pool import Pool, PoolSettings, ScanError

_NAME = "holdgate-milter"

# The socket is for us and the group of its directory.
_SOCKET_UMASK = 0o117


def main() -> None:
    """Run the daemon until SIGTERM."""
    settings, _ = daemon.begin(_NAME, __doc__)
    # libmilter waits for these in a thread of its own; another thread that took one would end us at once.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    try:
        daemon.become(settings.user)
        metrics.serve(settings.metrics.milter)
        store = open_store(settings.store.url)
        pool = Pool(PoolSettings.of(settings))
    except (KeyError, OSError, StoreError, ScanError) as error:
        maillog.failed(stage="start", error=str(error))
        sys.exit(daemon.EX_OSERR)
    os.umask(_SOCKET_UMASK)
    maillog.started(socket=settings.milter.socket)
    daemon.attend(lambda: probe.answers(settings.milter.socket))
    timeout = round(settings.milter.timeout.total_seconds())
    callbacks.run(lambda: Session(settings, pool, store), settings.milter.socket, timeout)
    pool.close()
    store.close()
    maillog.stopped()


if __name__ == "__main__":
    main()
