"""Who gets the request of the action `ask-sender`: the sender, an application's owner, or the moderators.

Moderators are asked instead, or in addition, beyond a limit of the policy, and if nobody else can be asked. A message
is never sent because nobody could be asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from holdgate.desk import moderators
from holdgate.desk.context import Desk
from holdgate.desk.moderation import OWNER as BY_OWNER
from holdgate.desk.moderation import SENDER as BY_SENDER
from holdgate.findings import Severity
from holdgate.mask import mask_numbers
from holdgate.policy.asking import SenderRules
from holdgate.quarantine.incident import OWNER, SENDER, Ask, Incident, Request
from holdgate.quarantine.incidents import Quota, approvals_for

_DAY = timedelta(days=1)


class Limit(StrEnum):
    """Why moderators are asked, as written to the history and a metric."""

    NOT_INSPECTED = "not-inspected"
    SEVERITY = "severity"
    RECIPIENTS = "recipients"
    OVERRIDES = "overrides"
    PER_DAY = "per-day"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Question:
    """The requests as the sender, whether moderators are asked, and the limit that is the reason."""

    asks: Sequence[Ask]
    moderators: bool
    limit: Limit | None = None

    @property
    def outcome(self) -> str:
        """The label of the metric."""
        return str(self.limit or self.asks[0].role)


def rules_of(desk: Desk, incident: Incident) -> SenderRules | None:
    """Return the rules for asking a sender; None if the policy's action is, or has become, another one."""
    action = desk.policies.action(incident.policy)
    return action.sender_rules() if action is not None and action.name == incident.action else None


def question(desk: Desk, incident: Incident, now: datetime) -> Question | None:
    """Return whom to ask about a message; None if its moderators are asked as usual.

    Raises TryLaterError while the owners' table cannot be queried, until `managers_retry_for` is over.
    """
    rules = rules_of(desk, incident)
    if rules is None or incident.level or moderators.is_canary(desk, incident):
        return None
    asks = _asked(desk, incident, rules, now)
    if not asks:
        return Question((), moderators=True, limit=Limit.NOBODY)
    found = limit(desk, incident, rules, now)
    if found is not None and rules.ask_beyond == "moderators":
        return Question((), moderators=True, limit=found)
    if desk.store.requests.about_own(moderators.addresses_of(asks[0].moderator), now - _DAY) >= rules.ask_per_day:
        return Question((), moderators=True, limit=Limit.PER_DAY)
    return Question(asks, moderators=found is not None, limit=found)


def limit(desk: Desk, incident: Incident, rules: SenderRules, now: datetime) -> Limit | None:
    """Return the limit beyond which the sender cannot decide to send the message; None within all limits."""
    if incident.status != "complete" or incident.encrypted:
        return Limit.NOT_INSPECTED
    if any(Severity(one).rank > rules.ask_severity.rank for one in incident.profiles.values()):
        return Limit.SEVERITY
    if len(incident.recipients) > rules.ask_recipients:
        return Limit.RECIPIENTS
    if desk.store.is_used_up(overrides(incident, rules, now)):
        return Limit.OVERRIDES
    return None


def overrides(incident: Incident, rules: SenderRules, now: datetime) -> Quota:
    """Return how many messages a sender can send in spite of the question."""
    addresses = moderators.addresses_of(incident.sender)
    return approvals_for(addresses, (BY_SENDER, BY_OWNER), now - rules.ask_overrides_within, rules.ask_overrides)


def instead(desk: Desk, incident: Incident, known: Sequence[Request]) -> list[Ask]:
    """Return the moderators to ask because the sender cannot be reached or must not decide; [] if already asked."""
    if any(one.is_open and not one.is_of_sender for one in known):
        return []
    return moderators.first_asked(desk, incident, known, incident.asked_at or incident.created_at, patient=False)


def doubtful(incident: Incident) -> set[str]:
    """Return the incident's recipients about whom something is unusual."""
    named = {str(one["recipient"]).lower() for one in incident.recipient_risks or ()}
    return {one for one in incident.recipients if one.lower() in named}


def _asked(desk: Desk, incident: Incident, rules: SenderRules, now: datetime) -> list[Ask]:
    """Return the owner of the application that sent a message, otherwise its sender; [] if neither can be asked.

    The owner is that of `ask_owners`, else that of the account of `machines.accounts`.

    If a table cannot be queried even then, the sender may be an application, which cannot answer.
    """
    try:
        owners = moderators.looked_up(desk, incident, rules.ask_owners, patient=True)
        account = None if owners else moderators.machine_account(desk, incident)
    except moderators.TryLaterError:
        if now - (incident.held_at or incident.created_at) < desk.moderation(incident).managers_retry_for:
            raise
        return []
    if account is not None:
        owners = moderators.addresses_in(account.owner)
        if not owners:
            return []  # a program cannot answer
    if owners:
        recipients = {moderators.same_person(one) for one in incident.recipients}
        fit = [one for one in owners if not {moderators.same_person(one), mask_numbers(one)} & recipients]
        return [Ask(one.lower(), OWNER) for one in fit[:1]]
    return [Ask(incident.sender.lower(), SENDER)] if desk.can_notify(incident.sender) else []
