"""Every file of the cookbook decides as its page states, on real messages read as by the gate."""

import fnmatch
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from holdgate.detect import Detector
from holdgate.envelope import Envelope
from holdgate.extract.budget import Limits
from holdgate.gate import reading
from holdgate.policy.model import load_policies
from holdgate.policy.review import review
from holdgate.policy.verdict import PolicySet, Verdict
from holdgate.risks import Risk, Risks
from holdgate.scan.inspect import Inspector
from holdgate.tables import Tables

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "examples/policies").glob("*.toml"))

# 2026-11-23 is a Monday.
NOON = datetime(2026, 11, 23, 11, tzinfo=UTC)
NIGHT = datetime(2026, 11, 23, 22, tzinfo=UTC)
SATURDAY = datetime(2026, 11, 28, 11, tzinfo=UTC)
YEARS_LATER = datetime(2031, 1, 1, 12, tzinfo=UTC)

PLAIN = "Shall we meet on Tuesday? Best regards, Anna"
ORDER = (
    "Please pay invoice 4711 to IBAN DE89 3704 0044 0532 0130 00, BIC COBADEFFXXX.\nAnna Muster, Phone +49 89 636 48018"
)
CARDS = ["card number 4111 1111 1111 1111", "card number 5555 5555 5555 4444", "card number 3782 822463 10005"]
SSN = "Her social security number is SSN 078-05-1120"


@pytest.fixture(scope="module")
def inspector(detector: Detector) -> Inspector:
    return Inspector(detector, ["dlp-pii"], Limits())


class FakeTables(Tables):
    """A directory that knows one contractor."""

    def __init__(self) -> None:
        super().__init__(Path("/nonexistent"))

    def _ask(self, table: str, key: str) -> str | None:
        assert table == "ldap:/etc/holdgate/contractors.cf"
        return "contractors" if key == "carl@corp.example" else None


def decide(
    inspector: Inspector,
    file: str,
    text: str,
    *,
    sender: str = "anna@corp.example",
    to: str = "bob@other.example",
    now: datetime = NOON,
    attached: str = "",
    user: str = "",
    risks: tuple[Risk, ...] = (),
) -> Verdict:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, "A message"
    message.set_content(text)
    if attached:
        message.add_attachment("Month;Sum\nJanuary;1\n", filename=attached)
    policies = load_policies(ROOT / "examples/policies" / f"{file}.toml")
    envelope = Envelope(sender=sender, recipients=[to], auth_user=user, risks=Risks(risks))
    fields, content = reading.read(message.as_bytes(), ())
    reading.describe(envelope, fields, ())
    envelope.size = len(content)
    inspection = inspector.inspect(content, subject=envelope.subject, header_from=envelope.header_from)
    assert inspection.status == "complete"
    return PolicySet(policies, FakeTables()).decide(envelope, inspection, now)


AGENT = {"user": "billing-agent"}
LOOKALIKE = (Risk("lookalike", "bob@other.example", "bob@others.example", 214, "sender"),)
BANK = {"sender": "finance@corp.example", "to": "orders@bank.partner.example"}


