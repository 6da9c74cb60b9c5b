"""Approvals of a class of a program's mail: answers in a thread for a day, or mail to its recipients for some days.

A class satisfies only the condition `machine` of policies, and expires. The policy defines whether classes are offered.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from holdgate.desk.context import Desk
from holdgate.desk.language.catalogue import Catalogue, mark
from holdgate.phrases import counted
from holdgate.quarantine.incident import Actor, Change, Incident
from holdgate.quarantine.states import State

THREAD_LASTS = timedelta(hours=24)
_CHOICES = (1, 7, 30)


class NotOfferedError(Exception):
    """The class cannot be allowed for this message; the text states why."""


@dataclass(frozen=True, slots=True)
class Class:
    """What is allowed: answers in the thread if `days` is 0, else all mail to the recipients for so many days."""

    days: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be allowed with an approval: answers in the thread, and mail to the recipients for at most `days`."""

    thread: bool
    days: int

    @property
    def choices(self) -> list[int]:
        """Return the numbers of days that the page offers."""
        return [days for days in _CHOICES if days <= self.days]


BY_REPLY = {"with-answers": Class(), "one-day": Class(1), "one-week": Class(7), "thirty-days": Class(30)}
"""The classes that a reply can allow, by the words of `vocabulary`: those that the page offers."""


def offered(desk: Desk, incident: Incident) -> Offer | None:
    """Return what can be allowed with an approval of an incident, or None."""
    rules = desk.moderation(incident)
    if not rules.classes or rules.approvals > 1 or len(rules.chain) > 1:
        return None
    is_program, has_thread = desk.store.allowances.may_be_of(incident.id)
    return Offer(has_thread, rules.classes_days) if is_program else None


def reply_words(desk: Desk, incident: Incident, catalogue: Catalogue) -> str:
    """Return the words with which a reply allows a class, each with its meaning, as far as the policy allows that."""
    offer = offered(desk, incident)
    if offer is None:
        return ""
    text, lines = catalogue.text, []
    if offer.thread:
        lines.append((text(mark("APPROVE WITH ANSWERS")), text(mark("answers in this thread for 24 hours"))))
    words = {1: mark("APPROVE FOR ONE DAY"), 7: mark("APPROVE FOR ONE WEEK"), 30: mark("APPROVE FOR THIRTY DAYS")}
    for days in offer.choices:
        meaning = catalogue.count(
            "mail of this program to these recipients for {count} day",
            "mail of this program to these recipients for {count} days",
            days,
        )
        lines.append((text(words[days]), meaning.format(count=days)))
    return "; ".join(f"{word} ({meaning})" for word, meaning in lines)


def check(desk: Desk, incident: Incident, wanted: Class) -> None:
    """Raise NotOfferedError if a class must not be allowed."""
    offer = offered(desk, incident)
    if offer is None:
        raise NotOfferedError(
            "nothing can be allowed: the message is not from a program, or moderation.classes is false for its policy"
        )
    if wanted.days == 0 and not offer.thread:
        raise NotOfferedError(
            "thread: the message has no Message-ID, so no thread can be allowed; allow its recipients"
        )
    if not 0 <= wanted.days <= offer.days:
        raise NotOfferedError(f"days: {wanted.days} is not allowed; write 1 to {offer.days} (moderation.classes_days)")


def allow(desk: Desk, incident: Incident, wanted: Class, actor: Actor, now: datetime | None = None) -> None:
    """Allow a class with an approval that this person has just given. Raises NotOfferedError."""
    check(desk, incident, wanted)
    if incident.state not in (State.APPROVED, State.RELEASED) or incident.decided_by != actor.who:
        raise NotOfferedError("only the person who approved the message can allow more mail with it")
    if Change.chosen(incident) is not None:
        raise NotOfferedError("the message was approved with changes")
    now = now or datetime.now(UTC)
    until = now + (timedelta(days=wanted.days) if wanted.days else THREAD_LASTS)
    what = (
        f"mail to its recipients for {counted(wanted.days, 'day')}"
        if wanted.days
        else "answers in its thread for 24 hours"
    )
    note = f"{what}, until {until.isoformat(timespec='seconds')}"
    desk.store.allowances.grant(incident.id, actor, now, until, note, is_thread=wanted.days == 0)
