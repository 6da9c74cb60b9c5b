"""What may be done with a held message: approve, reject, withdraw, expire. Page, mail, command and API all come here.

A decision is recorded together with the notices it makes us owe; desk and queue agent then carry it out, however often
one of them dies in between. Of several who decide at once one wins, and the others are told who did.
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum

from holdgate.desk.context import ACTOR, Desk
from holdgate.quarantine.incident import Actor, Answer, Change, Incident, NewNotice, Request
from holdgate.quarantine.outbox import CHANGED, HOLD_QUEUE
from holdgate.quarantine.states import State
from holdgate.quarantine.store import ConflictError

COMMENT_LENGTH = 2000

SELF_RELEASE = "self-release"
"""How a sender decides who releases their own message (selfrelease.py)."""

WITHDRAWAL = "withdrawal"
"""How a sender decides who takes their message back."""

SENDER, CORRECTED, OWNER = "sender", "sender-corrected", "owner"
"""How a sender decides who was asked (senderchoice.py): in spite of the question, or without all doubtful recipients.

The owner of an application decides in its place.
"""


class Why(StrEnum):
    """Why a decision is not taken."""

    DECIDED = "decided"  # it is decided, or the message has left the hold queue
    PENDING = "pending"  # the message is not in the hold queue yet
    ALREADY_APPROVED = "already_approved"  # this person has approved, and others must approve too
    DEADLINE_PASSED = "deadline_passed"  # the deadline has passed
    NOT_REQUESTED = "not_requested"  # others are asked now


class RefusedError(Exception):
    """A decision that was not recorded; `incident` is the current state."""

    def __init__(self, why: Why, incident: Incident) -> None:
        super().__init__(f"incident {incident.id}: {why}")
        self.why = why
        self.incident = incident


def answer(
    desk: Desk,
    request: Request,
    choice: Answer,
    actor: Actor,
    comment: str = "",
    *,
    change: Change | None = None,
    now: datetime | None = None,
) -> Incident:
    """Take a moderator's answer, APPROVE or REJECT, to a request.

    A refusal decides. An approval decides when it is the last that is needed; else the incident stays held and waits
    for another approval, or for the next level. `change` is with which changes it is approved (changing.py), where the
    policy needs one approval. Returns the incident as it then is. Raises RefusedError.
    """
    comment = clean_comment(comment)
    now = now or datetime.now(UTC)

    def once(incident: Incident) -> Incident:
        known = desk.store.requests.of(incident.id)
        asked = next(one for one in known if one.number == request.number)
        if asked.is_of_sender:
            raise RefusedError(Why.NOT_REQUESTED, incident)
        require_open(incident, asked, now)
        if choice is Answer.REJECT:
            return close(desk, incident, State.REJECTED, actor, comment, known, asked)
        if change is not None:
            return close(desk, incident, State.APPROVED, actor, comment, known, asked, change)
        return _approve(desk, incident, actor, comment, known, asked)

    return until_settled(desk, request.incident_id, once)


def override(
    desk: Desk, incident: Incident, choice: Answer, actor: Actor, comment: str = "", *, change: Change | None = None
) -> Incident:
    """Decide as an administrator: at once, even if others were asked, and with `change`. Raises RefusedError."""
    state = State.APPROVED if choice is Answer.APPROVE else State.REJECTED
    comment = clean_comment(comment)

    def once(now: Incident) -> Incident:
        return close(desk, now, state, actor, comment, desk.store.requests.of(now.id), None, change)

    return until_settled(desk, incident.id, once)


def withdraw(desk: Desk, incident: Incident, actor: Actor) -> Incident:
    """Let a sender withdraw their message: it counts as rejected by them. Raises RefusedError."""

    def once(now: Incident) -> Incident:
        return close(desk, now, State.REJECTED, actor, "", desk.store.requests.of(now.id), None)

    return until_settled(desk, incident.id, once)


def self_release(
    desk: Desk, incident: Incident, actor: Actor, reason: str, check: Callable[[Incident], None]
) -> Incident:
    """Approve as the sender, where `check` does not raise on the incident as it then is. Raises RefusedError."""

    def once(now: Incident) -> Incident:
        check(now)
        return close(desk, now, State.APPROVED, actor, reason, desk.store.requests.of(now.id), None)

    return until_settled(desk, incident.id, once)


def decide_again(desk: Desk, incident: Incident, reason: str) -> None:
    """Take an approval with changes back, because the message cannot be changed so: a new request is sent."""
    desk.store.change(incident, State.HELD, ACTOR, note=reason, also=["change failed"])


def expire(desk: Desk, incident: Incident) -> Incident:
    """Give a message back because its deadline passed.

    Raises RefusedError if it was decided at the same moment, and ConflictError when its deadline may be another
    one by now.
    """
    if incident.state is not State.HELD:
        raise RefusedError(Why.DECIDED, incident)
    return close(desk, incident, State.EXPIRED, ACTOR, "", [], None)


def request_of(desk: Desk, incident: Incident, moderator: str) -> Request | None:
    """Return the request that a moderator can answer, otherwise their last one, None if they were never asked."""
    known = desk.store.requests.of(incident.id)
    mine = [one for one in known if one.moderator == moderator and not one.is_of_sender]
    return next((one for one in mine if one.answer is None), mine[-1] if mine else None)


def is_late(request: Request, now: datetime | None = None) -> bool:
    """Say whether the time to answer a request is over."""
    return (now or datetime.now(UTC)) >= request.deadline_at


def clean_comment(comment: str) -> str:
    """Return a comment fit to be mailed and shown: its lines, of printable characters, not too long."""
    lines = comment[: COMMENT_LENGTH * 2].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    printable = ("".join(c if c.isprintable() else " " for c in line).rstrip() for line in lines)
    return "\n".join(printable).strip()[:COMMENT_LENGTH]


def until_settled(desk: Desk, incident_id: str, once: Callable[[Incident], Incident]) -> Incident:
    """Try a step on the incident as it is now, again if it was changed in between. Raises RefusedError."""
    while True:
        incident = desk.store.incident(incident_id)
        assert incident is not None
        if incident.state is not State.HELD:
            raise RefusedError(Why.PENDING if incident.state is State.PENDING else Why.DECIDED, incident)
        try:
            return once(incident)
        except ConflictError:
            continue


def require_open(incident: Incident, asked: Request, now: datetime) -> None:
    """Raise RefusedError where a request cannot be answered any more."""
    if asked.answer is Answer.APPROVE:
        raise RefusedError(Why.ALREADY_APPROVED, incident)
    if not asked.is_open:
        raise RefusedError(Why.NOT_REQUESTED, incident)
    if is_late(asked, now):
        raise RefusedError(Why.DEADLINE_PASSED, incident)


def _approve(
    desk: Desk, incident: Incident, actor: Actor, comment: str, known: list[Request], asked: Request
) -> Incident:
    rules = desk.moderation(incident)
    # A person who approved as another's delegate does not count twice.
    if any(
        event.event == "approval" and event.who == actor.who and event.at >= (incident.held_at or incident.created_at)
        for event in desk.store.history(incident.id)
    ):
        raise RefusedError(Why.ALREADY_APPROVED, incident)
    others = {
        one.moderator
        for one in known
        if one.level == asked.level
        and one.answer is Answer.APPROVE
        and one.moderator != asked.moderator
        and not one.is_of_sender
    }
    if len(others) + 1 < rules.approvals:
        return desk.store.amend(incident, "approval", actor, note=comment, answers={asked.number: Answer.APPROVE})
    if incident.level + 1 < len(rules.chain):
        return desk.store.amend(
            incident,
            "approval",
            actor,
            note=comment,
            answers={asked.number: Answer.APPROVE},
            supersede=True,
            level=incident.level + 1,
            asked_at=None,
            deadline_at=None,
            remind_at=None,
        )
    return close(desk, incident, State.APPROVED, actor, comment, known, asked)


def _described(change: Change) -> str:
    """Return a change for the audit trail: what it is, and the SHA-256 of both messages."""
    parts = f" {', '.join(map(str, change.parts))}" if change.parts else ""
    parts += f" {', '.join(change.recipients)}" if change.recipients else ""
    removed = f"; signatures removed: {', '.join(change.signatures)}" if change.signatures else ""
    return f"{', '.join(change.kinds)}{parts}; SHA-256 {change.original} to {change.sent}{removed}"


def close(
    desk: Desk,
    incident: Incident,
    state: State,
    actor: Actor,
    comment: str,
    known: list[Request],
    asked: Request | None,
    change: Change | None = None,
    *,
    by_mail: bool = False,
) -> Incident:
    """Decide: the state, who is told, and by whom it was. Who decides `by_mail` gets the outcome by mail, too."""
    outbox: list[NewNotice] = []
    also: list[str | tuple[str, str]] = []
    if change is not None:
        outbox.append(NewNotice(CHANGED, HOLD_QUEUE))
        also.append(("changes chosen", _described(change)))
    kind = "withdrawn" if actor.how == WITHDRAWAL else str(state)
    if actor.how in (SELF_RELEASE, SENDER, CORRECTED):
        pass  # the sender did it
    elif change is not None or state is not State.APPROVED or desk.moderation(incident).notify_sender_on_approval:
        if desk.tells(incident.sender):
            outbox.append(NewNotice(kind, incident.sender))
        else:
            also.append("sender not told")
    told = {one.moderator: one for one in known if one.is_open or one.answer is Answer.APPROVE}
    if asked is not None and actor.how != "mail" and not by_mail:
        told.pop(asked.moderator, None)
    if any(one.recipient == incident.sender for one in outbox):  # they hear of it once
        told = {person: one for person, one in told.items() if one.role != SENDER}
    outbox.extend(NewNotice("decided", person, request=one.number) for person, one in told.items())
    choice = Answer.APPROVE if state is State.APPROVED else Answer.REJECT
    return desk.store.change(
        incident,
        state,
        actor,
        note=comment,
        outbox=outbox,
        answers={asked.number: choice} if asked is not None else {},
        also=also,
        decided_at=datetime.now(UTC),
        decided_by=actor.who,
        decided_how=actor.how,
        comment=comment,
        change=None if change is None else asdict(change),
    )
