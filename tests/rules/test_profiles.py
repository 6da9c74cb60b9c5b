"""The shipped profiles load, and the default profile holds mail only for the intended matches."""

import pytest

from holdgate.detect import Detector, Severity
from tests.support.rules import shipped

PROFILES = sorted(shipped().profiles)


@pytest.mark.parametrize("profile", PROFILES)
def test_each_profile_loads_and_does_not_match_an_empty_message(detector: Detector, profile: str) -> None:
    other = detector.with_profile(profile)
    assert other.profile == profile
    assert other.evaluate([]).severity is None


@pytest.mark.parametrize(
    "name", ["dlp-pii", "dlp-pci", "dlp-phi", "dlp-gdpr", "dlp-secrets", "dlp-us", "dlp-uk", "dlp-eu"]
)
def test_each_documented_profile_exists(name: str) -> None:
    assert name in PROFILES


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("Visa 4111 1111 1111 1111", Severity.MEDIUM),
        ("IBAN DE89 3704 0044 0532 0130 00", Severity.MEDIUM),
        ("SSN 536-90-4399", Severity.MEDIUM),
        ("National Insurance number QQ 12 34 56 C or AB 12 34 56 C", Severity.MEDIUM),
        ("John Smith, born on 14 March 1975", Severity.MEDIUM),
        ("John Smith, 350 Fifth Avenue, New York, NY 10118, +1 202 555 0143, john@corp.example", None),
        ("Regards, John Smith", None),
        ("From: anna@corp.example\nTo: ben@partner.example\n\nLunch at 12?", None),
        ("born on 14 March 1975", None),
    ],
)
def test_the_default_profile_gives_the_expected_severity(
    detector: Detector, text: str, severity: Severity | None
) -> None:
    assert detector.evaluate(detector.find(text)).severity == severity


def test_quoted_reply_counts_once(detector: Detector) -> None:
    text = "SSN 536-90-4399\n> SSN 536-90-4399\n>> SSN 536 90 4399"
    matches = detector.find(text)
    assert len(matches) == 3
    assert detector.evaluate(matches).hits[0].count == 1


def test_five_values_have_a_higher_severity_than_one(detector: Detector) -> None:
    parts = [detector.find(f"SSN 536-90-{4390 + number}") for number in range(5)]
    assert detector.evaluate(parts).severity == Severity.HIGH
    assert detector.evaluate([match for part in parts for match in part]).severity == Severity.HIGH
