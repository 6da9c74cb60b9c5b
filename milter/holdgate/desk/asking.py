"""Sends requests: the first one, those of the next level, reminders, and those to deputies of absent moderators.

Each step is one change in the store, together with its notices in the outbox. After a crash before it, it is made
again.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from holdgate import maillog, metrics
from holdgate.desk import asksender, moderators
from holdgate.desk.channel import MAIL
from holdgate.desk.context import ACTOR, Desk
from holdgate.policy.action import REGISTRY, Handling
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import SENDER, Answer, Ask, Incident, NewNotice, Request
from holdgate.quarantine.states import State
from holdgate.quarantine.store import settle


def is_refused(incident: Incident) -> bool:
    """Return whether a held message is a copy for recipients whom a policy refuses (gate/split.py)."""
    action = REGISTRY.actions.get(incident.action)
    return bool(incident.message_digest) and action is not None and action.handling is Handling.REFUSE


def ask(desk: Desk, incident: Incident, now: datetime, describe: Callable[[], dict[str, Any]] = dict) -> Incident:
    """Send requests to the moderators of the incident's level, or to its sender (asksender.py); starts the deadline.

    `describe` returns columns about the message; it is called once the recipients of the request are known. Raises
    TryLaterError while lookups in the managers' table fail, and ConflictError if the incident was changed meanwhile.
    """
    rules = desk.moderation(incident)
    question = asksender.question(desk, incident, now)
    able = []
    if question is None or question.moderators:
        able = moderators.first_asked(desk, incident, desk.store.requests.of(incident.id), now)
    asks = [*(question.asks if question is not None else ()), *able]
    deadline = desk.work_time(incident).later(now, rules.deadline)
    outbox = []
    needs_no_notice = any(one.role == SENDER for one in asks) or not desk.can_notify(incident.sender)
    if (rules.notify_sender_on_hold or rules.self_release) and incident.level == 0 and not needs_no_notice:
        outbox.append(NewNotice("held", incident.sender))
    asked = desk.store.amend(
        incident,
        EventName.REQUESTED if asks else EventName.NO_MODERATOR,
        ACTOR,
        note=_names(asks) + _too_few(desk, incident, len(able)) + _limit(question),
        outbox=outbox,
        asks=asks,
        supersede=True,
        asked_at=now,
        deadline_at=deadline,
        remind_at=_next_reminder(desk, incident, deadline, now),
        described=describe(),
        channels=_channels(desk, incident),
    )
    if question is not None:
        metrics.SENDER_QUESTIONS.labels(question.outcome).inc()
    if question is None or question.moderators:
        _raise_alarm(desk, incident, len(able))
    return asked


def remind(desk: Desk, incident: Incident, now: datetime) -> Incident:
    """Remind moderators who have not answered. Raises ConflictError if the incident was changed meanwhile."""
    assert incident.deadline_at is not None
    waiting = still_asked(desk, incident)
    return desk.store.amend(
        incident,
        EventName.REMINDED,
        ACTOR,
        note=", ".join(request.moderator for request in waiting),
        outbox=[
            NewNotice("reminder", request.moderator, request=request.number, channel=channel)
            for request in waiting
            for channel in _channels(desk, incident)
        ],
        remind_at=_next_reminder(desk, incident, incident.deadline_at, now),
    )


def reassign(desk: Desk, request: Request, answer: Answer, how: str) -> bool:
    """Send the request to another person because a moderator is away (OUT_OF_OFFICE) or their mail bounced (BOUNCED).

    Return whether anything changed: not for an answered request, nor for a decided incident.
    Raises ConflictError as `store.settle` does.
    """

    def once() -> tuple[Incident, int] | None:
        incident = desk.store.incident(request.incident_id)
        known = desk.store.requests.of(request.incident_id)
        same = next((one for one in known if one.number == request.number), None)
        if incident is None or incident.state is not State.HELD or same is None or same.answer is not None:
            return None
        if same.is_of_sender:
            asks = asksender.instead(desk, incident, known)
        else:
            asks = moderators.substitute(desk, incident, same, known, answer)
        others = [
            one for one in known if one.number != request.number and one.level == request.level and not one.is_of_sender
        ]
        able = len(asks) + len([one for one in others if one.answer in (None, Answer.APPROVE)])
        now_asked = (_names(asks) or "no one") + _too_few(desk, incident, able)
        desk.store.amend(
            incident,
            str(answer),
            ACTOR,
            note=f"{request.moderator} ({how}); requested from: {now_asked}",
            asks=asks,
            channels=_channels(desk, incident),
            answers={request.number: answer},
        )
        return incident, able

    reassigned = settle(once)
    if reassigned is not None:
        _raise_alarm(desk, *reassigned)
    return reassigned is not None


def still_asked(desk: Desk, incident: Incident) -> list[Request]:
    """Return the requests that can still be answered."""
    return [one for one in desk.store.requests.of(incident.id) if one.is_open]


def _channels(desk: Desk, incident: Incident) -> list[str]:
    """Return the channels for requests and reminders: mail, and those that the policy adds."""
    return [MAIL, *desk.moderation(incident).notify_over]


def _names(asks: list[Ask]) -> str:
    return ", ".join(f"{one.moderator} ({one.role})" for one in asks)


def _limit(question: asksender.Question | None) -> str:
    """Return the history's note about a limit beyond which moderators are asked, "" for none."""
    return f"; {question.limit}" if question is not None and question.limit is not None else ""


def _too_few(desk: Desk, incident: Incident, able: int) -> str:
    """Return the history's note if fewer people are `able` to approve than must, else ""."""
    needed = moderators.needed(desk, incident)
    return f"; too few: {needed} must approve" if 0 < able < needed else ""


def _raise_alarm(desk: Desk, incident: Incident, able: int) -> None:
    """Log and count that fewer people are `able` to approve than must; the message stays held until its deadline."""
    needed = moderators.needed(desk, incident)
    if able >= needed:
        return
    metrics.TOO_FEW_APPROVERS.inc()
    if able:
        maillog.too_few_approvers(incident.queue_id, incident=incident.id, able=able, needed=needed)
    else:
        maillog.no_moderator(incident.queue_id, incident=incident.id)


def _next_reminder(desk: Desk, incident: Incident, deadline: datetime, now: datetime) -> datetime | None:
    work_time = desk.work_time(incident)
    moments = [work_time.earlier(deadline, before) for before in desk.moderation(incident).reminders]
    return min((moment for moment in moments if moment > now), default=None)
