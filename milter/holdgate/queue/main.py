"""`holdgate-queue`: releases and deletes held messages as root, and compares hold queue and store as another user.

The process that runs as root and can run postsuper opens no database, parses no mail and listens on no network. Its
child runs as the user that the setting `user` names; it opens the store and serves the metrics. When one of them ends,
the other one ends too, and systemd restarts both.

With `[node] listen`, a third process shows held messages to the desks of other nodes (listener.py). It has the
privileges of the desk, which can only read messages, and looks up revoked certificates in the store.
"""

import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import closing
from types import FrameType

from holdgate import daemon, maillog
from holdgate.config import Settings
from holdgate.configfile import ConfigError
from holdgate.notation import format_address
from holdgate.phrases import failure_of
from holdgate.queue import agent
from holdgate.queue.client import QueueClient
from holdgate.queue.postfix import Postfix

_NAME = "holdgate-queue"
# Time limit for a step of the local agent for another node, and the pause before another attempt to bind an address, in
# seconds.
_SHOW_TIMEOUT = 30.0
_BIND_PAUSE = 5.0


def main() -> None:
    """Run the daemon until SIGTERM."""
    settings, _ = daemon.begin(_NAME, __doc__)
    try:
        user_id, group_id = daemon.ids_of(settings.account("queue"))
        desk_id, _ = daemon.ids_of(settings.account("desk"))
        lock = agent.claim(settings.queue.socket)
        listener = agent.listen(settings.queue.socket, group_id=group_id)
    except (KeyError, OSError) as error:
        maillog.failed(stage="socket", error=failure_of(error))
        sys.exit(daemon.EX_OSERR)
    parent = os.getpid()
    # What exists before the fork is never collected: a collection writes to each object, so each process would copy it.
    gc.collect()
    gc.freeze()
    works = [_reconcile] if settings.node.listen is None else [_reconcile, _serve_nodes]
    children = [_fork(work, settings, parent, listener, lock) for work in works]
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    serving = agent.Agent(
        Postfix(settings.queue.postfix_config),
        user_ids=[user_id],
        reader_ids=[desk_id],
        action_header=settings.policy.action_header,
        adopt_uninspected=settings.queue.adopt_uninspected,
    )
    serving.serve(listener)
    maillog.started(socket=settings.queue.socket, postfix=settings.queue.postfix_config)
    status = _wait(children)
    settings.queue.socket.unlink(missing_ok=True)  # this process owns it while it holds the lock
    os.close(lock)
    maillog.stopped()
    code = os.waitstatus_to_exitcode(status)
    sys.exit(code if code in (0, daemon.EX_CONFIG) else daemon.EX_OSERR)


def _fork(
    work: Callable[[Settings, int], int], settings: Settings, parent: int, listener: socket.socket, lock: int
) -> int:
    """Start a child that runs `work` without the agent's socket; return its process id."""
    child = os.fork()
    if child == 0:
        listener.close()
        os.close(lock)
        sys.exit(work(settings, parent))
    return child


def _wait(children: list[int]) -> int:
    """Wait until a child ends, or for SIGTERM, and end the others; return the status of the first child that ended.

    Only these children are waited for: Postfix's commands are children too, which the agent's threads wait for.
    """
    left = list(children)
    try:
        poll = select.poll()
        descriptors = {os.pidfd_open(child): child for child in children}
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
        first = descriptors[poll.poll()[0][0]]
        _, status = os.waitpid(first, 0)
        left.remove(first)
    except SystemExit:
        status = 0
    for child in left:
        os.kill(child, signal.SIGTERM)
    for child in left:
        os.waitpid(child, 0)
    return status


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _reconcile(settings: Settings, parent: int) -> int:
    """Run as the unprivileged child until SIGTERM, or until the parent ends; return its exit code."""
    # Imported here because the process that runs as root opens no database: its libraries have 20 MB.
    from holdgate.queue import reconciling

    return reconciling.run(_NAME, settings, parent)


def _serve_nodes(settings: Settings, parent: int) -> int:
    """Run as the child that shows held messages to other nodes, until SIGTERM or the parent's end.

    If an address cannot be bound yet, a certificate cannot be read, or the store is unreachable, the daemon continues:
    mail is still released.
    """
    # Imported here because the process that runs as root does not need it.
    from holdgate.node import name_of
    from holdgate.quarantine.store import StoreError, open_store
    from holdgate.queue.listener import NodeListener, open_listener
    from holdgate.queue.mutual import NodeCertificate
    from holdgate.queue.signing import Signers
    from holdgate.queue.submitting import Submitter

    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    address = settings.node.listen
    assert address is not None
    try:
        daemon.drop_privileges(settings.account("desk"))
        daemon.die_with_parent()
    except (KeyError, OSError) as error:
        maillog.failed(stage="start", error=failure_of(error))
        return daemon.EX_OSERR
    while os.getppid() == parent:
        try:
            opened = open_store(settings.store.url, name_of(settings))
            with closing(opened) as store, open_listener(address) as listener:
                certificate = NodeCertificate.of(settings, store.certificates.is_revoked)
                assert certificate is not None
                queue = QueueClient(settings.queue.socket, timeout=_SHOW_TIMEOUT)
                submitter = Submitter(store, queue, settings.desk.change_relay, Signers(settings))
                NodeListener(certificate, queue, submitter).serve(listener)
        except (OSError, StoreError, ConfigError) as error:
            maillog.failed(stage="node", error=f"[node] listen: {format_address(address)}: {failure_of(error)}")
        time.sleep(_BIND_PAUSE)
    return 0


if __name__ == "__main__":
    main()
