"""The label of a message in a list, and the lines of its history, in the reader's language."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from holdgate.desk.language import moments
from holdgate.desk.language.catalogue import Catalogue, mark
from holdgate.desk.outcome import outcome_key
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Event, Incident
from holdgate.quarantine.states import State

# Events of the history that people see, in words; other events are for administrators.
_EVENTS: Mapping[str, str] = {
    State.HELD: mark("The message was held."),
    EventName.REQUESTED: mark("An approval was asked for."),
    EventName.OPENED: mark("The page was opened."),
    EventName.REMINDED: mark("A reminder was sent."),
    EventName.APPROVAL: mark("One approval was given."),
    State.APPROVED: mark("The message was approved."),
    EventName.CHANGES_CHOSEN: mark("Changes were chosen."),
    EventName.ALLOWANCE_GRANTED: mark("More mail of this program was allowed for a time."),
    EventName.ALLOWANCE_REVOKED: mark("An allowance was revoked."),
    EventName.CHANGE_FAILED: mark("The message could not be changed in this way. A new decision is needed."),
    State.REJECTED: mark("The message was rejected."),
    State.EXPIRED: mark("The deadline passed."),
    EventName.OUT_OF_OFFICE: mark("An automatic reply was received; others were asked."),
    EventName.BOUNCED: mark("The request could not be delivered; others were asked."),
    EventName.REVEALED: mark("A hidden number was shown."),
    EventName.WRONG_NUMBER: mark("A wrong number was typed."),
    EventName.SENDER_ASKED: mark("The sender was asked."),
    EventName.SENDER_ANSWERED: mark("The sender answered."),
    EventName.FORWARDED: mark("The question was forwarded."),
    EventName.REMINDER_REQUESTED: mark("A reminder was requested."),
}
# Events whose note is a person's text for people.
_QUOTED = (
    EventName.APPROVAL,
    State.APPROVED,
    State.REJECTED,
    EventName.SENDER_ASKED,
    EventName.SENDER_ANSWERED,
)
_DAEMONS = "holdgate-"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history."""

    at: datetime
    text: str
    who: str
    note: str


@dataclass(frozen=True, slots=True)
class Label:
    """A state: its symbol and words, its colour, and the time next to it."""

    text: str
    sign: str
    colour: str
    time: str
    urgent: bool = False
    comment: str = ""


def history(events: Sequence[Event]) -> list[Line]:
    """Return the lines that people see; the texts still need translation."""
    return [
        Line(
            one.at,
            _EVENTS[one.event],
            "" if one.who.startswith(_DAEMONS) else one.who,
            one.note if one.event in _QUOTED else "",
        )
        for one in events
        if one.event in _EVENTS
    ]


def label(
    catalogue: Catalogue,
    incident: Incident,
    person: str,
    *,
    is_asked: bool,
    last_event: str,
    later: datetime | None,
    now: datetime,
    near: Callable[[datetime | None], str],
) -> Label:
    """Return the label of an incident for a person; `near` formats a time."""
    text = catalogue.text
    if incident.state is State.HELD:
        left, urgent = "", False
        if incident.deadline_at is not None:
            left = text("{rest} left").format(rest=moments.remaining(catalogue, incident.deadline_at, now))
            urgent = incident.deadline_at - now < moments.SOON
        if not is_asked:
            return Label(text("Waits for others"), "○", "grey", left, urgent)
        if later is not None and later > now:
            return Label(text("Later: {moment}").format(moment=near(later)), "◷", "grey", left, urgent)
        if last_event == EventName.SENDER_ANSWERED:
            return Label(text("Sender answered"), "✉", "blue", left, urgent)
        if last_event == EventName.SENDER_ASKED:
            return Label(text("Asked the sender"), "✉", "grey", left, urgent)
        return Label(text("Waits for you"), "◷", "amber", left, urgent)
    when = near(incident.decided_at or incident.closed_at or incident.created_at)
    end = outcome_key(incident)
    by_reader = incident.decided_by == person
    who = incident.decided_by or ""
    comment = " ".join((incident.comment or "").split())[:200]
    if end in ("approved", "released", "changed", "approved_for_some"):
        label_text = text("You approved") if by_reader else text("Approved by {name}").format(name=who)
        return Label(label_text, "✓", "green", when, comment=comment)
    if end in ("self_released", "sent_to_some"):
        return Label(text("Released by its sender"), "✓", "green", when, comment=comment)
    if end == "rejected":
        label_text = text("You rejected") if by_reader else text("Rejected by {name}").format(name=who)
        return Label(label_text, "✕", "red", when, comment=comment)
    others = {
        "withdrawn": text("Withdrawn"),
        "refused": text("Refused by a policy"),
        "expired": text("Time ran out"),
        "pending": text("Arriving"),
        "recorded": text("Not held"),
    }
    return Label(others.get(end, text("No longer there")), "–", "grey", when)
