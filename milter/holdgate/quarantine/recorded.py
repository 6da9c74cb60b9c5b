"""Converts a message's envelope and inspection to the form stored in an incident, and back."""

from dataclasses import asdict, replace
from typing import Any

from holdgate.envelope import Envelope
from holdgate.findings import Attachment, Finding, Inspection
from holdgate.mask import mask_numbers
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from holdgate.risks import Risk, Risks

ADOPTED = "adopted"
"""The policy name in incidents of adopted mail, for which no policy was evaluated."""

# A message can have thousands of recipients; only this many risks are stored and shown.
_RISKS_KEPT = 50


def new_incident(envelope: Envelope, inspection: Inspection, *, state: State, policy: str, action: str) -> Incident:
    """Return the incident of a message; text from the sender is taken from the inspection, which has it masked.

    Numbers in the recipients' addresses are masked too. The sender's address is not, because they are notified of the
    outcome.
    """
    return Incident(
        queue_id=envelope.queue_id,
        state=state,
        sender=envelope.sender,
        recipients=[mask_numbers(recipient) for recipient in envelope.recipients],
        policy=policy,
        action=action,
        auth_user=envelope.auth_user,
        client_address=envelope.client_address,
        header_from=inspection.header_from,
        subject=inspection.subject,
        message_id=inspection.message_id,
        size=envelope.size,
        status=inspection.status,
        reason=inspection.reason,
        profiles=inspection.profiles,
        findings=[asdict(finding) for finding in inspection.findings],
        signals=inspection.signals,
        attachments=[asdict(attachment) for attachment in inspection.attachments],
        encrypted=inspection.encrypted,
        recipient_risks=_masked(envelope.risks),
    )


def _masked(risks: Risks | None) -> list[dict[str, Any]] | None:
    """Return what is unusual about recipients in the incident's form, or None."""
    if risks is None or not risks.found:
        return None
    return [
        {**asdict(one), "recipient": mask_numbers(one.recipient), "similar": mask_numbers(one.similar)}
        for one in risks.found[:_RISKS_KEPT]
    ]


def shown(incident: Incident) -> Incident:
    """Return an incident in the form for people and programs.

    Numbers in the sender's addresses are masked too, and its attachments are those of the message itself.
    """
    return replace(
        incident,
        sender=mask_numbers(incident.sender),
        auth_user=mask_numbers(incident.auth_user),
        attachments=files_of(incident),
    )


def files_of(incident: Incident, *, members: bool = False) -> list[dict[str, Any]]:
    """Return the files of a message, or with `members` the files inside them.

    Records of earlier versions list bodies and nested files in the same way: these are recognised by their names.
    """
    return [
        {**file, "member": is_member}
        for file in incident.attachments
        if (is_member := file.get("member", " › " in file["name"])) == members
        and ("member" in file or not file["name"].rpartition(" › ")[2].startswith("message body"))
    ]


def was_inspected(incident: Incident) -> bool:
    """Return whether an incident records an inspection: not if it was adopted or held for another scanner's mark."""
    return incident.policy != ADOPTED and not incident.policy.startswith("mark ")


def envelope_of(incident: Incident) -> Envelope:
    """Return the recorded envelope, without header fields."""
    return Envelope(
        queue_id=incident.queue_id,
        sender=incident.sender,
        recipients=incident.recipients,
        auth_user=incident.auth_user,
        client_address=incident.client_address,
        header_from=incident.header_from,
        subject=incident.subject,
        message_id=incident.message_id,
        size=incident.size,
        risks=Risks(tuple(Risk(**one) for one in incident.recipient_risks or ())),
    )


def inspection_of(incident: Incident) -> Inspection:
    """Return the recorded inspection, without its times."""
    return Inspection(
        status=incident.status,
        reason=incident.reason,
        findings=[Finding(**finding) for finding in incident.findings],
        profiles=incident.profiles,
        signals=incident.signals,
        attachments=[Attachment(**file) for inside in (False, True) for file in files_of(incident, members=inside)],
        encrypted=incident.encrypted,
        subject=incident.subject,
        header_from=incident.header_from,
        message_id=incident.message_id,
    )
