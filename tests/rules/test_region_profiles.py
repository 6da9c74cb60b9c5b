"""The profiles of English-speaking regions: which mail each one holds, and which not."""

from pathlib import Path

import pytest

from holdgate.detect import Detector

RULES = Path(__file__).resolve().parents[2] / "rules"
STOPPED = [
    ("dlp-us", "SSN 536-90-4399", "social-security", "medium"),
    ("dlp-us", "ITIN: 912-70-1234", "social-security", "medium"),
    ("dlp-us", "My driver's license number is D1234567.", "identity-document", "medium"),
    ("dlp-us", "Routing 021000021, account 9876543210", "bank-account", "medium"),
    ("dlp-us", "SSN 536-90-4399, driver's license D1234567", "identity-theft", "high"),
    ("dlp-us", "MBI: 1EG4-TE5-MK73", "health", "medium"),
    ("dlp-uk", "NI number AB 12 34 56 C", "national-identifier", "medium"),
    ("dlp-uk", "PPSN: 6433435F", "national-identifier", "medium"),
    ("dlp-uk", "NHS number: 943 476 5919", "health", "medium"),
    ("dlp-uk", "Sort code 20-00-00, account number 31926819", "bank-account", "medium"),
    ("dlp-uk", "NINO AB123456C, sort code 20-00-00, account 31926819", "identity-theft", "high"),
    ("dlp-ca", "SIN 046 454 286", "social-insurance", "medium"),
    ("dlp-ca", "RAMQ : TREM 5409 2012", "health", "medium"),
    ("dlp-ca", "permis de conduire T1234-150175-06", "identity-document", "medium"),
    ("dlp-ca", "NAS 046 454 286, passeport GA302922", "identity-theft", "high"),
    ("dlp-au", "TFN 123 456 782", "tax", "medium"),
    ("dlp-au", "IRD 49-091-850", "tax", "medium"),
    ("dlp-au", "Medicare card 2123 45670 1", "health", "medium"),
    ("dlp-au", "BSB 062-000 account 12345678", "bank-account", "medium"),
    ("dlp-au", "TFN 123 456 782, NSW driver licence 12345678", "identity-theft", "high"),
]
PASSED = [
    "Call 212-555-0143 or fax 020 7946 0958 about order 123456789.",
    "Invoice 20240115-001 of 2024-01-15 is for 12,345,678 USD.",
    "CA License #01234567, 12345-6789 Example City",
    "NPI: 1234567893",
    "EIN: 12-3456789",
    "ABN 51 824 753 556",
]


@pytest.fixture(scope="module")
def detectors(detector: Detector) -> dict[str, Detector]:
    return {name: detector.with_profile(name) for name in ("dlp-us", "dlp-uk", "dlp-ca", "dlp-au")}


@pytest.mark.parametrize(("profile", "text", "rule", "severity"), STOPPED)
def test_a_profile_matches_its_text(
    detectors: dict[str, Detector], profile: str, text: str, rule: str, severity: str
) -> None:
    detector = detectors[profile]
    verdict = detector.evaluate(detector.find(text))
    assert rule in {hit.rule for hit in verdict.hits}
    assert verdict.severity == severity


@pytest.mark.parametrize("profile", ["dlp-us", "dlp-uk", "dlp-ca", "dlp-au"])
@pytest.mark.parametrize("text", PASSED)
def test_a_profile_does_not_match_other_text(detectors: dict[str, Detector], profile: str, text: str) -> None:
    detector = detectors[profile]
    assert detector.evaluate(detector.find(text)).severity is None
