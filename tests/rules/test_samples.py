"""Every sample in rules/identifiers reaches exactly the confidence in the file, at the marked place."""

import pytest

from holdgate.detect import Detector
from holdgate.detect.identifiers import Identifier
from tests.support.rules import shipped

IDENTIFIERS = list(shipped().identifiers.values())


@pytest.mark.parametrize("rule", IDENTIFIERS, ids=lambda rule: rule.id)
def test_each_sample_reaches_its_confidence(detector: Detector, rule: Identifier) -> None:
    wrong = [
        (level, number, problem)
        for level in ("high", "medium", "low", "none")
        for number, sample in enumerate(getattr(rule.samples, level), 1)
        if (problem := problem_of(detector, rule.id, level, sample))
    ]
    assert wrong == []


def problem_of(detector: Detector, identifier: str, level: str, sample: str) -> str:
    text = sample.replace("«", "").replace("»", "")
    marked = sample.partition("«")[2].partition("»")[0]
    matches = [match for match in detector.find(text) if match.identifier == identifier]
    best = max((match.confidence for match in matches), default="none")
    if best != level:
        return f"it is {best}"
    if marked and marked not in [text[match.start : match.end] for match in matches]:
        return "another place is found"
    return ""
