"""The two digits in a mail that the page behind its link asks for, if `desk.ask_number` is set.

A program that opens the links of a mail, fills in forms and presses each button does not know them, and neither does a
person who got only the link. They are not a password: attempts are limited and recorded.
"""

import threading

from holdgate.desk.context import Desk
from holdgate.desk.language.catalogue import mark
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Actor, Incident

MOST_WRONG = 3
"""After this many wrong numbers, a person's links to an incident no longer decide; signing in still does."""

_MISSING = mark("Nothing was done. Type the number that the mail shows, then send again.")
_NOT_THIS = mark("Nothing was done. That is not the number that the mail shows.")
TOO_MANY = mark("Nothing was done. A wrong number was typed too often, so this link no longer decides anything.")
"""The text that the person then reads."""

# Simultaneous attempts must not exceed the limit.
_one_at_a_time = threading.Lock()


def number_of(desk: Desk, incident: Incident, person: str) -> str:
    """Return the number in mail about an incident to a person, "" if none is asked for."""
    return desk.key.number(incident.id, person.lower()) if desk.settings.desk.ask_number else ""


def refusal(desk: Desk, incident: Incident, actor: Actor, typed: str) -> str:
    """Return why a form opened by a link does nothing, "" if its number is correct. A wrong number is recorded."""
    if not desk.settings.desk.ask_number:
        return ""
    typed = typed.strip()
    with _one_at_a_time:
        events = desk.store.history(incident.id)
        if sum(one.event == EventName.WRONG_NUMBER and one.who == actor.who for one in events) >= MOST_WRONG:
            return TOO_MANY
        if not typed:
            return _MISSING
        if desk.key.has_number(typed, incident.id, actor.who.lower()):
            return ""
        desk.store.add_event(incident.id, EventName.WRONG_NUMBER, actor)
    return _NOT_THIS
