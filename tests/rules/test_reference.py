"""docs/reference/identifiers.md is generated from the rules and up to date."""

from pathlib import Path

from holdgate.detect.reference import markdown
from tests.support.rules import shipped

ROOT = Path(__file__).resolve().parents[2]


def test_reference_page_is_current() -> None:
    page = (ROOT / "docs" / "reference" / "identifiers.md").read_text(encoding="utf-8")
    assert page == markdown(shipped()), "run: holdgate rules list --markdown > docs/reference/identifiers.md"
