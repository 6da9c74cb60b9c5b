"""The two digits that a mail shows and the page behind its link asks for, where `desk.ask_number` says so.

A program that opens the links of a mail, fills in what it finds and presses each button does not know them, and neither
does somebody to whom the link came without its mail. They are no password: a person has some attempts, all recorded.
"""

import threading

from holdgate.desk.context import Desk
from holdgate.desk.language.catalogue import mark
from holdgate.quarantine.incident import Actor, Incident

WRONG = "wrong_number"
"""The event that somebody typed another number."""

MOST_WRONG = 3
"""After so many wrong numbers a person's links to an incident decide nothing any more; signing in still does."""

_MISSING = mark("Nothing was done. Type the number that the mail shows, then send again.")
_NOT_THIS = mark("Nothing was done. That is not the number that the mail shows.")
TOO_MANY = mark("Nothing was done. A wrong number was typed too often, so this link no longer decides anything.")
"""What a person reads then."""

# Whoever sends many numbers at once has no more attempts.
_one_at_a_time = threading.Lock()


def number_of(desk: Desk, incident: Incident, person: str) -> str:
    """Return the number in mail about an incident to a person, "" where none is asked for."""
    return desk.key.number(incident.id, person.lower()) if desk.settings.desk.ask_number else ""


def refusal(desk: Desk, incident: Incident, actor: Actor, typed: str) -> str:
    """Return why a form that a link opened does nothing, "" if it has the right number. A wrong one goes on record."""
    if not desk.settings.desk.ask_number:
        return ""
    typed = typed.strip()
    with _one_at_a_time:
        events = desk.store.history(incident.id)
        if sum(one.event == WRONG and one.who == actor.who for one in events) >= MOST_WRONG:
            return TOO_MANY
        if not typed:
            return _MISSING
        if desk.key.has_number(typed, incident.id, actor.who.lower()):
            return ""
        desk.store.add_event(incident.id, WRONG, actor)
    return _NOT_THIS
