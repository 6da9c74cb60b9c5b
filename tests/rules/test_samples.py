"""Every sample in rules/identifiers: the identifier reaches exactly the confidence that the file says, at the place."""

from pathlib import Path

import pytest

from holdgate.detect import Detector
from holdgate.detect.loader import load

RULES = Path(__file__).resolve().parents[2] / "rules"
SAMPLES = [
    pytest.param(identifier.id, level, sample, id=f"{identifier.id}-{level}-{number}")
    for identifier in load(RULES).identifiers.values()
    for level in ("high", "medium", "low", "none")
    for number, sample in enumerate(getattr(identifier.samples, level), 1)
]


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.from_rules(RULES)


@pytest.mark.parametrize(("identifier", "level", "sample"), SAMPLES)
def test_sample(detector: Detector, identifier: str, level: str, sample: str) -> None:
    text = sample.replace("«", "").replace("»", "")
    marked = sample.partition("«")[2].partition("»")[0]
    matches = [match for match in detector.find(text) if match.identifier == identifier]
    best = max((match.confidence for match in matches), default="none")
    assert best == level
    if marked:
        assert marked in [text[match.start : match.end] for match in matches]
