"""Describes the outcome for a message: one sentence for each outcome, the same on the page and in mail to moderators.

Mail may be written long after the event that caused it, so the sentence describes the incident's state at that time.
"""

from collections.abc import Mapping
from typing import Any

from holdgate.desk.cleaning import clean
from holdgate.desk.moderation import CORRECTED, SELF_RELEASE, SENDER, WITHDRAWAL
from holdgate.quarantine.incident import POLICY, Change, Incident
from holdgate.quarantine.nodes import RETIRED
from holdgate.quarantine.replacements import REPLACEMENT
from holdgate.quarantine.states import State


def outcome_key(incident: Incident) -> str:
    """Return the outcome for a message, as a key of the table `became` of words.toml: its state or a more exact one.

    A message is rejected, withdrawn or expired whether or not the sender was already notified. One that has left the
    queue may
    have been approved before.
    """
    if incident.state in (State.APPROVED, State.RELEASED):
        if incident.decided_how in (SENDER, CORRECTED, SELF_RELEASE) and Change.chosen(incident) is not None:
            return "sent_to_some"
        if incident.decided_how in (SELF_RELEASE, SENDER):
            return "self_released"
    if incident.state in (State.APPROVED, State.RELEASED) and (change := Change.chosen(incident)) is not None:
        return "approved_for_some" if change.recipients else "changed"
    if incident.state in (State.REJECTED, State.RETURNED):
        return {WITHDRAWAL: "withdrawn", REPLACEMENT: "withdrawn", POLICY: "refused", "desk": "expired"}.get(
            incident.decided_how or "", "rejected"
        )
    if incident.state is State.VANISHED and incident.decided_how == RETIRED:
        return "out_of_reach"
    if incident.state is State.VANISHED and incident.decided_by:
        return "approved_vanished"
    return str(incident.state)


def sentence(words: Mapping[str, Any], incident: Incident, *, is_notified: bool) -> str:
    """Return the outcome in words; `is_notified` is true if the sender is notified of it."""
    end = outcome_key(incident)
    text = str(words["became"][end]).format(who=clean(incident.decided_by or ""))
    if end in ("rejected", "refused", "expired"):
        known = "went_back" if incident.state is State.RETURNED else "goes_back"
        text += f" {words[known if is_notified else 'not_told']}"
    return text
