"""Records in the store what the reconciler did with a held message: that its release begins, and its outcome, once."""

from datetime import UTC, datetime
from typing import Any

from holdgate import maillog, metrics
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Incident, Standing
from holdgate.quarantine.states import DECIDED, State
from holdgate.quarantine.store import Store
from holdgate.queue.adopt import ACTOR

# Values to clear in an incident if an operator removed its message before it was returned.
_DECISION = ("decided_at", "decided_by", "decided_how", "comment")


class Closing:
    """Closes incidents that did not change since they were read. Raises ConflictError and the store's errors."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, one: Standing) -> bool:
        """Record that a release begins, before it does, once; return whether it had already begun.

        So a missing message is known to be released.
        """
        if self.has_begun(one):
            return True
        self._store.add_event(one.id, EventName.RELEASE_STARTED, ACTOR)
        return False

    def unchanged(self, one: Standing) -> Incident | None:
        """Return the incident, or None if it was changed meanwhile."""
        incident = self._store.incident(one.id)
        return incident if incident is not None and incident.state is one.state else None

    def close(self, one: Standing, state: State, note: str = "") -> bool:
        """Close an incident; return whether it was still unchanged."""
        incident = self.unchanged(one)
        if incident is None:
            return False
        values: dict[str, Any] = {"closed_at": datetime.now(UTC)}
        if state is State.VANISHED and incident.state in (State.REJECTED, State.EXPIRED):
            values |= dict.fromkeys(_DECISION)  # the decision does not count, and the history has it
        self._store.change(incident, state, ACTOR, note=note, **values)
        metrics.OUTCOMES.labels(state).inc()
        if incident.state in DECIDED and incident.decided_at is not None:
            metrics.DECISIONS.labels(incident.state, incident.decided_how or "").inc()
            since = incident.held_at or incident.created_at
            metrics.DECISION_SECONDS.observe((incident.decided_at - since).total_seconds())
        return True

    def close_vanished(self, one: Standing) -> None:
        """Close an incident whose message an operator removed. Its sender is not notified: it may be delivered."""
        if self.close(one, State.VANISHED, "gone from the hold queue"):
            incident = self._store.incident(one.id)
            recipients = incident.recipients if incident is not None else []
            maillog.gone_undecided(one.queue_id, incident=one.id, recipients=recipients)
            metrics.RECONCILED.labels("vanished").inc()

    def close_missing(self, one: Standing, *, awaits_report: bool) -> None:
        """Close an incident whose message is certainly missing.

        `awaits_report` is true if its sender has not been notified of the outcome yet.
        """
        if one.state is State.PENDING:
            if not one.queue_id:
                self.close(one, State.VANISHED, "Postfix did not accept the copy; its client retries")
            elif self.close(one, State.VANISHED, "never seen in the hold queue"):
                maillog.never_held(one.queue_id, incident=one.id)
                metrics.RECONCILED.labels("never-held").inc()
        elif one.state in (State.REJECTED, State.EXPIRED) and not awaits_report:
            self.close(one, State.RETURNED)
        elif one.state is State.APPROVED and self.has_begun(one):
            self.close(one, State.RELEASED)
        else:
            self.close_vanished(one)

    def has_begun(self, one: Standing) -> bool:
        """Return whether a release has begun since the message was last held."""
        for event in reversed(self._store.history(one.id)):
            if event.event in (EventName.RELEASE_STARTED, State.HELD):
                return event.event == EventName.RELEASE_STARTED
        return False
