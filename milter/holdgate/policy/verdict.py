"""Decides the action for a message: the first matching policy of each recipient decides, the strictest one counts.

======================  ======================================================================================
step                    what happens
======================  ======================================================================================
1. for each recipient   Holdgate tests the policies in order and skips those that an exemption disables. It does
                        the same for each destination of a recipient (aliases, forward files), for recipients of
                        blind copies, and for an external sender, because a bounce would return the message there
2. the first match      The first policy whose conditions match the message and this recipient decides for it
3. mode observe         A policy in mode `observe` is recorded, and the next policies are tested
4. no policy matches    allow
5. for the message      The strictest action of its recipients: block > quarantine > encrypt > tag > alert > allow.
                        Of equally strict policies, the first one in the file gives its name. The headers of every
                        policy that decided for a recipient are added
6. not fully inspected  The stricter of that and `uninspected`, unless each recipient's policy has the condition
                        `inspection`
7. split                If the message is accepted, held or refused for different recipients, and each policy that
                        holds or refuses it for some of them has `split`, steps 5 and 6 are also done for these
                        recipients only
======================  ======================================================================================
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from holdgate.envelope import Envelope
from holdgate.findings import Inspection
from holdgate.policy.action import Action, Handling
from holdgate.policy.actions import Allow
from holdgate.policy.candidates import Candidates
from holdgate.policy.conditions import Compiled, inside_matcher
from holdgate.policy.destinations import Destination, bounce, destinations
from holdgate.policy.model import UNINSPECTED, Exemption, Policy, PolicyFile
from holdgate.policy.routes import Routes
from holdgate.policy.terms import Conditions
from holdgate.risks import Risks
from holdgate.tables import Tables


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on a message.

    `policy` is the name of the policy that decided, "" for none. `headers` are fields that its policies add. `observed`
    are names of policies that would have decided if they were enforced. `recipients` maps each of them to its policy.
    `parts` are verdicts for subsets of the envelope recipients, the weakest first, if the message can be split: two or
    more, or none. The first also applies to copies and bounces.
    """

    action: Action = field(default_factory=Allow)
    policy: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    observed: tuple[str, ...] = ()
    recipients: dict[str, str] = field(default_factory=dict)
    parts: tuple["Part", ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a message's envelope recipients, as the client wrote them, and the verdict for them."""

    recipients: tuple[str, ...]
    verdict: Verdict


_Chosen = dict[str, Policy | None]


class PolicySet:
    """The compiled policies of one file. It never changes: a new file makes a new set."""

    def __init__(self, policies: PolicyFile, tables: Tables, routes: Routes | None = None) -> None:
        """Evaluate recipients by their destinations in `routes`; without it, as the client wrote them."""
        self.file = policies
        internal = inside_matcher(policies.internal_domains, tables)
        self._internal = self.is_internal = internal
        # Without internal domains, destinations make no difference.
        self._routes = routes if policies.internal_domains else None
        self._places = {policy.name: place for place, policy in enumerate(policies.policy)}
        self._policies = [(policy, Compiled(policy, internal, tables)) for policy in policies.policy]
        self._candidates = Candidates(policies.policy)
        self._ocr = [compiled for policy, compiled in self._policies if policy.ocr]
        lifting = [_as_conditions(exemption) for exemption in policies.exemption]
        self._exemptions = [
            (exemption, Compiled(conditions, internal, tables))
            for exemption, conditions in zip(policies.exemption, lifting, strict=True)
        ]
        self._lifting = Candidates(lifting)

    def decide(self, envelope: Envelope, inspection: Inspection, now: datetime) -> Verdict:
        """Return the verdict on a message; `now` is timezone-aware. Raises TableError if a lookup fails."""
        judged = list(destinations(envelope, self._routes, self._internal))
        addresses = [one.address for one in judged]
        fitting = [
            (policy, compiled)
            for policy, compiled in map(
                self._policies.__getitem__, self._candidates.of(envelope, inspection, addresses)
            )
            if compiled.fits_message(envelope, inspection, now)
        ]
        today = now.astimezone(UTC).date()
        exemptions = [
            (exemption, compiled)
            for exemption, compiled in map(
                self._exemptions.__getitem__, self._lifting.of(envelope, inspection, addresses)
            )
            if today <= exemption.expires and compiled.fits_message(envelope, inspection, now)
        ]
        observed: dict[str, None] = {}
        chosen: _Chosen = {}
        for one in judged:
            lifted = [exemption for exemption, compiled in exemptions if compiled.fits_recipient(one.address)]
            chosen[one.called] = _first(fitting, lifted, one, envelope.risks or Risks(), observed)
        verdict = self._strictest(chosen, inspection, tuple(observed))
        if verdict.action.handling is Handling.ACCEPT or len(set(envelope.recipients)) < 2:
            return verdict
        return replace(verdict, parts=self._parts(judged, chosen, inspection))

    def _parts(self, judged: Sequence[Destination], chosen: _Chosen, inspection: Inspection) -> tuple[Part, ...]:
        """Return the parts into which a message can be split, or () if all its recipients have the same verdict."""
        shared: _Chosen = {}
        own: dict[str, _Chosen] = {}
        for one in judged:
            (shared if one.recipient is None else own.setdefault(one.recipient, {}))[one.called] = chosen[one.called]
        groups: dict[Handling, dict[str, _Chosen]] = {}
        for recipient, policies in own.items():
            handling = self._strictest(policies | shared, inspection).action.handling
            groups.setdefault(handling, {})[recipient] = policies
        parts: list[Part] = []
        for handling in sorted(groups):
            together = {called: policy for one in groups[handling].values() for called, policy in one.items()}
            verdict = self._strictest(together if parts else together | shared, inspection)
            if parts and not _may_be_apart(together, verdict):
                return ()
            parts.append(Part(tuple(groups[handling]), verdict))
        waiting = [recipient for part in parts[1:] for recipient in part.recipients]
        if self._routes is not None and self._routes.are_copied(waiting):
            return ()  # the copy for another person would be sent at once, with the first part
        return tuple(parts) if len(parts) > 1 else ()

    def wants_ocr(self, envelope: Envelope, now: datetime) -> bool:
        """Return whether a policy requires OCR for this message. Raises TableError."""
        return any(
            compiled.fits_envelope(envelope, now)
            and any(
                compiled.fits_recipient(one.address, one.is_inside)
                for one in destinations(envelope, self._routes, self._internal)
            )
            for compiled in self._ocr
        )

    def bounces_outside(self, envelope: Envelope) -> bool:
        """Return whether a bounce would carry a message from inside to an external address. Raises TableError."""
        return bool(bounce(envelope, self._routes, self._internal))

    def _strictest(self, chosen: _Chosen, inspection: Inspection, observed: tuple[str, ...] = ()) -> Verdict:
        names = {recipient: policy.name if policy else "" for recipient, policy in chosen.items()}
        decided = list({policy.name: policy for policy in chosen.values() if policy is not None}.values())
        decided.sort(key=lambda policy: self._places[policy.name])
        decided.sort(key=lambda policy: policy.action.rank(), reverse=True)
        # A policy without the condition `inspection` does not consider content that was not read.
        unasked = any(policy is None or not policy.inspection for policy in chosen.values())
        uninspected = unasked and inspection.status != "complete"
        if uninspected and (not decided or self.file.uninspected.rank() > decided[0].action.rank()):
            action, name = self.file.uninspected, UNINSPECTED
        elif decided:
            first, *others = (policy.action for policy in decided)
            action, name = first.joined(one for one in others if type(one) is type(first)), decided[0].name
        else:
            return Verdict(observed=observed, recipients=names)
        return Verdict(
            action=action,
            policy=name,
            headers=tuple(item for policy in decided for item in policy.headers.items()),
            observed=observed,
            recipients=names,
        )


def _may_be_apart(chosen: _Chosen, verdict: Verdict) -> bool:
    """Return whether the recipients of a verdict may be separated from those with a weaker one."""
    strict = [policy for policy in chosen.values() if policy is not None and policy.action.handling > Handling.ACCEPT]
    return (
        verdict.action.handling in (Handling.HOLD, Handling.REFUSE)
        and verdict.policy != UNINSPECTED
        and all(policy.split for policy in strict)
    )


def _first(
    fitting: Sequence[tuple[Policy, Compiled]],
    lifted: Sequence[Exemption],
    judged: Destination,
    risks: Risks,
    observed: dict[str, None],
) -> Policy | None:
    for policy, compiled in fitting:
        if any(not exemption.policy or policy.name in exemption.policy for exemption in lifted):
            continue
        if not compiled.fits_recipient(judged.address, judged.is_inside, risks):
            continue
        if policy.mode == "enforce":
            return policy
        observed[policy.name] = None
    return None


def _as_conditions(exemption: Exemption) -> Conditions:
    return Conditions(
        sender=exemption.sender,
        recipient=exemption.recipient,
        auth_user=exemption.auth_user,
        client=exemption.client,
    )
