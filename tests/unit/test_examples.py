"""The examples in docstrings give what they show."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = [
    ".".join(path.relative_to(base).with_suffix("").parts)
    for base, package in ((ROOT / "milter", "holdgate"), (ROOT, "testbed"), (ROOT, "benchmarks"), (ROOT, "training"))
    for path in sorted((base / package).rglob("*.py"))
    if "    >>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    tried = doctest.testmod(importlib.import_module(name))
    assert (tried.failed, tried.attempted > 0) == (0, True)


def test_modules_with_examples_are_found() -> None:
    assert "holdgate.extract.written" in MODULES
