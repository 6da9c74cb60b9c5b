"""What a moderator can do instead of deciding: forward the request, ask the sender, be reminded later.

Each is one change of the incident with its notices, so that a crash leaves all of it or nothing. None of them decides,
and none changes the deadline.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from holdgate.config import ModerationSettings
from holdgate.desk import moderators
from holdgate.desk.context import Desk
from holdgate.desk.language.catalogue import mark
from holdgate.desk.moderation import clean_comment, is_late
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Actor, Answer, Ask, Incident, NewNotice, Request
from holdgate.quarantine.states import State
from holdgate.quarantine.store import settle
from holdgate.translated import text_in

# How many questions and answers are possible about one message, so that no mailbox can be flooded.
_TURNS = 10


class Refusal(StrEnum):
    """Why an action was refused, as a text for people."""

    OVER = mark("Nothing was done: the message no longer waits for your decision.")
    EMPTY = mark("Nothing was done. Fill in the field and tick the box first.")
    NOBODY = mark("Nothing was done. The question can only be forwarded to an address of this organisation.")
    INVOLVED = mark(
        "Nothing was done. A person cannot decide on mail that they sent or receive, and cannot decide twice."
    )
    NO_SENDER = mark("Nothing was done: Holdgate does not send mail to the sender of this message.")
    TOO_OFTEN = mark("Nothing was done: there were too many questions and answers about this message.")
    NO_TIME = mark("Nothing was done. Choose a time before the end.")


class RefusedToConsultError(Exception):
    """The action was refused."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(str(why))
        self.why = why


def forward(desk: Desk, request: Request, to: str, note: str, actor: Actor, *, now: datetime | None = None) -> Incident:
    """Have another person decide in place of the requested one. Raises RefusedToConsultError."""
    to, note = to.strip().lower(), clean_comment(note)
    if not may_forward(desk, to):
        raise RefusedToConsultError(Refusal.NOBODY)

    def once(incident: Incident, latest: Request) -> Incident:
        known = desk.store.requests.of(incident.id)
        taken = {
            moderators.same_person(one.moderator) for one in known if one.is_open or one.answer is Answer.APPROVE
        } | moderators.involved(incident)
        if moderators.same_person(to) in taken:
            raise RefusedToConsultError(Refusal.INVOLVED)
        return desk.store.amend(
            incident,
            EventName.FORWARDED,
            actor,
            note=f"{to}\n{note}",
            asks=[Ask(to, "forwarded", latest.level, latest.moderator)],
            answers={latest.number: Answer.SUPERSEDED},
        )

    return _settle(desk, request, once, now)


def may_forward(desk: Desk, to: str) -> bool:
    """Return whether an address can get a forwarded request: `moderation.forward_to`, else the site's own domains."""
    if to.count("@") != 1 or not to.isprintable() or len(to) > 320 or any(c in to for c in " <>,;:\"'()\\"):
        return False
    allowed = desk.settings.moderation.forward_to
    if not allowed:
        return desk.can_notify(to)
    domain = to.rpartition("@")[2]
    return any(to == one.lower() or domain == one.lower().removeprefix("*@") for one in allowed)


def ask_sender(desk: Desk, request: Request, question: str, actor: Actor, *, now: datetime | None = None) -> Incident:
    """Ask the sender about the message. Raises RefusedToConsultError."""
    question = clean_comment(question)
    if not question:
        raise RefusedToConsultError(Refusal.EMPTY)

    def once(incident: Incident, latest: Request) -> Incident:
        if not desk.can_notify(incident.sender):
            raise RefusedToConsultError(Refusal.NO_SENDER)
        if desk.conversation.is_newest(incident, EventName.SENDER_ASKED, actor, question):
            return incident
        _limit(desk, incident)
        asked = NewNotice("question", incident.sender, request=latest.number)
        return desk.store.amend(incident, EventName.SENDER_ASKED, actor, note=question, outbox=[asked])

    return _settle(desk, request, once, now)


def answer_as_sender(
    desk: Desk, incident: Incident, text: str, actor: Actor, *, now: datetime | None = None
) -> Incident:
    """Add a sender's text, requested or not, and notify those who can decide. Raises RefusedToConsultError."""
    text = clean_comment(text)
    if not text:
        raise RefusedToConsultError(Refusal.EMPTY)
    moment = now or datetime.now(UTC)

    def once() -> Incident:
        current = desk.store.incident(incident.id)
        if current is None or current.state is not State.HELD:
            raise RefusedToConsultError(Refusal.OVER)
        if desk.conversation.is_newest(current, EventName.SENDER_ANSWERED, actor, text):
            return current
        _limit(desk, current)
        asked = [one for one in desk.store.requests.of(current.id) if one.is_open and not is_late(one, moment)]
        notices = [NewNotice("said", one.moderator, request=one.number) for one in asked]
        return desk.store.amend(current, EventName.SENDER_ANSWERED, actor, note=text, outbox=notices)

    return settle(once)


def reason_of(rules: ModerationSettings, choice: str, text: str) -> str:
    """Return a sender's reason: one of the site's choices, in the policy's language, and their text; "" for none."""
    chosen = next((text_in(one, rules.language) for one in rules.reasons if choice in one.values()), "")
    return clean_comment("\n".join(part for part in (chosen, text.strip()) if part))


def defer(desk: Desk, request: Request, until: datetime, actor: Actor, *, now: datetime | None = None) -> Incident:
    """Remind a moderator at a time that they choose. Raises RefusedToConsultError."""
    moment = now or datetime.now(UTC)
    if until not in times_to_defer(desk, request, moment):
        raise RefusedToConsultError(Refusal.NO_TIME)

    def once(incident: Incident, latest: Request) -> Incident:
        if desk.conversation.is_newest(incident, EventName.REMINDER_REQUESTED, actor, until.isoformat()):
            return incident
        _limit(desk, incident)
        reminder = NewNotice("reminder", latest.moderator, request=latest.number, at=until)
        return desk.store.amend(
            incident, EventName.REMINDER_REQUESTED, actor, note=until.isoformat(), outbox=[reminder]
        )

    return _settle(desk, request, once, now)


def times_to_defer(desk: Desk, request: Request, now: datetime) -> list[datetime]:
    """Return the offered times: 17:00 today, 09:00 tomorrow, two hours before the deadline, if they are possible."""
    local = now.astimezone(desk.zone)
    today = local.replace(hour=17, minute=0, second=0, microsecond=0)
    tomorrow = (local + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    late = request.deadline_at.replace(second=0, microsecond=0) - timedelta(hours=2)
    offered = {moment.astimezone(UTC) for moment in (today, tomorrow, late)}
    return sorted(one for one in offered if now + timedelta(minutes=10) < one < request.deadline_at)


def _limit(desk: Desk, incident: Incident) -> None:
    if len(desk.conversation.events(incident)) >= 2 * _TURNS:
        raise RefusedToConsultError(Refusal.TOO_OFTEN)


def _settle(
    desk: Desk, request: Request, once: Callable[[Incident, Request], Incident], now: datetime | None
) -> Incident:
    """Run a step on the incident's current state, and again if it was changed meanwhile, as `store.settle` does."""

    def step() -> Incident:
        incident = desk.store.incident(request.incident_id)
        latest = desk.store.requests.by_number(request.number)
        if incident is None or latest is None or incident.state is not State.HELD or not latest.is_open:
            raise RefusedToConsultError(Refusal.OVER)
        if is_late(latest, now):
            raise RefusedToConsultError(Refusal.OVER)
        return once(incident, latest)

    return settle(step)
