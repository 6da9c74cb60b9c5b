"""Creates incidents for held messages without an open one: after a lost store, or if the milter never saw them.

Holdgate manages a held message that carries its mark. With `queue.adopt_uninspected` it also manages one without the
header field that the milter adds to every message. Postfix does not record why it holds a message, so one that it held
because the milter was down looks like any other. But mail that an administrator holds (postsuper -h, HOLD in a table)
has passed through the milter, so it is ignored.
"""

from dataclasses import replace
from datetime import UTC, datetime

from holdgate import headers, maillog, metrics
from holdgate.mask import mask_numbers, mask_unsearched_text
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Incident, is_incident_id, new_incident_id
from holdgate.quarantine.recorded import ADOPTED
from holdgate.quarantine.states import OPEN, State
from holdgate.quarantine.store import Actor, Store
from holdgate.queue.postfix import HeldMessage

# What an incident copies from the earlier incident of its message.
_KEPT = (
    *("policy", "action", "auth_user", "client_address", "status", "reason", "profiles", "findings", "signals"),
    *("attachments", "encrypted"),
)

ACTOR = Actor("holdgate-queue", "queue")


class Adopter:
    """Adopts messages. `action` are name and value of the field that marks a message to hold."""

    def __init__(self, store: Store, *, action: tuple[str, str], adopt_uninspected: bool) -> None:
        self._store = store
        self._action_name, self._action_value = action
        self._adopt_uninspected = adopt_uninspected

    def adopt(self, message: HeldMessage, header: bytes, *, is_managed: bool = False) -> bool:
        """Create an incident for a held message of Holdgate; return whether it is one. `is_managed`: it is known to be.

        Raises ConflictError and the store's errors: then retry.
        """
        marked = headers.first(header, self._action_name) == self._action_value
        incident_id = headers.first(header, headers.INCIDENT) or ""
        adoptable = self._adopt_uninspected and headers.first(header, headers.STATUS) is None
        if not (marked or incident_id or adoptable or is_managed):
            return False
        if (copy := self._copy(message, header)) is not None and not copy.queue_id:
            hold(self._store, copy, message)  # the milter was killed before it stored the queue id
            self._note(message, copy)
            return True
        known = self._known(message, incident_id) or self._moved(message, header, incident_id)
        if known is not None and known.state is not State.VANISHED:
            # Open: it was recorded after this pass had read the store. Closed: an operator put it on hold again.
            return known.state in OPEN
        if known is None:
            known = self._record(message, header, self._requeued(message, header, incident_id))
        else:
            hold(self._store, known, message)
        self._note(message, known)
        return True

    def first_copy(self, message: HeldMessage, header: bytes) -> Incident | None:
        """Return the incident of a copy that Postfix accepted twice, if `message` is the second."""
        copy = self._copy(message, header)
        return copy if copy is not None and copy.queue_id not in ("", message.queue_id) else None

    def _copy(self, message: HeldMessage, header: bytes) -> Incident | None:
        """Return the open incident of a copy for recipients who wait (gate/split.py), which its header names.

        An incident may be closed if Postfix did not seem to have accepted its copy.
        """
        named = self._requeued(message, header, headers.first(header, headers.INCIDENT) or "")
        if named is None or not named.message_digest or not self._store.is_here(named):
            return None
        was_lost = named.state is State.VANISHED and not named.queue_id
        return named if named.state in OPEN or was_lost else None

    def _note(self, message: HeldMessage, incident: Incident) -> None:
        maillog.adopted(message.queue_id, incident=incident.id)
        metrics.RECONCILED.labels("adopted").inc()

    def _known(self, message: HeldMessage, incident_id: str) -> Incident | None:
        """Return the incident of a message: the one in its header, else the last one that held this message."""
        same = self._store.of_message(message.queue_id)
        named = [incident for incident in same if incident.id == incident_id]
        held = [incident for incident in same if incident.arrival_time == message.arrival_time]
        found = named or held
        return found[-1] if found else None

    def _requeued(self, message: HeldMessage, header: bytes, incident_id: str) -> Incident | None:
        """Return the incident under which a message was held before an operator requeued it (postsuper -r).

        Its header counts only if it passed through the milter, which removes such fields from received mail.
        """
        if headers.first(header, headers.STATUS) is None or not incident_id:
            return None
        named = self._store.incident(incident_id)
        return named if named is not None and named.sender == message.sender else None

    def _moved(self, message: HeldMessage, header: bytes, incident_id: str) -> Incident | None:
        """Return the incident of a message from the hold queue of a node that no machine uses any more.

        It then belongs to this node. The same applies if this node was renamed.
        """
        named = self._requeued(message, header, incident_id)
        if named is None or named.queue_id != message.queue_id or self._store.is_here(named):
            return None
        if self._store.nodes.is_used(named.node):
            return None
        if named.state not in OPEN and named.state is not State.VANISHED:
            return named
        note = f"from node {named.node} to {self._store.node}"
        return self._store.amend(named, EventName.NODE_CHANGED, ACTOR, note=note, node=self._store.node)

    def _record(self, message: HeldMessage, header: bytes, before: Incident | None) -> Incident:
        status = headers.first(header, headers.STATUS)
        incident = Incident(
            id=self._id_for(header),
            queue_id=message.queue_id,
            sender=message.sender,
            recipients=[mask_numbers(recipient) for recipient in message.recipients],
            policy=ADOPTED,
            state=State.HELD,
            held_at=datetime.now(UTC),
            arrival_time=message.arrival_time,
            size=message.size,
            header_from=mask_unsearched_text(headers.first(header, "From") or "", addresses=False),
            subject=mask_unsearched_text(headers.first(header, "Subject") or ""),
            message_id=mask_numbers(headers.first(header, "Message-ID") or ""),
            status="failed" if status is None else status.partition(";")[0].strip()[:16],
            reason="not inspected, it did not come through the milter" if status is None else "",
        )
        note = "held without an incident"
        if before is not None:
            # The settings of its policy apply, and people see the findings; a new decision is needed.
            incident = replace(incident, **{name: getattr(before, name) for name in _KEPT})
            note = f"requeued by hand, before that {before.queue_id} in incident {before.id}"
        self._store.record(incident, ACTOR, EventName.ADOPTED, note, also=[State.HELD])
        return incident

    def _id_for(self, header: bytes) -> str:
        """Return the id in the header if the store lost it (a retry looks for it, gate/split.py), else a new one."""
        named = headers.first(header, headers.INCIDENT) or ""
        is_lost = headers.first(header, headers.STATUS) is not None and is_incident_id(named)
        return named if is_lost and self._store.incident(named) is None else new_incident_id()


def hold(store: Store, incident: Incident, message: HeldMessage) -> None:
    """Record that the message of an incident is in the hold queue: from now on requests can be sent."""
    store.change(
        incident,
        State.HELD,
        ACTOR,
        queue_id=message.queue_id,
        arrival_time=message.arrival_time,
        held_at=datetime.now(UTC),
    )
