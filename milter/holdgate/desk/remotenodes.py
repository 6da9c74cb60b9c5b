"""Reads held messages of another node, and has it submit changed ones, at that node's address in the store."""

import threading
from collections.abc import Callable
from typing import TypeVar

from holdgate import maillog, metrics
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.store import Store
from holdgate.queue.client import QueueError
from holdgate.queue.mutual import NodeCertificate
from holdgate.queue.remote import NodeReader, NodeUnreachableError

_Answer = TypeVar("_Answer")


class RemoteNodeError(QueueError):
    """The message is in the hold queue of another node, and this desk cannot read it, now or ever.

    `why` is a key for the explanation to people: "away" if that node does not answer, "node" if this desk has no
    certificate or that node no listener.
    """

    def __init__(self, why: str, message: str) -> None:
        super().__init__(message)
        self.why = why


class RemoteNodes:
    """The nodes of a store, as one desk reaches them. Without a `certificate` it reaches none. Thread-safe."""

    def __init__(self, store: Store, certificate: NodeCertificate | None) -> None:
        self._store = store
        self._certificate = certificate
        self._readers: dict[tuple[str, str], NodeReader] = {}
        self._away: set[str] = set()
        self._lock = threading.Lock()

    @property
    def can_read(self) -> bool:
        """Whether this desk can read at other nodes."""
        return self._certificate is not None

    def is_here(self, incident: Incident) -> bool:
        """Return whether an incident's message is in the hold queue of this node."""
        return self._store.is_here(incident)

    def ask(self, incident: Incident, question: Callable[[NodeReader], _Answer]) -> _Answer:
        """Query the node of an incident's message. Raises QueueError, and RemoteNodeError if that is impossible."""
        name, address = self._store.nodes.place_of(incident)
        if self._certificate is None or not address:
            missing = "this desk has no [node] certificate" if self._certificate is None else "it has no [node] listen"
            raise RemoteNodeError("node", f"the message is at node {name}, and {missing}")
        with self._lock:
            reader = self._readers.setdefault((name, address), NodeReader(name, address, self._certificate))
        try:
            answer = question(reader)
        except NodeUnreachableError as error:
            self._note(name, str(error))
            raise RemoteNodeError("away", str(error)) from error
        self._note(name, "")
        return answer

    def _note(self, name: str, problem: str) -> None:
        """Log that a node does not answer, once until it answers again."""
        with self._lock:
            is_new = problem and name not in self._away
            if problem:
                self._away.add(name)
            else:
                self._away.discard(name)
        if is_new:
            metrics.ERRORS.labels("node").inc()
            maillog.failed(stage="node", error=problem)
