"""Each line of the page on failure modes has a test, and each fault of the soak has a line."""

import re
import tomllib
from pathlib import Path

from tests.faults.postgres_faults import FAULTS as POSTGRES_FAULTS
from tests.faults.site_faults import FAULTS as SITE_FAULTS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/explanation/failure-modes.md"
TESTS: dict[str, list[str]] = tomllib.loads((ROOT / "tests/data/failure-modes.toml").read_text(encoding="utf-8"))
FAULTS = {one.__name__ for one in (*SITE_FAULTS, *POSTGRES_FAULTS)}


def rows() -> dict[str, bool]:
    """Return the first cells of the tables of events, and whether each is marked as a fault of tests/faults."""
    sections = PAGE.read_text(encoding="utf-8").split("\n## ")
    tables = [section for section in sections if "| event |" in section]
    assert len(tables) > 5
    lines = [line for table in tables for line in table.splitlines() if line.startswith("| ")]
    cells = [line.split("|")[1].strip() for line in lines if not line.startswith("| event |")]
    assert len(cells) == len(set(cells))
    return {cell.removeprefix("✱").strip(): cell.startswith("✱") for cell in cells}


def test_every_line_is_in_the_list_and_no_other() -> None:
    assert TESTS.keys() == rows().keys()


def test_every_line_has_a_test() -> None:
    for row, is_of_site in rows().items():
        named = TESTS.get(row, [])
        faults = {one.removeprefix("fault: ") for one in named if one.startswith("fault: ")}
        assert faults <= FAULTS, row
        tests = [one.partition("::") for one in named if not one.startswith("fault: ")]
        assert faults or tests, row
        in_faults = faults or any(path.startswith("faults/") for path, _, _ in tests)
        assert in_faults or not is_of_site, f"{row}: it is marked as a fault of tests/faults"
        for path, _, name in tests:
            text = (ROOT / "tests" / path).read_text(encoding="utf-8")
            assert re.search(rf"^ *def {name}\(", text, re.M), (path, name)


def test_every_fault_is_in_a_line() -> None:
    named = {one for tests in TESTS.values() for one in tests}
    assert {one.removeprefix("fault: ") for one in named if one.startswith("fault: ")} == FAULTS
