"""The record of a message is read back unchanged, with everything that a policy can have conditions on."""

from dataclasses import replace

from holdgate.envelope import Envelope
from holdgate.findings import Attachment, Finding, Inspection
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.recorded import envelope_of, files_of, inspection_of, new_incident, shown
from holdgate.quarantine.states import State
from holdgate.risks import Risks

ENVELOPE = Envelope(
    sender="anna@corp.example",
    recipients=["bob@partner.example"],
    auth_user="anna",
    client_address="192.0.2.1",
    queue_id="4bqRsT1Zz9z",
    header_from="Anna <anna@corp.example>",
    subject="About ***-**-*399",
    message_id="<1@corp.example>",
    size=1234,
)
INSPECTION = Inspection(
    status="limited",
    reason="a.zip: encrypted",
    findings=[Finding("us-ssn", "high", 2, 1, ["message body"], ["***-**-*399"])],
    profiles={"dlp-pii": "low"},
    signals=["two boundaries"],
    attachments=[Attachment("a.zip", "archive", 99)],
    encrypted=True,
    subject=ENVELOPE.subject,
    header_from=ENVELOPE.header_from,
    message_id=ENVELOPE.message_id,
)


def test_envelope_and_inspection_are_read_back_unchanged() -> None:
    incident = new_incident(ENVELOPE, INSPECTION, state=State.PENDING, policy="pii", action="quarantine")
    assert (incident.state, incident.policy, incident.action) == (State.PENDING, "pii", "quarantine")
    # No risk in an incident means that none was found, so that a policy that asks for one does not apply to it.
    assert envelope_of(incident) == replace(ENVELOPE, risks=Risks())
    assert inspection_of(incident) == INSPECTION


def test_the_recorded_header_values_are_masked() -> None:
    raw = Envelope(subject="About 536-90-4399", header_from='"536-90-4399" <anna@corp.example>')
    masked = Inspection(subject="About ***-**-*399", header_from='"***-**-*399" <anna@corp.example>')
    incident = new_incident(raw, masked, state=State.RECORDED, policy="pii", action="tag")
    assert (incident.subject, incident.header_from) == (masked.subject, masked.header_from)


def test_a_number_in_an_address_is_masked_and_the_sender_can_still_be_notified() -> None:
    raw = Envelope(sender="536-90-4399@corp.example", recipients=["4111111111111111@partner.example"])
    incident = new_incident(raw, Inspection(), state=State.RECORDED, policy="pii", action="tag")
    assert (incident.sender, incident.recipients) == (raw.sender, ["************1111@partner.example"])
    assert shown(incident).sender == "***-**-*399@corp.example"


def test_the_shown_attachments_exclude_the_body_and_members_of_archives() -> None:
    files = [Attachment("a.zip", "zip", 9), Attachment("a.zip › b.pdf", "pdf", 8, member=True)]
    incident = new_incident(
        ENVELOPE, Inspection(attachments=files), state=State.PENDING, policy="p", action="quarantine"
    )
    assert [file["name"] for file in shown(incident).attachments] == ["a.zip"]
    assert [file["name"] for file in files_of(incident, members=True)] == ["a.zip › b.pdf"]
    assert inspection_of(incident).attachments == files


def test_a_record_of_an_earlier_version_is_sorted_by_names() -> None:
    names = ["message body", "message body (HTML)", "a.zip", "a.zip › b.pdf", "old.eml › message body"]
    old = Incident(
        queue_id="4a",
        sender="",
        recipients=[],
        policy="p",
        attachments=[{"name": name, "kind": "text", "size": 1} for name in names],
    )
    assert [file["name"] for file in shown(old).attachments] == ["a.zip"]
    assert [file.name for file in inspection_of(old).attachments] == ["a.zip", "a.zip › b.pdf"]
