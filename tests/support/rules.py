"""The shipped rules, read once in a process: the parameters of several test files come from them."""

from functools import cache
from pathlib import Path

from holdgate.detect.loader import Loaded, load

RULES = Path(__file__).resolve().parents[2] / "rules"


@cache
def shipped() -> Loaded:
    """Return the shipped rules. No test changes them."""
    return load(RULES)