@pytest.mark.parametrize(
    ("file", "text", "how", "expected"),
    [
        ("finance-to-bank", ORDER, BANK, "allow by finance-to-bank"),
        ("finance-to-bank", PLAIN, BANK, "allow by finance-to-bank"),
        ("finance-to-bank", f"{ORDER}\n{CARDS[0]}", BANK, "quarantine by pii-outbound"),
        ("finance-to-bank", f"{ORDER}\n{SSN}", BANK, "quarantine by pii-outbound"),
        ("finance-to-bank", ORDER, BANK | {"sender": "anna@corp.example"}, "quarantine by pii-outbound"),
        ("finance-to-bank", ORDER, BANK | {"to": "bob@bank.other.example"}, "quarantine by pii-outbound"),
        ("three-cards", "\n".join(CARDS), {}, "block by cards-many"),
        ("three-cards", "\n".join(CARDS[:2]), {}, "alert by cards-few"),
        ("three-cards", "\n".join([CARDS[0]] * 3), {}, "alert by cards-few"),
        ("three-cards", SSN, {}, "quarantine by pii-outbound"),
        ("three-cards", "\n".join(CARDS), {"to": "bob@corp.example"}, "allow by "),
        ("hr-tagged", SSN, {"sender": "hr@corp.example"}, "tag by hr-tagged"),
        ("hr-tagged", SSN, {"sender": "eve@hr.corp.example"}, "tag by hr-tagged"),
        ("hr-tagged", SSN, {}, "quarantine by pii-outbound"),
        ("hr-tagged", PLAIN, {"sender": "hr@corp.example"}, "allow by "),
        ("by-manager", SSN, {}, "quarantine by pii-outbound"),
        (
            "by-manager",
            "\n".join([*CARDS, "card number 6011 1111 1111 1117", "card number 3056 9309 0259 04"]),
            {},
            "quarantine by pii-many",
        ),
        ("by-manager", PLAIN, {}, "allow by "),
        ("office-hours", SSN, {}, "quarantine by pii-outbound"),
        ("office-hours", SSN, {"now": NIGHT}, "quarantine by pii-after-hours"),
        ("office-hours", SSN, {"now": SATURDAY}, "quarantine by pii-after-hours"),
        ("office-hours", PLAIN, {"now": NIGHT}, "allow by "),
        ("agents", PLAIN, AGENT, "allow by "),
        ("agents", PLAIN, AGENT | {"risks": (Risk("machine-first", "bob@other.example"),)}, "quarantine by agent-new"),
        ("agents", PLAIN, AGENT | {"risks": (Risk("machine-messages", "", count=101),)}, "quarantine by agent-new"),
        ("agents", PLAIN, AGENT | {"risks": (Risk("machine-messages", "", count=100),)}, "allow by "),
        ("agents", SSN, AGENT, "block by agent-personal-data"),
        ("agents", SSN, {}, "quarantine by pii-outbound"),
        ("encrypt-to-partners", SSN, {"to": "bob@sales.partner.example"}, "encrypt by partners-encrypted"),
        ("encrypt-to-partners", SSN, {}, "quarantine by pii-outbound"),
        ("encrypt-to-partners", PLAIN, {"to": "bob@partner.example"}, "allow by "),
        ("contractors", SSN, {"sender": "carl@corp.example"}, "quarantine by contractors-data"),
        (
            "contractors",
            PLAIN,
            {"sender": "carl@corp.example", "attached": "q3.csv"},
            "quarantine by contractors-spreadsheets",
        ),
        ("contractors", PLAIN, {"attached": "q3.csv"}, "allow by "),
        ("contractors", SSN, {}, "quarantine by pii-outbound"),
        ("observe-first", SSN, {}, "allow by "),
        ("ask-the-sender", SSN, {}, "quarantine by pii-outbound"),
        ("ask-the-sender", PLAIN, {}, "allow by "),
        ("ask-the-sender", PLAIN, {"risks": LOOKALIKE}, "ask-sender by right-recipient"),
        ("ask-the-sender", SSN, {"risks": LOOKALIKE}, "quarantine by pii-outbound"),
        ("ask-the-sender", PLAIN, {"risks": (Risk("many", "", count=20),)}, "allow by "),
        ("ask-the-sender", PLAIN, {"risks": (Risk("many", "", count=21),)}, "ask-sender by right-recipient"),
        ("exceptions-that-expire", SSN, {}, "quarantine by pii-outbound"),
        (
            "exceptions-that-expire",
            SSN,
            {"sender": "payroll@corp.example", "to": "x@bank.partner.example"},
            "allow by ",
        ),
        (
            "exceptions-that-expire",
            SSN,
            {"sender": "payroll@corp.example", "to": "x@bank.partner.example", "now": YEARS_LATER},
            "quarantine by pii-outbound",
        ),
        (
            "exceptions-that-expire",
            SSN,
            {"to": "x@audit.partner.example", "attached": "a.xlsx", "now": YEARS_LATER},
            "quarantine by pii-outbound",
        ),
    ],
)
def test_a_cookbook_file_decides_as_its_page_states(
    inspector: Inspector, file: str, text: str, how: dict[str, Any], expected: str
) -> None:
    verdict = decide(inspector, file, text, **how)
    assert f"{verdict.action} by {verdict.policy}" == expected


def test_the_observe_first_file_records_messages_that_would_be_held(inspector: Inspector) -> None:
    assert decide(inspector, "observe-first", SSN).observed == ("pii-outbound",)
    assert decide(inspector, "observe-first", PLAIN).observed == ()


def test_the_hr_file_adds_its_label_to_the_header(inspector: Inspector) -> None:
    assert ("X-Classification", "Personal data") in decide(
        inspector, "hr-tagged", SSN, sender="hr@corp.example"
    ).headers


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_holdgate_check_reports_nothing_about_a_cookbook_file(path: Path, inspector: Inspector) -> None:
    policies = load_policies(path)
    assert policies.ends
    assert review(policies, date(2026, 12, 1)) == []
    known = inspector.identifiers
    for policy in policies.policy:
        assert policy.description
        for name in (*policy.only, *(need.id for need in (*policy.found, *policy.not_found))):
            assert fnmatch.filter(known, name), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_cookbook_page_contains_each_file(path: Path) -> None:
    page = (ROOT / "docs/howto/cookbook.md").read_text(encoding="utf-8")
    assert f"`examples/policies/{path.name}`:\n\n```toml\n{path.read_text(encoding='utf-8')}```\n" in page
