"""Reserves a node's name for this machine while `holdgate-queue` runs: a thread renews the lease in the store."""

import threading
from collections.abc import Callable

from holdgate.node import Machine
from holdgate.quarantine.database import DatabaseError, StoreError
from holdgate.quarantine.nodes import LEASE, Nodes, NodeTakenError, retry_until_free

# Several renewals can fail before the lease ends, in seconds.
_PAUSE = LEASE.total_seconds() / 6


class Lease:
    """The lease of `name`. If another machine has taken the name, `lost` is true and `stop` is set.

    `rules` returns a digest of the node's policies and local rules; the store has it for the other nodes.
    """

    lost = False

    def __init__(
        self, nodes: Nodes, name: str, machine: Machine, stop: threading.Event, rules: Callable[[], str] = str
    ) -> None:
        self._nodes, self._name, self._machine, self._rules = nodes, name, machine, rules
        self._stop = stop
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def acquire(self) -> None:
        """Take the name once no other machine uses it, and keep it. Raises NodeTakenError and StoreError."""
        retry_until_free(self._acquire, self._wait)
        if self._nodes.is_shared:  # a store in a file has one node
            self._thread.start()

    def close(self) -> None:
        """Release the name if the store answers; otherwise the lease expires."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            self._nodes.release(self._name, self._machine)
        except DatabaseError:
            return

    def _acquire(self) -> None:
        self._nodes.acquire(self._name, self._machine, self._rules())

    def _renew(self) -> None:
        while not self._ended.wait(_PAUSE):
            try:
                # A store that was restored from a backup, or a standby, may not contain the lease.
                if not self._nodes.renew(self._name, self._machine, self._rules()):
                    self._acquire()
            except (DatabaseError, StoreError):  # the reconciler logs that the store is unreachable
                continue
            except NodeTakenError:
                self.lost = True
                self._stop.set()
                return

    def _wait(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise SystemExit(0)
