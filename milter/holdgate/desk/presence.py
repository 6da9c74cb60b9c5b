"""Sends the desk's heartbeat, without which its claims expire, and measures how long each node has been silent.

It also announces the certificate by which this desk reads at other nodes.
"""

from datetime import datetime

from holdgate import metrics
from holdgate.desk.context import Desk
from holdgate.node import machine_of
from holdgate.queue.mutual import Announcing


class Presence:
    """The pass of one desk. If the store is not shared (`is_shared`), the nodes are not measured."""

    def __init__(self, desk: Desk) -> None:
        self._store = desk.store
        self.is_shared = desk.settings.store.is_shared
        self._machine = machine_of(desk.settings)
        self._announcing = Announcing(desk.settings, desk.store.node, desk.store.certificates.announce)

    def run_once(self, _now: datetime) -> bool:
        """Send the sign and measure the nodes; return True. Raises DatabaseError."""
        self._store.claims.heartbeat(self._machine)
        if self.is_shared:
            self._announcing.run_once()
            metrics.NODE_SILENT.clear()
            for name, silent_for in self._store.nodes.silent_for().items():
                metrics.NODE_SILENT.labels(name).set(silent_for.total_seconds())
        return True
