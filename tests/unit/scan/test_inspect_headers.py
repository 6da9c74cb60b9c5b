"""Which matches of a part count: in text that programs write, only the certain ones."""

import pytest

from holdgate.detect import Detector
from holdgate.extract.budget import Limits
from holdgate.scan.inspect import Inspector
from holdgate.scan.preview import preview

NUMBER = "536-90-4399"
CARD = "4111111111111111"


@pytest.fixture(scope="module")
def inspector(detector: Detector) -> Inspector:
    return Inspector(detector, ["dlp-pii"], Limits())


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
def test_a_number_with_a_keyword_is_found_in_any_field(inspector: Inspector, field: str) -> None:
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
def test_a_number_without_a_keyword_is_ignored_in_fields_of_programs(inspector: Inspector, field: str) -> None:
    inspection = inspector.inspect(message(field))
    assert (inspection.findings, inspection.profiles) == ([], {})


@pytest.mark.parametrize(
    "field",
    [
        "Received: from a (her social security number is 536904399) by b; Mon, 23 Nov 2026 09:00:00 +0100",
        "Date: Mon, 23 Nov 2026 09:00:00 +0100 (SSN 536904399)",
        "User-Agent: Mailer/7 (social security number (536904399))",
        f"Received: from a ([192.0.2.7] {' '.join(CARD[n : n + 4] for n in (0, 4, 8, 12))}) by b",
        "MIME-Version: 1.0 (=?utf-8?Q?SSN_536904399?=)",
    ],
)
def test_a_comment_is_searched_completely_in_any_field(inspector: Inspector, field: str) -> None:
    assert inspector.inspect(message(field)).findings


@pytest.mark.parametrize(
    "field",
    [
        "Received: from mail.corp.example (mail.corp.example [192.0.2.127]) (using TLSv1.3 with cipher "
        "TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 bits)) by b",
        "Received: (qmail 27453 invoked by uid 1000); 23 Nov 2026 09:00:00 -0000",
        "Received: from a (envelope-from <bob.1234567@partner.example>) by b (8.17.1/8.17.1/Submit) id 4AN8",
    ],
)
def test_comments_that_programs_write_contain_no_match(inspector: Inspector, field: str) -> None:
    assert inspector.inspect(message(field)).findings == []


def test_the_preview_shows_technical_headers_only_with_a_match(inspector: Inspector) -> None:
    def shown(field: str) -> list[str]:
        parts = preview(inspector.extract(message(field), None), inspector.find, 0)["parts"]
        return [part["name"] for part in parts]

    assert "technical headers" not in shown(f"References: <{CARD}@corp.example>")
    assert "technical headers" in shown(f"References: ssn {NUMBER}")
