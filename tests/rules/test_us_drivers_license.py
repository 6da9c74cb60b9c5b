"""Driver's licenses of all states and the District of Columbia, in each form that the state has issued."""

from pathlib import Path

import pytest

from holdgate.detect import Detector
from holdgate.detect.match import Confidence

RULES = Path(__file__).resolve().parents[2] / "rules"
STATES = {
    "Alabama": ["1234567", "12345678"],
    "Alaska": ["7123456"],
    "Arizona": ["A12345678", "B123456", "123456789"],
    "Arkansas": ["912345678"],
    "California": ["D1234567", "d1234567"],
    "Colorado": ["123456789", "12-345-6789", "94-123-4567", "A123456", "AB12345"],
    "Connecticut": ["123456789"],
    "Delaware": ["1234567"],
    "District of Columbia": ["1234567", "123456789"],
    "Florida": ["F255921500940", "F255-921-50-094-0"],
    "Georgia": ["123456789", "12345678"],
    "Hawaii": ["H12345678", "H00-12-3456", "123456789"],
    "Idaho": ["AB123456C", "123456789"],
    "Illinois": ["A12345678901", "A123-4567-8901", "A123456789012"],
    "Indiana": ["1234567890", "1234-56-7890", "A123456789"],
    "Iowa": ["123AB4567", "123456789"],
    "Kansas": ["K00123456", "K00-12-3456", "123456789"],
    "Kentucky": ["A12345678", "A12-345-678", "A123456789", "123456789"],
    "Louisiana": ["012345678"],
    "Maine": ["1234567", "1234567X", "12345678"],
    "Maryland": ["M123456789012", "M-123-456-789-012", "MD12345678901"],
    "Massachusetts": ["S12345678", "SA1234567", "123456789"],
    "Michigan": ["M123456789012", "M 123 456 789 012", "A1234567890"],
    "Minnesota": ["A123456789012", "A-123-456-789-012"],
    "Mississippi": ["123456789", "123-45-6789"],
    "Missouri": ["A123456789", "A12345", "A123456R", "12345678AB", "123456789A", "123A456789", "123456789"],
    "Montana": ["0812319684127", "A12345678", "123456789", "12345678901234"],
    "Nebraska": ["A12345678", "V123456"],
    "Nevada": ["1234567890", "X12345678", "123456789", "123456789012"],
    "New Hampshire": ["06RNS67321", "NHL12345678"],
    "New Jersey": ["S12345678901234", "S1234 56789 01234", "S1234-56789-01234"],
    "New Mexico": ["123456789", "12345678"],
    "New York": ["123456789", "123 456 789", "A1234567", "1234567890123456"],
    "North Carolina": ["12345678", "123456789012"],
    "North Dakota": ["ABC123456", "ABC-12-3456", "123456789"],
    "Ohio": ["RT123456", "A1234567", "12345678"],
    "Oklahoma": ["A123456789", "123456789"],
    "Oregon": ["1234567", "A123456", "123456789"],
    "Pennsylvania": ["12345678", "12 345 678"],
    "Rhode Island": ["1234567", "V123456"],
    "South Carolina": ["123456789", "12345678901"],
    "South Dakota": ["12345678", "1234567890", "123456789012"],
    "Tennessee": ["123456789", "12345678"],
    "Texas": ["12345678", "1234567"],
    "Utah": ["123456789", "1234567890"],
    "Vermont": ["12345678", "1234567A"],
    "Virginia": ["T12345678", "T60-12-3456", "A12345678901", "123456789"],
    "Washington": ["WDLABCD456DG", "WDL1A2B3C4D5", "DOEJOHN123AB", "SMITHJ*123AB"],
    "West Virginia": ["F123456", "1234567", "AB12345", "AB123456"],
    "Wisconsin": ["J5254209046505", "J525-4209-0465-05"],
    "Wyoming": ["123456789", "123456-789", "1234567890"],
}
NUMBERS = [(state, number) for state, numbers in STATES.items() for number in numbers]


def test_every_state_is_tested() -> None:
    assert len(STATES) == 51


@pytest.mark.parametrize(
    "text", ["My {} driver's license number is {}.", "{}\nDL#: {}\n", "State: {}; Driver License No. {}"]
)
def test_each_license_is_found_with_evidence(detector: Detector, text: str) -> None:
    found = {
        (state, number): [
            written[match.start : match.end]
            for match in detector.find(written)
            if match.identifier == "us-drivers-license" and match.confidence >= Confidence.MEDIUM
        ]
        for state, number in NUMBERS
        for written in [text.format(state, number)]
    }
    assert found == {(state, number): [number] for state, number in NUMBERS}


def test_no_license_is_found_without_evidence(detector: Detector) -> None:
    found = [
        (state, number)
        for state, number in NUMBERS
        for match in detector.find(f"The item {number} was shipped to {state}.")
        if match.identifier == "us-drivers-license"
    ]
    assert found == []
