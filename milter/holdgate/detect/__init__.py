"""Text to matches: which personal data stands where, and how sure that is."""

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
