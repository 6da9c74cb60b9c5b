"""The page on security: each measure names an existing test, and the table matches the existing attempts."""

import ast
import re
from collections import Counter
from pathlib import Path

from holdgate.quarantine.schema import metadata
from testbed.attacks import run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/security.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_every_measure_names_a_test_that_exists() -> None:
    section = PAGE.partition("## Measures")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    assert len(NAMED) == len(rows)
    for path, name in NAMED:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{path}::{name}"


def test_the_table_of_attempts_is_up_to_date() -> None:
    rows = re.findall(r"(?m)^\| ([\w ]+) \|([^|]*)\| (\d+) \| (\d+) \|$", PAGE)
    counted = {kind: int(tried) for kind, _, tried, _ in rows}
    # As root makes them, who alone can change users.
    there = Counter(attempt.kind for attempt in run.attempts(root=True))
    assert counted == there | {"all": sum(there.values())}, "run script/attack --write"
    assert {kind: promise.strip() for kind, promise, _, _ in rows if kind != "all"} == run.PROMISES


def test_each_table_outside_the_audit_trail_is_named() -> None:
    section = PAGE.partition("## Limits of the audit trail")[2].partition("\n## ")[0]
    named = set(re.findall(r"(?m)^\| `(\w+)` \|", section))
    bound = {"events", "chains", "incidents", "requests", "notices"}
    assert named == set(metadata.tables) - bound
