"""Header edits: which received fields to remove, and which of Holdgate's fields to add."""

from collections.abc import Collection, Iterable, Mapping

from holdgate import headers
from holdgate.config import PolicySettings
from holdgate.findings import Inspection
from holdgate.policy.action import Handling
from holdgate.policy.verdict import Verdict

_VALUE_LENGTH = 200
# Every received field with these prefixes is removed, even if Holdgate never writes it: the next hop may trust it.
_PREFIXES = ("x-holdgate-", "x-netskope-")


def removals(counts: Mapping[str, int], names: Iterable[str]) -> list[tuple[str, int]]:
    """Return the fields to remove, given how often each of `names` (any case) was received.

    Fields with the same name are removed last to first, because a removal renumbers the later ones.
    """
    found = [(name, counts.get(name.lower(), 0)) for name in names]
    return [(name, place) for name, count in found for place in range(count, 0, -1)]


def holdgate_fields(settings: PolicySettings) -> list[str]:
    """Return the names of the fields that only Holdgate writes on this site."""
    return list(dict.fromkeys((*headers.ALL, settings.action_header)))


def spelled(keys: Iterable[str], settings: PolicySettings) -> list[str]:
    """Return Holdgate's field names as it writes them, then the other names in lower case."""
    own = holdgate_fields(settings)
    known = {name.lower() for name in own}
    return own + [key for key in keys if key not in known]


def is_holdgate_field(key: str, exact: Collection[str]) -> bool:
    """Return whether only Holdgate writes fields of this lower-case name; `exact` is what `holdgate_fields` returns."""
    return key.startswith(_PREFIXES) or key in exact


def additions(
    inspection: Inspection, verdict: Verdict, settings: PolicySettings, incident_id: str, seal: str
) -> list[tuple[str, str]]:
    """Return the fields to add to an accepted message. A policy's fields replace Holdgate's."""
    fields: dict[str, str] = {}
    if inspection.status == "complete":
        fields[headers.INSPECTED] = "true"
    fields[headers.STATUS] = status_value(inspection)
    fields |= verdict.action.fields(settings.action_header)
    is_held = verdict.action.handling is Handling.HOLD
    if is_held:
        fields |= {settings.action_header: settings.action_value, headers.HELD: "yes"}
    # The recipient does not learn about an incident of a policy that only observes.
    if incident_id and verdict.action.records:
        fields[headers.INCIDENT] = incident_id
    if seal:
        fields[headers.SEAL] = seal
    for name, value in verdict.headers:
        if not is_held or name.lower() != settings.action_header.lower():
            fields = {known: reported for known, reported in fields.items() if known.lower() != name.lower()}
            fields[name] = value
    return list(fields.items())


def status_value(inspection: Inspection) -> str:
    """Return `complete`, `limited; REASON` or `failed; REASON`, in printable ASCII."""
    value = f"{inspection.status}; {inspection.reason}" if inspection.reason else inspection.status
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in value)[:_VALUE_LENGTH]
