"""The decisions on a held message: approve, reject, withdraw, expire. Page, mail, command and API all use this module.

A decision is stored together with its notices; desk and queue agent then carry it out, however often one of them
crashes meanwhile. Of several simultaneous decisions one is stored, and the other persons learn who decided.
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum

from holdgate.desk.context import ACTOR, Desk
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import POLICY, Actor, Answer, Change, Incident, NewNotice, Request
from holdgate.quarantine.incidents import Quota
from holdgate.quarantine.outbox import CHANGED, HOLD_QUEUE
from holdgate.quarantine.replacements import REPLACEMENT
from holdgate.quarantine.states import State
from holdgate.quarantine.store import settle

COMMENT_LENGTH = 2000

SELF_RELEASE = "self-release"
"""The method by which a sender releases their own message (selfrelease.py)."""

WITHDRAWAL = "withdrawal"
"""The method by which a sender withdraws their message."""

SENDER, CORRECTED, OWNER = "sender", "sender-corrected", "owner"
"""The methods of a sender who was asked (senderchoice.py): to all recipients, or without all doubtful ones.

The owner of an application decides in its place.
"""


class Why(StrEnum):
    """Why a decision is refused."""

    DECIDED = "decided"  # a decision exists, or the message has left the hold queue
    PENDING = "pending"  # the message is not in the hold queue yet
    ALREADY_APPROVED = "already_approved"  # this person has approved, and others must approve too
    DEADLINE_PASSED = "deadline_passed"  # the deadline has passed
    NOT_REQUESTED = "not_requested"  # other people are asked now


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
    """Record a moderator's answer, APPROVE or REJECT, to a request.

    A rejection decides. An approval decides if it is the last required one; otherwise the incident stays held and waits
    for another approval, or for the next level. `change` are the changes with which it is approved (changing.py), if
    the policy needs one approval only. Returns the updated incident. Raises RefusedError.
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
    """Withdraw a sender's own message, as if they rejected it. Raises RefusedError."""

    def once(now: Incident) -> Incident:
        return close(desk, now, State.REJECTED, actor, "", desk.store.requests.of(now.id), None)

    return until_settled(desk, incident.id, once)


def refuse(desk: Desk, incident: Incident) -> Incident:
    """Return a message to its sender because a policy refuses it for these recipients. Raises RefusedError."""

    def once(now: Incident) -> Incident:
        return close(desk, now, State.REJECTED, Actor(now.policy, POLICY), "", [], None)

    return until_settled(desk, incident.id, once)


def self_release(
    desk: Desk,
    incident: Incident,
    actor: Actor,
    reason: str,
    check: Callable[[Incident], Quota],
    change: Change | None = None,
) -> Incident:
    """Approve as the sender, within the quota that `check` returns for the incident's current state.

    `change` are the recipients whom the sender leaves out.

    Raises what `check` raises, and RefusedError.
    """

    def once(now: Incident) -> Incident:
        quota = check(now)
        known = desk.store.requests.of(now.id)
        return close(desk, now, State.APPROVED, actor, reason, known, None, change, quota=quota)

    return until_settled(desk, incident.id, once)


def decide_again(desk: Desk, incident: Incident, reason: str) -> None:
    """Undo an approval with changes because the message cannot be changed that way: a new request is sent."""
    desk.store.change(incident, State.HELD, ACTOR, note=reason, also=[EventName.CHANGE_FAILED])


def expire(desk: Desk, incident: Incident) -> Incident:
    """Return a message to its sender because its deadline passed.

    Raises RefusedError if it was decided at the same moment, and ConflictError if its deadline may have changed.
    """
    if incident.state is not State.HELD:
        raise RefusedError(Why.DECIDED, incident)
    return close(desk, incident, State.EXPIRED, ACTOR, "", [], None)


