"""What may be done with a held message: approve, reject, expire. Every way to decide (command, page, mail) comes here.

A decision is recorded together with the notices it makes us owe; desk and queue agent then carry it out, however often
one of them dies in between.
"""

from datetime import UTC, datetime

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Actor, Store


def approve(store: Store, incident: Incident, actor: Actor, comment: str = "") -> Incident:
    """Let a held message go to its recipients. Raises ConflictError when it is not held any more."""
    return _decide(store, incident, State.APPROVED, actor, comment)


def reject(store: Store, incident: Incident, actor: Actor, comment: str = "") -> Incident:
    """Give a held message back to its sender, with the reason. Raises ConflictError when it is not held any more."""
    return _decide(store, incident, State.REJECTED, actor, comment)


def expire(store: Store, incident: Incident, actor: Actor) -> Incident:
    """Give a held message back because its deadline passed. Raises ConflictError when it is not held any more."""
    return _decide(store, incident, State.EXPIRED, actor, "")


def _decide(store: Store, incident: Incident, state: State, actor: Actor, comment: str) -> Incident:
    # The null sender must not be answered (RFC 5321, section 4.5.5): such mail is rejected in silence.
    tells_sender = state in (State.REJECTED, State.EXPIRED) and incident.sender
    return store.change(
        incident,
        state,
        actor,
        note=comment,
        owed=[(state.value, incident.sender)] if tells_sender else [],
        decided_at=datetime.now(UTC),
        decided_by=actor.who,
        decided_how=actor.how,
        comment=comment,
    )
