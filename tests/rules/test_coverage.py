"""The page that compares identifiers with other products: its counts are correct, and its names exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/reference/coverage.md").read_text(encoding="utf-8")
IDENTIFIERS = {path.stem for path in (ROOT / "rules/identifiers").glob("*.toml")}
ROWS = [
    [cell.strip(" `") for cell in line.strip("|").split("|")]
    for line in PAGE.partition("| Holdgate |")[2].splitlines()[2:]
    if line.startswith("|")
]
NONE = "–"


def test_every_named_identifier_exists() -> None:
    named = [row[0] for row in ROWS if row[0] != NONE]
    assert set(named) <= IDENTIFIERS
    assert len(set(named)) == len(named)


def test_the_page_states_the_number_of_identifiers() -> None:
    named = {row[0] for row in ROWS if row[0] != NONE}
    assert f"of {len(IDENTIFIERS)} identifiers, {len(named)} are in the table" in " ".join(PAGE.split())


def test_the_page_counts_the_identifiers_of_each_product() -> None:
    counts = re.findall(r"^\| [A-Z][\w ]+ \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert len(counts) == 3
    for column, (kinds, missing) in enumerate(counts, 1):
        assert len({row[column] for row in ROWS} - {NONE}) == int(kinds)
        assert len({row[column] for row in ROWS if row[0] == NONE} - {NONE}) == int(missing)


def test_each_row_names_a_kind_of_another_product() -> None:
    assert [row for row in ROWS if set(row[1:]) == {NONE}] == []
