"""Keeps store and hold queue in step: the queue is the truth about messages, the store about decisions.

One pass lists the hold queue, compares it with the open incidents, and takes every incident one step on. Each step is
safe to take twice, so a pass that a crash cut short is simply made again:

===========  ==================  =========================================================================
incident     message is held     what is done
===========  ==================  =========================================================================
pending      yes                 held: from now on people may be asked
pending      no, for too long    alarm, vanished
held         no                  vanished (an operator deleted or released it by hand)
approved     yes                 released by the agent
approved     no                  released, if we had begun; else vanished
rejected,    yes                 deleted by the agent once every notice is sent, then returned
expired      no                  returned
none open    yes, with our mark  adopted: an incident is made from the queue file
none open    yes, not inspected  adopted too, where `queue.adopt_uninspected` says so
none open    yes, others         left alone, counted
===========  ==================  =========================================================================

Not inspected is what lacks the header field that the milter gives every message. Postfix's own records do not say why
it holds a message, so one that it held because the milter was down looks like any other; but what an administrator
holds himself (postsuper -h, HOLD in a table) has come through the milter, and is left alone.
"""

from datetime import UTC, datetime, timedelta

from holdgate import headers, maillog, metrics
from holdgate.mask import mask_telling
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.recorded import ADOPTED
from holdgate.quarantine.states import DECIDED, OPEN, State
from holdgate.quarantine.store import Actor, ConflictError, Store
from holdgate.queue.client import QueueClient, QueueError
from holdgate.queue.postfix import HeldMessage

ACTOR = Actor("holdgate-queue", "queue")

# A message may be missing from one listing while it moves; so many listings in a row do not all miss it.
_MISSES = 3


