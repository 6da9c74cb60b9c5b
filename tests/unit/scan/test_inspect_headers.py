"""What of a part counts: in text that programs write the certain findings alone."""

from pathlib import Path

import pytest

from holdgate.detect import Detector
from holdgate.extract.budget import Limits
from holdgate.scan.inspect import Inspector
from holdgate.scan.preview import preview

NUMBER = "536-90-4399"
CARD = "4111111111111111"


@pytest.fixture(scope="module")
def inspector() -> Inspector:
    return Inspector(Detector.from_rules(Path(__file__).parents[3] / "rules"), ["dlp-pii"], Limits())


def message(field: str) -> bytes:
    return f"From: <anna@corp.example>\r\n{field}\r\nSubject: s\r\n\r\nhello\r\n".encode()


@pytest.mark.parametrize(
    "field",
    [
        f"References: ssn {NUMBER}",
        f"Message-ID: <ssn.{NUMBER}.a1@corp.example>",
        f"X-MS-Note: social security number {NUMBER}",
        f"Received: from a by b (card number {CARD})",
        f'To: "ssn {NUMBER}" <bob@partner.example>',
        f"Cc: bob@partner.example (ssn {NUMBER})",
        f"X-Note: card number {CARD}",
    ],
)
def test_a_number_with_its_name_is_found_in_any_field(inspector: Inspector, field: str) -> None:
    inspection = inspector.inspect(message(field))
    assert inspection.profiles
    assert not [part for finding in inspection.findings for part in finding.parts if "header" not in part]


@pytest.mark.parametrize(
    "field",
    [
        f"References: <{CARD}@corp.example>",
        f"Message-ID: <{NUMBER}@corp.example>",
        f"X-Mailer: Mailer {CARD}",
        "Received: from [192.0.2.7] by mail.corp.example for <bob.1234567@partner.example>",
        "List-Unsubscribe: <mailto:anna.123456@corp.example>, <https://corp.example/?u=4155550123>",
    ],
)
def test_a_number_alone_is_none_where_programs_write(inspector: Inspector, field: str) -> None:
    inspection = inspector.inspect(message(field))
    assert (inspection.findings, inspection.profiles) == ([], {})


def test_people_are_shown_such_fields_where_something_was_found(inspector: Inspector) -> None:
    def shown(field: str) -> list[str]:
        parts = preview(inspector.extract(message(field), None), inspector.find, 0)["parts"]
        return [part["name"] for part in parts]

    assert "technical headers" not in shown(f"References: <{CARD}@corp.example>")
    assert "technical headers" in shown(f"References: ssn {NUMBER}")
