"""The states of an incident and the transitions between them, as one table.

::

    pending ──▶ held ──▶ approved ──▶ released
                  ├────▶ rejected ──▶ returned
                  └────▶ expired ───▶ returned
    approved ──▶ held                (an approved change became impossible: a new decision is needed)
    any open state ──▶ vanished          (an operator removed the message from the hold queue)
    vanished ──▶ held                    (held again: the queue is authoritative, and a new decision is needed)
    recorded                             (nothing to decide: delivered with an alert or a tag, refused, or observed)
"""

from enum import StrEnum


class State(StrEnum):
    """The state of an incident."""

    PENDING = "pending"  # recorded before the milter responded; not yet seen in the hold queue
    HELD = "held"  # seen in the hold queue; waits for a decision
    APPROVED = "approved"  # a moderator approved; the queue agent has not released it yet
    RELEASED = "released"  # on its way to the recipients
    REJECTED = "rejected"  # a moderator rejected; the sender has not been notified yet
    EXPIRED = "expired"  # no decision before the deadline; the sender has not been notified yet
    RETURNED = "returned"  # the sender was notified and the queue file is deleted
    VANISHED = "vanished"  # an operator removed the message, or it was never held
    RECORDED = "recorded"  # a policy recorded it; nothing is held and nothing must be decided


TRANSITIONS: dict[State, frozenset[State]] = {
    State.PENDING: frozenset({State.HELD, State.VANISHED}),
    State.HELD: frozenset({State.APPROVED, State.REJECTED, State.EXPIRED, State.VANISHED}),
    State.APPROVED: frozenset({State.RELEASED, State.HELD, State.VANISHED}),
    State.REJECTED: frozenset({State.RETURNED, State.VANISHED}),
    State.EXPIRED: frozenset({State.RETURNED, State.VANISHED}),
    State.RELEASED: frozenset(),
    State.RETURNED: frozenset(),
    State.VANISHED: frozenset({State.HELD}),
    State.RECORDED: frozenset(),
}

OPEN = frozenset({State.PENDING, State.HELD, State.APPROVED, State.REJECTED, State.EXPIRED})
DECIDED = frozenset({State.APPROVED, State.REJECTED, State.EXPIRED})


def has_transition(old: State, new: State) -> bool:
    """Return whether the table has a transition from `old` to `new`."""
    return new in TRANSITIONS[old]
