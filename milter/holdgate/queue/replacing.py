"""Takes an amended message that a program sent in place of a held one (desk/replacing.py) one step further.

It is in the hold queue even if no policy holds it. The milter keeps a field with a token that only the store has, which
identifies it. The step depends on the incident of the replaced message:

- held: it is recorded that Postfix has the amended message, and the desk withdraws the held one;
- withdrawn for it: the amended message waits until the held one is deleted;
- returned for it: the amended message is released or, if a policy holds it, its own incident continues from here;
- decided otherwise, or removed: the amended message is deleted. Its program was notified.

A message that the milter has not inspected, because the listener has no milter, is never released: it is adopted, so
that moderators decide.

Each step can be repeated after a crash. A second submission has another mark than the store, and is deleted.
"""

from holdgate import headers, maillog, metrics
from holdgate.quarantine.replacements import REPLACEMENT, Replacement
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store
from holdgate.queue.client import QueueClient, QueueError
from holdgate.queue.postfix import HeldMessage


class Replacing:
    """Processes one held message after the other."""

    def __init__(self, store: Store, queue: QueueClient) -> None:
        self._store = store
        self._queue = queue

    def step(self, message: HeldMessage, header: bytes) -> bool:
        """Return whether a held message is an amended one that is not settled yet, and settle it if possible.

        Raises QueueError and the store's errors: then retry.
        """
        mark = headers.first(header, headers.REPLACES)
        found = self._store.replacements.marked(mark) if mark else None
        incident = None if found is None else self._store.incident(found.incident_id)
        if found is None or incident is None:
            return False
        if mark != found.mark:
            self._delete(message, found, "another one counts")
        elif found.is_done:
            return False  # it was released, and an operator holds it again; or it has an incident of its own
        elif incident.state is State.HELD:
            if not found.queue_id:
                self._store.replacements.accepted(found, message.queue_id)
        elif incident.decided_how != REPLACEMENT:
            self._delete(message, found, f"the held message is {incident.state}")
        elif incident.state is State.RETURNED:
            return self._settle(message, header, found)
        return True

    def is_uninspected(self, header: bytes) -> bool:
        """Return whether a held message is an amended one that did not come through the milter."""
        mark = headers.first(header, headers.REPLACES)
        if not mark or headers.first(header, headers.STATUS) is not None:
            return False
        found = self._store.replacements.marked(mark)
        return found is not None and found.mark == mark

    def _settle(self, message: HeldMessage, header: bytes, found: Replacement) -> bool:
        if self.is_uninspected(header):
            metrics.ERRORS.labels("replacement").inc()
            maillog.failed(
                stage="replacement", error=f"{message.queue_id}: not inspected; check desk.replacement_relay"
            )
            self._store.replacements.done(found)
            return False
        if headers.first(header, headers.HELD) is None:
            (outcome,) = self._queue.release_all([(message.queue_id, message.arrival_time)])
            if isinstance(outcome, QueueError):
                raise outcome
        self._store.replacements.done(found)
        return headers.first(header, headers.HELD) is None

    def _delete(self, message: HeldMessage, found: Replacement, why: str) -> None:
        (outcome,) = self._queue.delete_all([(message.queue_id, message.arrival_time)])
        if isinstance(outcome, QueueError):
            raise outcome
        if outcome:
            maillog.replacement_deleted(message.queue_id, incident=found.incident_id, why=why)
