"""Reserves a node's name for this machine while `holdgate-queue` runs: a thread renews the lease in the store.

A machine that was suspended, or was cut off from the store, for longer than its lease may have lost the name meanwhile.
So it does nothing (`holds`) before it has renewed the lease, and renews it (`confirm`) before it concludes from its own
hold queue that a message of the node no longer exists.
"""

import threading
import time
from collections.abc import Callable

from holdgate import maillog
from holdgate.node import Machine
from holdgate.quarantine.database import DatabaseError, StoreError
from holdgate.quarantine.nodes import LEASE, Nodes, NodeTakenError, retry_until_free

# Several renewals can fail before the lease ends, in seconds.
_PAUSE = LEASE.total_seconds() / 6


class Lease:
    """The lease of `name`. If another machine has taken the name, `lost` is true and `stop` is set.

    `rules` returns a digest of the node's policies and local rules; the store has it for the other nodes. `announce` is
    called regularly: it announces the node's certificate.
    """

    lost = False

    def __init__(
        self,
        nodes: Nodes,
        name: str,
        machine: Machine,
        stop: threading.Event,
        rules: Callable[[], str] = str,
        announce: Callable[[], object] = lambda: None,
    ) -> None:
        self._nodes, self._name, self._machine, self._rules = nodes, name, machine, rules
        self._announce = announce
        self._stop = stop
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._renewed_at = 0.0
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

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

    def holds(self) -> bool:
        """Return whether this machine has the name; if the last renewal is too long ago, renew the lease first."""
        if not self._nodes.is_shared:
            return True
        return not self.lost and (_now() - self._renewed_at < LEASE.total_seconds() or self.confirm())

    def confirm(self) -> bool:
        """Renew the lease now; return whether this machine has the name. If the store is unreachable, it is False."""
        if not self._nodes.is_shared:
            return True
        with self._lock:
            if self.lost:
                return False
            try:
                self._renew()
            except (DatabaseError, StoreError):  # the reconciler logs that the store is unreachable
                return False
            except NodeTakenError:
                self.lost = True
                self._stop.set()
            return not self.lost

    def _acquire(self) -> None:
        begun = _now()
        self._nodes.acquire(self._name, self._machine, self._rules())
        self._renewed_at = begun

    def _renew(self) -> None:
        begun = _now()
        # A store that was restored from a backup, or a standby, may not contain the lease.
        if self._nodes.renew(self._name, self._machine, self._rules()):
            self._renewed_at = begun
        else:
            self._acquire()

    def _run(self) -> None:
        while not self.lost and not self._ended.wait(_PAUSE):
            try:
                if self.confirm():
                    self._announce()
            except Exception as error:  # any exception: without this thread, the lease would end
                maillog.failed(stage="lease", error=maillog.describe(error))

    def _wait(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise SystemExit(0)


def _now() -> float:
    """Return a time in seconds that continues while the machine is suspended (clock_gettime(2), CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