def request_of(desk: Desk, incident: Incident, moderator: str) -> Request | None:
    """Return the request that a moderator can answer, otherwise their last one, or None if there is none."""
    known = desk.store.requests.of(incident.id)
    received = [one for one in known if one.moderator == moderator and not one.is_of_sender]
    return next((one for one in received if one.answer is None), received[-1] if received else None)


def is_late(request: Request, now: datetime | None = None) -> bool:
    """Return whether the time to answer a request is over."""
    return (now or datetime.now(UTC)) >= request.deadline_at


def clean_comment(comment: str) -> str:
    """Return a comment that is safe to mail and show: its lines, printable characters only, limited in length."""
    lines = comment[: COMMENT_LENGTH * 2].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    printable = ("".join(c if c.isprintable() else " " for c in line).rstrip() for line in lines)
    return "\n".join(printable).strip()[:COMMENT_LENGTH]


def until_settled(desk: Desk, incident_id: str, once: Callable[[Incident], Incident]) -> Incident:
    """Run a step on the incident's current state, and again if it was changed meanwhile.

    Raises RefusedError, and ConflictError as `store.settle` does.
    """

    def step() -> Incident:
        incident = desk.store.incident(incident_id)
        assert incident is not None
        if incident.state is not State.HELD:
            raise RefusedError(Why.PENDING if incident.state is State.PENDING else Why.DECIDED, incident)
        return once(incident)

    return settle(step)


def require_open(incident: Incident, asked: Request, now: datetime) -> None:
    """Raise RefusedError if a request can no longer be answered."""
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
    # A person who approved as another person's delegate does not count twice.
    if any(
        event.event == EventName.APPROVAL
        and event.who == actor.who
        and event.at >= (incident.held_at or incident.created_at)
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
        return desk.store.amend(
            incident, EventName.APPROVAL, actor, note=comment, answers={asked.number: Answer.APPROVE}
        )
    if incident.level + 1 < len(rules.chain):
        return desk.store.amend(
            incident,
            EventName.APPROVAL,
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
    """Return a change for the audit trail: its kind, and the SHA-256 of both messages."""
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
    quota: Quota | None = None,
) -> Incident:
    """Decide: set the state, the person and the notices. A person who decides `by_mail` gets the outcome by mail.

    Raises ConflictError if the incident was changed meanwhile, or if the person has used up their `quota` meanwhile.
    """
    outbox: list[NewNotice] = []
    also: list[str | tuple[str, str]] = []
    if change is not None:
        outbox.append(NewNotice(CHANGED, HOLD_QUEUE))
        also.append((EventName.CHANGES_CHOSEN, _described(change)))
    kind = "withdrawn" if actor.how == WITHDRAWAL else str(state)
    if actor.how in (SELF_RELEASE, SENDER, CORRECTED, REPLACEMENT):
        pass  # the sender did it
    elif change is not None or state is not State.APPROVED or desk.moderation(incident).notify_sender_on_approval:
        if desk.can_notify(incident.sender):
            outbox.append(NewNotice(kind, incident.sender))
        else:
            also.append(EventName.SENDER_NOT_NOTIFIED)
    informed = {one.moderator: one for one in known if one.is_open or one.answer is Answer.APPROVE}
    if asked is not None and actor.how != "mail" and not by_mail:
        informed.pop(asked.moderator, None)
    if any(one.recipient == incident.sender for one in outbox):  # they are notified only once
        informed = {person: one for person, one in informed.items() if one.role != SENDER}
    outbox.extend(NewNotice("decided", person, request=one.number) for person, one in informed.items())
    choice = Answer.APPROVE if state is State.APPROVED else Answer.REJECT
    return desk.store.change(
        incident,
        state,
        actor,
        note=comment,
        outbox=outbox,
        answers={asked.number: choice} if asked is not None else {},
        also=also,
        quota=quota,
        decided_at=datetime.now(UTC),
        decided_by=actor.who,
        decided_how=actor.how,
        comment=comment,
        change=None if change is None else asdict(change),
    )
