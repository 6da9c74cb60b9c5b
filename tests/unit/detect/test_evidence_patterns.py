"""Evidence patterns: a match near a value is positive evidence, before or after it, within its reach."""

from pathlib import Path

import pytest

from holdgate.detect import Detector

RULES = Path(__file__).resolve().parents[3] / "rules"


def _best(detector: Detector, text: str, identifier: str) -> str:
    found = [match.confidence for match in detector.find(text) if match.identifier == identifier]
    return max(found, default="none")


@pytest.mark.parametrize(
    ("text", "identifier", "confidence"),
    [
        ("4111 1111 1111 1111 and 04/29", "payment-card", "high"),
        ("04/29 and 4111 1111 1111 1111", "payment-card", "high"),
        ("04/29 " + "word " * 30 + "4111 1111 1111 1111", "payment-card", "medium"),
        ("4111 1111 1111 1111 " + "word " * 30 + " 04/29", "payment-card", "medium"),
        ("CC 1.020.304.050", "co-cedula", "medium"),
        ("DD 1.020.304.050", "co-cedula", "none"),
        ("CC 1.020.304.050 " + "palabra " * 30 + "52.345.678", "co-cedula", "medium"),
        ("документ 45 10 № 123456", "ru-passport-number", "medium"),
        ("серия 45 10 № 12345", "ru-passport-number", "none"),
        ("45 10 № 12345, индекс 123456", "ru-passport-number", "none"),
    ],
)
def test_an_evidence_pattern_near_a_value_raises_its_confidence(
    detector: Detector, text: str, identifier: str, confidence: str
) -> None:
    assert _best(detector, text, identifier) == confidence


def test_evidence_far_from_a_second_value_does_not_count_for_it(detector: Detector) -> None:
    text = "CC 1.020.304.050 " + "palabra " * 30 + "52.345.678"
    assert [text[m.start : m.end] for m in detector.find(text) if m.identifier == "co-cedula"] == ["1.020.304.050"]
