"""`holdgate-milter`: inspects the messages that Postfix passes to it, and answers with the action of the policies.

SIGUSR1 reloads settings, policies, rules and keys without closing a connection; SIGTERM stops the daemon. (SIGHUP stops
it too, because libmilter handles that signal.)
"""

import os
import signal
import sys
import threading
import time

from holdgate import daemon, maillog, metrics
from holdgate.configfile import ConfigError
from holdgate.gate import callbacks, probe
from holdgate.gate.service import Service
from holdgate.gate.session import Session
from holdgate.node import machine_of, name_of
from holdgate.phrases import failure_of
from holdgate.quarantine.nodes import NodeTakenError, retry_until_free
from holdgate.quarantine.store import StoreError, open_store
from holdgate.scan.pool import ScanError
from holdgate.seal import KeyFileError

_NAME = "holdgate-milter"

# The socket is for the milter's user and the group of the socket's directory.
_SOCKET_UMASK = 0o117


def main() -> None:
    """Run the daemon until SIGTERM."""
    settings, path = daemon.begin(_NAME, __doc__)
    # libmilter waits for the first three in its own thread, the milter for the last: no other thread must receive them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1})
    try:
        daemon.drop_privileges(settings.account("milter"))
        metrics.serve(_NAME, settings.metrics.milter)
        name, machine = name_of(settings), machine_of(settings)
        store = open_store(settings.store.url, name, role="milter", machine=machine)
        retry_until_free(lambda: store.nodes.check(name, machine), time.sleep)
        service = Service(path, settings, store)
    except NodeTakenError as error:
        daemon.refuse(ConfigError([str(error)]))
    except ConfigError as error:
        daemon.refuse(error)
    except (KeyError, OSError, KeyFileError, StoreError, ScanError) as error:
        for problem in failure_of(error).splitlines():
            maillog.failed(stage="start", error=problem)
        sys.exit(daemon.EX_OSERR)
    os.umask(_SOCKET_UMASK)
    maillog.started(socket=settings.milter.socket, policies=len(service.snapshot.policies.file.policy))
    daemon.watchdog_loop(lambda: probe.answers(settings.milter.socket))
    timeout = round(settings.milter.timeout.total_seconds())
    threading.Thread(target=_reload_on_signal, args=[service], daemon=True).start()
    callbacks.run(lambda: Session(service), settings.milter.socket, timeout)
    service.close()
    maillog.stopped()


def _reload_on_signal(service: Service) -> None:
    while True:
        signal.sigwait({signal.SIGUSR1})
        service.reload()


if __name__ == "__main__":
    main()
