"""Names of persons: what the model that is shipped finds, and what it leaves."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect import Detector
from holdgate.detect.candidates import mask
from holdgate.detect.persons import Names, persons, shipped
from training.persons import dictionary

RULES = Path(__file__).resolve().parents[3] / "rules"
NAMES = Names(*(frozenset(dictionary(RULES, name)) for name in ("first-names", "surnames", "not-names")))


def found(text: str) -> list[str]:
    return [text[start:end] for start, end in persons(text, mask(text), NAMES, shipped())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dear Mr. Müller,", ["Müller"]),
        ("Hi Anna,", ["Anna"]),
        ("Best regards,\nMaria Garcia\n", ["Maria Garcia"]),
        ("Sehr geehrte Frau Schmidt,", ["Schmidt"]),
        ("Mit freundlichen Grüßen\nŁukasz Wiśniewski", ["Łukasz Wiśniewski"]),
        ("Cordialement,\nJean Dupont", ["Jean Dupont"]),
        ("Patient: Peter van der Berg", ["Peter van der Berg"]),
        ("From: Anna Schmidt\nTo: John Smith", ["Anna Schmidt", "John Smith"]),
    ],
)
def test_names(text: str, expected: list[str]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The New York office will be closed on Monday.",
        "Die Rechnung und der Vertrag liegen bei.",
        "What is the plan for Q3?",
        "See the Terms and Conditions.",
        "anna schmidt",
        "",
    ],
)
def test_no_names(text: str) -> None:
    assert found(text) == []


def test_the_piece_round_a_match_is_enough() -> None:
    detector = Detector.from_rules(RULES)
    far = "the weather is fine today.\n" * 40
    text = f"Dear Anna Schmidt,\n{far}Maria Garcia, SSN 536-90-4399\n{far}Dear Anna Schmidt,\n"
    names = [text[match.start : match.end] for match in detector.find(text) if match.identifier == "person-name"]
    assert names == ["Maria Garcia"]


@given(st.text())
def test_any_text(text: str) -> None:
    for start, end in persons(text, mask(text), NAMES, shipped()):
        assert 0 <= start < end <= len(text)
        assert text[start].isupper()
