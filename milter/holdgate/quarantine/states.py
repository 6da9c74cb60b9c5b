"""The states of an incident and the ways between them, as one table.

::

    pending ──▶ held ──▶ approved ──▶ released
                  ├────▶ rejected ──▶ returned
                  └────▶ expired ───▶ returned
    approved ──▶ held                (approved with changes that cannot be made any more: it is decided again)
    any open state ──▶ vanished          (the message is gone from the hold queue, not by us)
    vanished ──▶ held                    (held again: the queue is authoritative, and a new decision is needed)
    recorded                             (nothing to decide: delivered with an alert or a tag, refused, or observed)
"""

from enum import StrEnum


class State(StrEnum):
    """Where an incident stands."""

    PENDING = "pending"  # recorded before the milter answered; not yet seen in the hold queue
    HELD = "held"  # seen in the hold queue; waits for a decision
    APPROVED = "approved"  # a moderator approved; the queue agent has yet to release
    RELEASED = "released"  # on its way to the recipients
    REJECTED = "rejected"  # a moderator rejected; the sender has yet to be told
    EXPIRED = "expired"  # nobody decided in time; the sender has yet to be told
    RETURNED = "returned"  # the sender was told and the queue file is gone
    VANISHED = "vanished"  # the message is gone, and not by us
    RECORDED = "recorded"  # a policy wanted it recorded; nothing is held and nothing is to be decided


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


def may_become(old: State, new: State) -> bool:
    """Say whether the table has a way from `old` to `new`."""
    return new in TRANSITIONS[old]
