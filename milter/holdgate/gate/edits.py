"""Header edits: which fields from outside go, and which of ours are added."""

from collections.abc import Iterable, Mapping

from holdgate import headers
from holdgate.findings import Inspection

_VALUE_LENGTH = 200


def removals(counts: Mapping[str, int], names: Iterable[str]) -> list[tuple[str, int]]:
    """Return the fields to remove, given how often each of `names` (any case) came in.

    For one name the last comes first: removing a field renumbers the ones after it.
    """
    found = [(name, counts.get(name.lower(), 0)) for name in names]
    return [(name, place) for name, count in found for place in range(count, 0, -1)]


def additions(inspection: Inspection, action: Iterable[tuple[str, str]], incident_id: str) -> list[tuple[str, str]]:
    """Return the fields to add for a message that is accepted."""
    fields: list[tuple[str, str]] = []
    if inspection.status == "complete":
        fields.append((headers.INSPECTED, "true"))
    fields.append((headers.STATUS, status_value(inspection)))
    fields.extend(action)
    if incident_id:
        fields.append((headers.INCIDENT, incident_id))
    return fields


def status_value(inspection: Inspection) -> str:
    """Return `complete`, `limited; REASON` or `failed; REASON`, in printable ASCII."""
    value = f"{inspection.status}; {inspection.reason}" if inspection.reason else inspection.status
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in value)[:_VALUE_LENGTH]
