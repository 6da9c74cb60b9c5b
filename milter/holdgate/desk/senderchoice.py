"""The choice of a sender who was asked about their message: send it to all, leave recipients out, or do not send it.

Beyond a limit of the policy, the choice to send it decides nothing: moderators are asked, and read the sender's reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from holdgate import metrics
from holdgate.desk import asksender, moderation
from holdgate.desk.changing import Changer
from holdgate.desk.context import Desk
from holdgate.desk.language.catalogue import mark
from holdgate.desk.moderation import RefusedError, Why
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import SENDER, Actor, Answer, Change, Incident, NewNotice, Request
from holdgate.quarantine.states import State


@dataclass(frozen=True, slots=True)
class Choice:
    """A sender's choice; `excluded` are recipients in the incident's form, if the message is sent."""

    send: bool
    excluded: Sequence[str] = ()
    reason: str = ""


class Flaw(StrEnum):
    """Why a choice is refused, as a text for people."""

    NO_REASON = mark("Nothing was done. Give a reason.")
    RECIPIENTS = mark("Nothing was done. Choose at least one recipient who does not get it, and not all of them.")
    MODERATED = mark("Nothing was done. Another person has to approve, so recipients cannot be left out.")


class FlawedError(Exception):
    """The choice was refused."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(str(flaw))
        self.flaw = flaw


def needs_moderators(desk: Desk, incident: Incident, now: datetime) -> bool:
    """Return whether moderators must decide if the sender wants to send a message."""
    rules = asksender.rules_of(desk, incident)
    return rules is None or asksender.limit(desk, incident, rules, now) is not None


def may_exclude(desk: Desk, incident: Incident, now: datetime) -> bool:
    """Return whether recipients of a message can be left out."""
    several = len(set(incident.recipients)) > 1
    return several and desk.settings.desk.change_relay is not None and not needs_moderators(desk, incident, now)


def choose(
    desk: Desk,
    request: Request,
    choice: Choice,
    who: Actor,
    changer: Changer | None,
    *,
    now: datetime | None = None,
) -> Incident:
    """Record a choice; `who` is the person and the method of proof. Return the updated incident.

    Raises FlawedError, moderation.RefusedError, and the exceptions of `Changer.exclude`.
    """
    moment = now or datetime.now(UTC)
    reason = moderation.clean_comment(choice.reason)
    change: Change | None = None

    def once(incident: Incident) -> Incident:
        nonlocal change
        known = desk.store.requests.of(incident.id)
        asked = next(one for one in known if one.number == request.number)
        if not asked.is_of_sender:
            raise RefusedError(Why.NOT_REQUESTED, incident)
        moderation.require_open(incident, asked, moment)
        _require_reason(desk, incident, choice, reason)
        by_mail = who.how == "mail"
        if not choice.send:
            how = moderation.WITHDRAWAL if asked.role == SENDER else moderation.OWNER
            actor = Actor(who.who, how, who.origin)
            return moderation.close(
                desk, incident, State.REJECTED, actor, reason, known, asked, by_mail=by_mail and asked.role != SENDER
            )
        if needs_moderators(desk, incident, moment):
            if choice.excluded:
                raise FlawedError(Flaw.MODERATED)
            return _refer_to_moderators(desk, incident, known, asked, reason, who)
        if choice.excluded and change is None:
            change = _change(incident, choice, changer)
        actor = Actor(who.who, _how(incident, asked, choice), who.origin)
        rules = asksender.rules_of(desk, incident)
        quota = None if rules is None else asksender.overrides(incident, rules, moment)
        return moderation.close(
            desk, incident, State.APPROVED, actor, reason, known, asked, change, by_mail=by_mail, quota=quota
        )

    return moderation.until_settled(desk, request.incident_id, once)


def _require_reason(desk: Desk, incident: Incident, choice: Choice, reason: str) -> None:
    rules = asksender.rules_of(desk, incident)
    wanted = rules.ask_reason if rules is not None else "never"
    if not reason and (wanted == "always" or (wanted == "send" and choice.send)):
        raise FlawedError(Flaw.NO_REASON)


def _change(incident: Incident, choice: Choice, changer: Changer | None) -> Change:
    chosen = set(choice.excluded)
    if changer is None or not chosen < set(incident.recipients):
        raise FlawedError(Flaw.RECIPIENTS)
    return changer.exclude(incident, [one for one in dict.fromkeys(incident.recipients) if one in chosen])


def _how(incident: Incident, asked: Request, choice: Choice) -> str:
    """Return the method of an approval; if every doubtful recipient is left out, it is not an override."""
    if asked.role != SENDER:
        return moderation.OWNER
    doubtful = asksender.doubtful(incident)
    return moderation.CORRECTED if doubtful and doubtful <= set(choice.excluded) else moderation.SENDER


def _refer_to_moderators(
    desk: Desk, incident: Incident, known: list[Request], asked: Request, reason: str, who: Actor
) -> Incident:
    """Record that the sender wants to send the message, and have moderators decide, who are asked now or earlier."""
    outbox = [
        NewNotice("said", one.moderator, request=one.number) for one in known if one.is_open and not one.is_of_sender
    ]
    asks = asksender.instead(desk, incident, known)
    done = desk.store.amend(
        incident,
        EventName.SENDER_ANSWERED,
        who,
        note=reason or "-",
        outbox=outbox,
        asks=asks,
        channels=["mail", *desk.moderation(incident).notify_over],
        answers={asked.number: Answer.APPROVE},
    )
    if asks:
        metrics.SENDER_QUESTIONS.labels(str(asksender.Limit.OVERRIDES)).inc()
    return done
