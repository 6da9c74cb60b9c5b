"""Text to matches: which personal data is where in a text, and with which confidence."""

from holdgate.detect.detector import Detector, Scan
from holdgate.detect.evaluate import Evaluation, RuleHit
from holdgate.detect.explain import Explanation
from holdgate.detect.match import Confidence, Evidence, Match, Severity
from holdgate.detect.tomlfile import RuleError

__all__ = [
    "Confidence",
    "Detector",
    "Evaluation",
    "Evidence",
    "Explanation",
    "Match",
    "RuleError",
    "RuleHit",
    "Scan",
    "Severity",
]
