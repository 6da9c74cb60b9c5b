from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.desk.dsn import compose, returned
from holdgate.desk.templates import Templates
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State

TEMPLATES = Templates(Path("/nonexistent"), UTC)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ORIGINAL = (
    b"Received: x\n\tfolded\nX-Netskope-Action: Quarantine\nX-Holdgate-Incident: A\n folded\nSubject: s\n\nbody\n"
)


def report(
    kind: State = State.REJECTED, original: bytes | None = ORIGINAL, size: int = 1000, **values: object
) -> bytes:
    given: dict[str, Any] = {
        "queue_id": "4a",
        "sender": "a@corp.example",
        "recipients": ["b@partner.example"],
        "policy": "p",
    }
    incident = Incident(**(given | values))
    back = None if original is None else returned(original, whole=len(original) <= size)
    text = TEMPLATES.mail(str(kind), "en", incident=incident)[:2]
    return compose(incident, kind, text, back, notice_from="Mail <h@corp.example>", now=NOW)


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_a_report_has_the_form_of_rfc_3464() -> None:
    message = parsed(report(message_id="<1@corp.example>", id="AAAA-BBBB-CCCC"))
    assert message["Content-Type"].params["report-type"] == "delivery-status"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["References"] == "<1@corp.example>"
    assert message["Message-ID"] == "<AAAA-BBBB-CCCC.rejected@corp.example>"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "message/delivery-status", "message/rfc822"]


def test_the_same_incident_gives_the_same_message_id() -> None:
    first, second = (parsed(report(id="AAAA-BBBB-CCCC"))["Message-ID"] for _ in range(2))
    assert first == second
    assert parsed(report(State.EXPIRED, id="AAAA-BBBB-CCCC"))["Message-ID"] != first


def test_holdgate_headers_are_removed_from_the_returned_message() -> None:
    content = report()
    assert b"X-Netskope" not in content
    assert b"X-Holdgate" not in content
    assert b"Received: x\r\n\tfolded\r\nSubject: s\r\n\r\nbody\r\n" in content


def test_only_the_header_of_a_large_message_is_returned() -> None:
    content = report(size=10)
    assert b"Content-Type: text/rfc822-headers\r\n" in content
    assert b"Subject: s\r\n" in content
    assert b"body" not in content


def test_a_missing_message_is_reported_without_its_content() -> None:
    kinds = [part.get_content_type() for part in parsed(report(original=None)).iter_parts()]
    assert kinds == ["text/plain", "message/delivery-status"]


@pytest.mark.parametrize("message_id", ["", "<>", "<a b@c>", "<a@b>\r\nBcc: x@y", "none"])
def test_an_invalid_message_id_is_not_repeated(message_id: str) -> None:
    assert parsed(report(message_id=message_id))["References"] is None


@given(subject=st.text(), comment=st.text(), recipients=st.lists(st.text(min_size=1), min_size=1, max_size=3))
def test_hostile_text_cannot_add_header_fields_or_lines(subject: str, comment: str, recipients: list[str]) -> None:
    content = report(subject=subject, comment=comment, recipients=recipients)
    message = parsed(content)
    assert [name for name in message.keys() if name.lower() in ("bcc", "cc", "to")] == ["To"]  # noqa: SIM118
    assert message["To"] == "a@corp.example"
    parts = list(message.iter_parts())
    assert parts[0].get_content_type() == "text/plain"
    assert len(parts) == 3
    assert b"\n" not in content.replace(b"\r\n", b"")
