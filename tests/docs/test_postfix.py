"""Each line of the page on Postfix names a test that exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/explanation/postfix.md"


def rows() -> dict[str, list[str]]:
    """Return the tests that each line of the tables names, by its first cell."""
    tables = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in tables]
    return {row[0]: re.findall(r"`(tests/[^`]+)`", row[-1]) for row in cells if row[0] != "what Postfix does"}


def test_every_line_has_a_test() -> None:
    found = rows()
    assert len(found) > 30
    for row, tests in found.items():
        assert tests, row
        assert all((ROOT / test).exists() for test in tests), row
