"""Replaces a held message by the one that a moderator approved with changes, so that exactly one is sent, once.

The desk submits the changed message to a listener that holds all mail (desk/changing.py). This module recognises it by
a secret token from the store. The steps can each be repeated after a crash:

1. its queue file is recorded; until then the desk submits it again if the submission may have been lost;
2. the beginning of the release is recorded, once;
3. the original is deleted. If an operator removed it before step 2, that was their decision: the changed message is
   deleted too;
4. the changed message is released, and the incident closed.

A second submission, after a crash of the desk, has the same token and another mark: it is deleted.
"""

import hmac
from dataclasses import asdict, replace

from holdgate import headers, maillog
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Change, Incident, NewNotice, Standing
from holdgate.quarantine.outbox import CHANGED, HOLD_QUEUE
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store
from holdgate.queue.adopt import ACTOR
from holdgate.queue.client import Key, QueueClient, QueueError
from holdgate.queue.closing import Closing
from holdgate.queue.missing import LISTINGS
from holdgate.queue.postfix import HeldMessage


class Exchange:
    """Takes incidents that were approved with changes one step further."""

    def __init__(self, store: Store, queue: QueueClient, closing: Closing) -> None:
        self._store = store
        self._queue = queue
        self._closing = closing
        self._misses: dict[str, int] = {}

    @property
    def waits(self) -> bool:
        """Whether a message is missing, so that the next listing is needed."""
        return bool(self._misses)

    def forget(self, open_ids: set[str]) -> None:
        """Keep only the memory about these incidents."""
        self._misses = {name: count for name, count in self._misses.items() if name in open_ids}

    def keys(self, standings: list[Standing]) -> set[Key]:
        """Return the recorded queue files of changed messages, which need no incident of their own."""
        changes = (Change.of(incident) for one in standings if (incident := self._store.incident(one.id)) is not None)
        return {(change.queue_id, change.arrival_time) for change in changes if change is not None and change.queue_id}

    def recognise(self, message: HeldMessage, header: bytes) -> bool:
        """Return whether a held message is a changed one; record it, or delete it if it is the second one.

        Raises QueueError, ConflictError and the store's errors: then retry.
        """
        mark = headers.first(header, headers.CHANGED) or ""
        token, _, copy = mark.partition("-")
        incident = self._store.incident(headers.first(header, headers.INCIDENT) or "") if copy else None
        change = None if incident is None else Change.of(incident)
        if incident is None or change is None or not hmac.compare_digest(token.encode(), change.token.encode()):
            return False
        if not change.queue_id and incident.state is State.APPROVED:
            taken = replace(change, copy=copy, queue_id=message.queue_id, arrival_time=message.arrival_time)
            note = f"changed message {message.queue_id}"
            self._store.amend(incident, EventName.CHANGED_MESSAGE_HELD, ACTOR, note=note, change=asdict(taken))
            return True
        if change.copy == copy:  # recorded, or held again by an operator after its release
            return incident.state is State.APPROVED
        self._delete((message.queue_id, message.arrival_time))
        maillog.duplicate_deleted(message.queue_id, incident=incident.id)
        return True

    def step(self, one: Standing, original: HeldMessage | None) -> None:
        """Take an incident as far as possible; `original` is its message if it is held. Raises as `recognise` does."""
        incident = self._store.incident(one.id)
        change = None if incident is None else Change.of(incident)
        if incident is None or change is None or incident.state is not State.APPROVED:
            return
        if not change.queue_id:
            self._await(one, incident, original)
            return
        self._misses.pop(one.id, None)
        copy = (change.queue_id, change.arrival_time)
        begun = self._closing.begin(one)
        if not self._delete((one.queue_id, one.arrival_time or 0)) and not begun:
            self._delete(copy)
            self._closing.close_vanished(one)
            return
        (outcome,) = self._queue.release_all([copy])
        if isinstance(outcome, QueueError):
            raise outcome
        self._closing.close(one, State.RELEASED)

    def _await(self, one: Standing, incident: Incident, original: HeldMessage | None) -> None:
        """Wait for the changed message; have a lost one submitted again, and give up if the original was removed."""
        if original is not None and self._store.outbox.awaits_change(one.id):
            self._misses.pop(one.id, None)
            return
        self._misses[one.id] = self._misses.get(one.id, 0) + 1
        if self._misses[one.id] < LISTINGS:
            return
        del self._misses[one.id]
        if original is None:
            self._closing.close_vanished(one)
        else:
            notice = NewNotice(CHANGED, HOLD_QUEUE)
            self._store.amend(incident, EventName.CHANGED_MESSAGE_LOST, ACTOR, note="submitted again", outbox=[notice])

    def _delete(self, key: Key) -> bool:
        """Delete a held message; return False if it is no longer held."""
        (outcome,) = self._queue.delete_all([key])
        if isinstance(outcome, QueueError):
            raise outcome
        return outcome
