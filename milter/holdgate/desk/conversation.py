"""The conversation between sender and moderators about a held message: reasons, questions, notes of forwarded requests.

It is part of the incident's history, so it is recorded, and retention erases it with the other notes.
"""

from dataclasses import dataclass

from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Actor, Event, Incident, Request
from holdgate.quarantine.store import Store

_LINE = "\n"
_STEPS = (
    EventName.SENDER_ASKED,
    EventName.SENDER_ANSWERED,
    EventName.FORWARDED,
    EventName.REMINDER_REQUESTED,
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """Reads the conversation from the history."""

    store: Store

    def events(self, incident: Incident) -> list[Event]:
        """Return the conversation since the message was held, oldest first."""
        since = incident.held_at or incident.created_at
        wanted = (EventName.SENDER_ASKED, EventName.SENDER_ANSWERED, EventName.FORWARDED)
        return [one for one in self.store.history(incident.id) if one.event in wanted and one.at >= since]

    def is_newest(self, incident: Incident, name: EventName, actor: Actor, note: str) -> bool:
        """Return whether the newest step is this one of this person: a form was sent twice, as by a double click."""
        since = incident.held_at or incident.created_at
        steps = [one for one in self.store.history(incident.id) if one.event in _STEPS and one.at >= since]
        return bool(steps) and (steps[-1].event, steps[-1].who, steps[-1].note) == (name, actor.who, note)

    def reasons(self, incident: Incident) -> list[Event]:
        """Return what the sender wrote."""
        return [one for one in self.events(incident) if one.event == EventName.SENDER_ANSWERED]

    def question(self, incident: Incident) -> str:
        """Return the last question to the sender, "" for none."""
        return next((one.note for one in reversed(self.events(incident)) if one.event == EventName.SENDER_ASKED), "")

    def forward_note(self, incident: Incident, request: Request) -> str:
        """Return the note with which a request was forwarded; its first line names the recipient."""
        for one in reversed(self.events(incident)):
            to, _, note = one.note.partition(_LINE)
            if one.event == EventName.FORWARDED and to == request.moderator:
                return note
        return ""

    def waits_for_sender(self, incident: Incident) -> bool:
        """Return whether the sender was asked and has not answered."""
        reported = [one.event for one in self.events(incident) if one.event != EventName.FORWARDED]
        return bool(reported) and reported[-1] == EventName.SENDER_ASKED
