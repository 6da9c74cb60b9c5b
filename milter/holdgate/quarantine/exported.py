"""Converts incidents, requests and events to JSON for programs: the API and `--json` have the same field names."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from holdgate.quarantine.incident import Answer, Event, Incident, Request
from holdgate.quarantine.recorded import shown

NAMES = {"asked_at": "requested_at", "decided_how": "decision_method", "who": "actor", "how": "method"}
"""Fields whose JSON name differs from their column in the store; column names are part of the hash chain."""

# The queue agent recognises the changed message by these, until it is sent.
_SECRET = ("token", "copy")
_VALUES = {Answer.OUT_OF_OFFICE: "out_of_office"}


def exported(value: Incident | Request | Event) -> dict[str, Any]:
    """Return the fields for JSON: times in ISO 8601, matches and long numbers masked, no row numbers of the store."""
    fields = asdict(shown(value) if isinstance(value, Incident) else value)
    if isinstance(value, Incident) and value.change is not None:
        fields["change"] = {name: item for name, item in value.change.items() if name not in _SECRET}
    if isinstance(value, Event):
        fields["event"] = value.code
    if isinstance(value, Request):
        del fields["number"], fields["incident_id"]
        fields["answer"] = _VALUES.get(value.answer, value.answer) if value.answer else None
    return {
        NAMES.get(name, name): item.isoformat() if isinstance(item, datetime) else item for name, item in fields.items()
    }
