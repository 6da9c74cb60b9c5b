"""What the milter looks up about recipients before policies are evaluated, and what it learns from accepted mail.

Without a setting or policy that uses it, it costs nothing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from holdgate import headers
from holdgate.config import RelationsSettings
from holdgate.envelope import Envelope
from holdgate.findings import Inspection
from holdgate.policy.conditions import is_plain
from holdgate.policy.model import PolicyFile
from holdgate.policy.verdict import PolicySet
from holdgate.quarantine.store import Store
from holdgate.relations.correspondence import Correspondence
from holdgate.risks import MANY, Risk, Risks

_VISIBLE = frozenset({"to", "cc"})
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]@]{1,64}@[^\s<>,;:\"()@]{1,255}")


def condition_fields(policies: PolicyFile) -> frozenset[str]:
    """Return the header fields that conditions on recipients need, in lower case."""
    return _VISIBLE if any(one.many for one in policies.risks()) else frozenset()


def own_domains(policies: PolicyFile) -> list[str]:
    """Return the internal domains that are listed in clear text, not in a table."""
    own = (one.removeprefix("*@").removeprefix("*.") for one in policies.internal_domains)
    return list(filter(is_plain, own))


@dataclass(frozen=True, slots=True)
class Recipients:
    """Evaluates the conditions on recipients. `fields` are the header fields that are needed, in lower case."""

    correspondence: Correspondence | None = None
    is_compared: bool = False
    fields: frozenset[str] = frozenset()
    is_inside: Callable[[str], bool] = bool

    @classmethod
    def of(cls, settings: RelationsSettings, policies: PolicySet, store: Store) -> "Recipients":
        """Return the object that settings and policies need. Raises ConfigError."""
        asked = policies.file.risks()
        correspondence = None
        if settings.mode != "off":
            own = own_domains(policies.file)
            correspondence = Correspondence(settings, store, own, policies.is_internal)
        compared = bool(asked) and correspondence is not None
        fields = condition_fields(policies.file)
        if correspondence is not None:
            fields |= frozenset(headers.AUTOMATIC)
        return cls(correspondence, compared, fields, policies.is_internal)

    @property
    def reads_values(self) -> bool:
        """Whether the digests of single values are needed."""
        return self.correspondence is not None

    def close(self, seconds: float = 0.0) -> None:
        """Stop; what is queued for learning has `seconds` to finish."""
        if self.correspondence is not None:
            self.correspondence.close(seconds)

    def risks(self, envelope: Envelope, inspection: Inspection, now: datetime) -> Risks:
        """Return what is unusual about the recipients of a message. Raises TableError."""
        risks = Risks()
        if self.is_compared and self.correspondence is not None:
            risks = self.correspondence.risks(envelope, inspection, now)
        if self.fields >= _VISIBLE and (count := self._visible(envelope)):
            risks = Risks((*risks.found, Risk(MANY, "", count=count)), risks.unknown)
        return risks

    def learn(self, envelope: Envelope, inspection: Inspection, now: datetime) -> None:
        """Queue an accepted message for learning; never waits."""
        if self.correspondence is not None:
            self.correspondence.learn(envelope, inspection, now)

    def note(self, incident_id: str, envelope: Envelope, inspection: Inspection, now: datetime) -> None:
        """Queue the values of a held message, which are learned if it is released; never waits."""
        if self.correspondence is not None:
            self.correspondence.note(incident_id, envelope, inspection, now)

    def _visible(self, envelope: Envelope) -> int:
        """Return how many external recipients are listed in To or Cc, where all recipients can read them."""
        named = {
            found.lower()
            for name in _VISIBLE
            for value in envelope.headers.get(name, ())
            for found in _ADDRESS.findall(value)
        }
        outside = {one.lower() for one in envelope.recipients if one.lower() in named}
        return sum(not self.is_inside(one) for one in outside)
