"""Only time makes a test slow in the packages whose quick tests script/mutate asks: CONTRIBUTING has the rule."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Half a second, as CONTRIBUTING states.
LEAST = 0.5


def without_time(source: str) -> list[int]:
    """Return the lines at which a test is marked as slow without a time of half a second or more."""
    tree = ast.parse(source)
    timed = {
        id(call.func)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and any(
            word.arg == "seconds"
            and isinstance(word.value, ast.Constant)
            and isinstance(word.value.value, int | float)
            and word.value.value >= LEAST
            for word in call.keywords
        )
    }
    marks = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "slow"]
    return [mark.lineno for mark in marks if id(mark) not in timed]


def mutated() -> list[str]:
    """Return the packages that script/mutate changes."""
    for node in ast.parse((ROOT / "script/mutate").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PACKAGES":
            return list(ast.literal_eval(node.value))
    raise AssertionError("script/mutate names no packages")


def test_only_time_leaves_a_test_out_of_mutation() -> None:
    files = [path for name in mutated() for path in sorted((ROOT / "tests/unit" / name).rglob("*.py"))]
    assert len(files) > 100
    wrong = [f"{path.relative_to(ROOT)}:{line}" for path in files for line in without_time(path.read_text("utf-8"))]
    assert wrong == [], "state the time, as slow(seconds=2), or let it be a quick test"


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("pytestmark = pytest.mark.slow(seconds=0.5)", []),
        ("x = pytest.param(1, marks=pytest.mark.slow(seconds=2))", []),
        ("pytestmark = pytest.mark.slow(seconds=0.4)", [1]),
        ("pytestmark = [pytest.mark.skip, pytest.mark.slow]", [1]),
        ("import pytest\n\n@pytest.mark.slow\ndef test_it():\n    pass", [3]),
        ("x = pytest.param(1, marks=() if 1 else pytest.mark.slow)", [1]),
        ("pytestmark = pytest.mark.slow(reason='many languages')", [1]),
    ],
)
def test_each_form_of_the_mark_is_recognised(source: str, lines: list[int]) -> None:
    assert without_time(source) == lines
