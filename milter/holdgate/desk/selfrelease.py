"""Release by the sender of a held message, if the policy allows it: whether they may, and the release.

Only the mailbox that sent the message gets the link. The reason is kept in the audit trail and sent to the moderators
who were asked.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from holdgate.desk import asksender, moderation, moderators
from holdgate.desk.context import Desk
from holdgate.desk.language.catalogue import mark
from holdgate.findings import Severity
from holdgate.quarantine.incident import Actor, Change, Incident
from holdgate.quarantine.incidents import Quota, decisions_by

_DAY = timedelta(days=1)


class Obstacle(StrEnum):
    """Why a sender cannot release a message, as a text for people."""

    POLICY = mark("This message needs the approval of another person.")
    SEVERITY = mark("What was found is too sensitive: another person has to approve.")
    RECIPIENTS = mark("It has too many recipients: another person has to approve.")
    COUNT = mark("You have released several messages today: another person has to approve this one.")
    LATE = mark("The time for a decision is over.")


class NotAllowedError(Exception):
    """The sender is not allowed to release the message."""

    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__(str(obstacle))
        self.obstacle = obstacle


def obstacle(desk: Desk, incident: Incident, now: datetime) -> Obstacle | None:
    """Return why the sender cannot release a held message, None if they can.

    Only a policy of the site's file can allow it, and only for a completely read message, because unread content has no
    severity.
    """
    rules = desk.moderation(incident)
    if asksender.rules_of(desk, incident) is not None:
        return Obstacle.POLICY  # the sender is asked, within the limits of that action
    if not (rules.self_release and desk.policies.has(incident.policy) and desk.can_notify(incident.sender)):
        return Obstacle.POLICY
    if incident.status != "complete" or incident.encrypted or rules.approvals > 1 or len(rules.chain) > 1:
        return Obstacle.POLICY
    if incident.deadline_at is not None and now >= incident.deadline_at:
        return Obstacle.LATE
    if any(Severity(one).rank > rules.self_release_severity.rank for one in incident.profiles.values()):
        return Obstacle.SEVERITY
    if len(incident.recipients) > rules.self_release_recipients:
        return Obstacle.RECIPIENTS
    if desk.store.is_used_up(_quota(desk, incident, now)):
        return Obstacle.COUNT
    return None


def _quota(desk: Desk, incident: Incident, now: datetime) -> Quota:
    """Return how many messages the sender can release in a day."""
    addresses, most = moderators.addresses_of(incident.sender), desk.moderation(incident).self_release_per_day
    return decisions_by(addresses, moderation.SELF_RELEASE, now - _DAY, most)


def release(
    desk: Desk,
    incident: Incident,
    reason: str,
    actor: Actor,
    *,
    change: Change | None = None,
    now: datetime | None = None,
) -> Incident:
    """Approve a message as its sender, with a reason; `change` leaves recipients out.

    Raises NotAllowedError and moderation.RefusedError.
    """
    moment = now or datetime.now(UTC)

    def check(current: Incident) -> Quota:
        if (found := obstacle(desk, current, moment)) is not None:
            raise NotAllowedError(found)
        return _quota(desk, current, moment)

    return moderation.self_release(desk, incident, actor, reason, check, change)
