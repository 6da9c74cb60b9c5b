"""Says what becomes of a message, given who sends what to whom and what was found."""

from dataclasses import dataclass
from enum import StrEnum

from holdgate.config import PolicySettings
from holdgate.findings import Inspection, Severity


class Action(StrEnum):
    """What a policy wants done, from the weakest to the strictest."""

    ALLOW = "allow"
    QUARANTINE = "quarantine"
    TEMPFAIL = "tempfail"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The action, and the policy that says so: its name stands in the incident."""

    action: Action
    policy: str = ""


def decide(inspection: Inspection, settings: PolicySettings) -> Verdict:
    """Hold what the profile finds grave enough; for mail that was not read whole the settings say what is done."""
    severity = inspection.profiles.get(settings.profile)
    if severity is not None and Severity(severity).rank >= Severity(settings.minimum_severity).rank:
        return Verdict(Action.QUARANTINE, settings.profile)
    if inspection.status != "complete":
        wanted = settings.limited if inspection.status == "limited" else settings.failed
        return Verdict(Action(wanted), f"{inspection.status} inspection")
    return Verdict(Action.ALLOW)