class Reconciler:
    """Compares and mends. It keeps between passes only what saves asking again."""

    def __init__(
        self,
        store: Store,
        queue: QueueClient,
        *,
        action: tuple[str, str],
        missing_after: timedelta,
        adopt_uninspected: bool = False,
    ) -> None:
        self._store = store
        self._queue = queue
        self._action_name, self._action_value = action
        self._missing_after = missing_after
        self._adopt_uninspected = adopt_uninspected
        self._foreign: set[tuple[str, int]] = set()
        self._misses: dict[str, int] = {}

    def run_once(self) -> bool:
        """Make one pass; say whether something is under way that wants the next one soon.

        Raises QueueError when the agent does not answer and SQLAlchemy's errors when the store does not: the pass is
        to be made again.
        """
        held = {(message.queue_id, message.arrival_time): message for message in self._queue.held()}
        by_queue_id = {message.queue_id: message for message in held.values()}
        known: set[str] = set()
        busy = False
        for incident in self._store.incidents(OPEN):
            message = by_queue_id.get(incident.queue_id)
            if message is not None and incident.arrival_time in (None, message.arrival_time):
                known.add(message.queue_id)
                self._misses.pop(incident.id, None)
                busy |= self._step_held(incident, message)
            else:
                busy |= self._step_gone(incident)
        self._foreign &= held.keys()
        for key, message in held.items():
            if message.queue_id not in known and key not in self._foreign and not self._adopt(message):
                self._foreign.add(key)
        self._measure(held)
        return busy

    def has_work(self) -> bool:
        """Say whether some incident waits for a step of ours: a cheap question between two passes."""
        return bool(self._store.incidents({State.PENDING, *DECIDED}, limit=1))

    # -- messages that are held -----------------------------------------------------------------------------------

    def _step_held(self, incident: Incident, message: HeldMessage) -> bool:
        try:
            if incident.state is State.PENDING:
                self._hold(incident, message)
            elif incident.state is State.APPROVED:
                self._release(incident, message)
            elif incident.state in DECIDED and not self._store.owes_notices(incident.id):
                self._delete(incident, message)
            elif incident.state in DECIDED:
                return True
        except ConflictError:
            return True
        except QueueError as error:
            metrics.ERRORS.labels("queue").inc()
            maillog.queue_action_failed(incident.queue_id, action=incident.state, error=str(error))
            return True
        return False

    def _hold(self, incident: Incident, message: HeldMessage) -> None:
        self._store.change(
            incident,
            State.HELD,
            ACTOR,
            arrival_time=message.arrival_time,
            held_at=datetime.now(UTC),
        )

    def _release(self, incident: Incident, message: HeldMessage) -> None:
        self._store.add_event(incident.id, "release begun", ACTOR)
        self._queue.release(message.queue_id, message.arrival_time)
        self._close(incident, State.RELEASED)

    def _delete(self, incident: Incident, message: HeldMessage) -> None:
        self._queue.delete(message.queue_id, message.arrival_time)
        self._close(incident, State.RETURNED)

    # -- messages that are not held -------------------------------------------------------------------------------

    def _step_gone(self, incident: Incident) -> bool:
        if incident.state is State.PENDING:
            if datetime.now(UTC) - incident.created_at > self._missing_after:
                self._vanish(incident, "never seen in the hold queue")
                maillog.missing(incident.queue_id, incident=incident.id)
                metrics.RECONCILED.labels("missing").inc()
            return True
        self._misses[incident.id] = self._misses.get(incident.id, 0) + 1
        if self._misses[incident.id] < _MISSES:
            return True
        try:
            if incident.state in (State.REJECTED, State.EXPIRED):
                if self._store.owes_notices(incident.id):
                    return True
                self._close(incident, State.RETURNED)
            elif incident.state is State.APPROVED and self._release_begun(incident):
                self._close(incident, State.RELEASED)
            else:
                self._vanish(incident, "gone from the hold queue")
                metrics.RECONCILED.labels("vanished").inc()
        except ConflictError:
            return True
        del self._misses[incident.id]
        return False

    def _release_begun(self, incident: Incident) -> bool:
        return any(event.event == "release begun" for event in self._store.history(incident.id))

    def _vanish(self, incident: Incident, note: str) -> None:
        self._close(incident, State.VANISHED, note)

    def _close(self, incident: Incident, state: State, note: str = "") -> None:
        self._store.change(incident, state, ACTOR, note=note, closed_at=datetime.now(UTC))
        metrics.OUTCOMES.labels(state).inc()
        if incident.state in DECIDED and incident.decided_at is not None:
            metrics.DECISIONS.labels(incident.state, incident.decided_how or "").inc()
            since = incident.held_at or incident.created_at
            metrics.DECISION_SECONDS.observe((incident.decided_at - since).total_seconds())

    # -- messages without an open incident ------------------------------------------------------------------------

    def _adopt(self, message: HeldMessage) -> bool:
        """Give a held message of ours an incident; say whether it is ours."""
        content = self._queue.show(message.queue_id, message.arrival_time, header_only=True)
        if content is None:
            return True
        marked = headers.first(content, self._action_name) == self._action_value
        incident_id = headers.first(content, headers.INCIDENT) or ""
        adoptable = self._adopt_uninspected and headers.first(content, headers.STATUS) is None
        if not (marked or incident_id or adoptable):
            return False
        known = self._known(message, incident_id)
        if known is not None and known.state is not State.VANISHED:
            # Open: it was recorded after this pass read the store. Closed: an operator put it on hold by hand.
            return known.state in OPEN
        if known is None:
            known = self._record_adopted(message, content)
        else:
            self._hold(known, message)
        maillog.adopted(message.queue_id, incident=known.id)
        metrics.RECONCILED.labels("adopted").inc()
        return True

    def _known(self, message: HeldMessage, incident_id: str) -> Incident | None:
        """Return the incident of a message: the one that it names, else the last one that was held as this message."""
        same = self._store.find(message.queue_id)
        named = [incident for incident in same if incident.id == incident_id]
        held = [incident for incident in same if incident.arrival_time == message.arrival_time]
        found = named or held
        return found[-1] if found else None

    def _record_adopted(self, message: HeldMessage, header: bytes) -> Incident:
        status = headers.first(header, headers.STATUS)
        incident = Incident(
            queue_id=message.queue_id,
            sender=message.sender,
            recipients=message.recipients,
            policy=ADOPTED,
            arrival_time=message.arrival_time,
            size=message.size,
            header_from=mask_telling(headers.first(header, "From") or "", addresses=False),
            subject=mask_telling(headers.first(header, "Subject") or ""),
            message_id=headers.first(header, "Message-ID") or "",
            status="failed" if status is None else status.partition(";")[0].strip()[:16],
            reason="not inspected, it did not come through the milter" if status is None else "",
        )
        self._store.record(incident, ACTOR, "adopted", "held without an incident")
        self._hold(incident, message)
        return incident

    # -- figures --------------------------------------------------------------------------------------------------

    def _measure(self, held: dict[tuple[str, int], HeldMessage]) -> None:
        ours = [message for key, message in held.items() if key not in self._foreign]
        oldest = min((message.arrival_time for message in ours), default=None)
        metrics.HELD_MESSAGES.set(len(ours))
        metrics.HELD_OLDEST_AGE.set(0 if oldest is None else datetime.now(UTC).timestamp() - oldest)
        metrics.FOREIGN_HELD.set(len(held) - len(ours))
