"""script/mutate makes meaningful changes: each is valid Python, differs, and is in code that runs."""

import ast
import json
import os
import random
import subprocess
import sys
import tomllib
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]

SOURCE = b"""
\"\"\"Words with 1 == 2.\"\"\"
from x import y
LIMIT: int = 3

@dataclass(frozen=True, slots=True, kw_only=True)
class C:
    pass

@functools.lru_cache(maxsize=4)

def f(a: \"Literal[1]\" = 7, b=True):
    if a < 2 and not b:
        y(a)
    maillog.failed(stage=a)
    return \"\xc3\xbc\", a in b, (a) == (b)
"""


@pytest.fixture(scope="module")
def mutate() -> ModuleType:
    loader = SourceFileLoader("mutate", str(ROOT / "script/mutate"))
    spec = spec_from_loader("mutate", loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules["mutate"] = module
    sys.path.insert(0, str(ROOT / "script"))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


def test_each_change_is_valid_python_and_differs(mutate: ModuleType) -> None:
    found = [one for one in mutate.changes(Path("x.py"), SOURCE) if mutate.is_python(one.made(SOURCE))]
    texts = [one.text.strip() for one in found]
    assert sorted(texts) == sorted(["<=", "!=", "or", "", "3", "4", "8", "False", "False", "pass", "not in"])
    for one in found:
        assert ast.dump(ast.parse(one.made(SOURCE))) != ast.dump(ast.parse(SOURCE))
        assert one.line >= 4


@pytest.mark.slow
def test_listed_equivalent_changes_exist_and_are_not_drawn(mutate: ModuleType) -> None:
    listed = mutate.equivalent(ROOT)
    there = set()
    for package in mutate.PACKAGES:
        for path in (ROOT / "milter/holdgate" / package).rglob("*.py"):
            there |= {mutate.key(ROOT, one) for one in mutate.changes(path, path.read_bytes())}
    assert listed <= there, "the code is another: look again whether a test can notice"
    drawn = mutate.draw(ROOT, "policy", 10**6, random.Random(1))
    assert drawn
    assert not {mutate.key(ROOT, one) for one in drawn} & listed


def test_each_listed_change_has_its_reason() -> None:
    for one in tomllib.loads((ROOT / "tests/data/equivalent-changes.toml").read_text(encoding="utf-8")).get(
        "change", []
    ):
        assert set(one) == {"module", "line", "becomes", "reason"}
        assert len(one["reason"].split()) > 2


def test_each_listed_change_can_be_applied(mutate: ModuleType) -> None:
    for entry, change in mutate.listed(ROOT):
        before = change.path.read_bytes()
        assert mutate.is_python(change.made(before)), entry["why"]
        assert change.made(before) != before
        assert (ROOT / "tests/unit" / entry["tests"]).exists()


CODE = """
def first():
    return 1

def second():
    return 2

def once():
    return 4
"""
TESTS = """
import pytest
from holdgate import code


@pytest.fixture(scope="module")
def made():
    return code.once()


def test_first():
    assert code.first() == 1


def test_second(made):
    assert code.second()


def test_once(made):
    assert made == 4
"""


MEASURES = """
import coverage

ours = coverage.Coverage(config_file=False, data_file=None)


def pytest_configure():
    ours.start()


def pytest_unconfigure():
    ours.stop()
"""


@pytest.mark.slow
def test_only_the_tests_that_reach_a_changed_line_are_run(tmp_path: Path) -> None:
    """However coverage is set up for the checkout, and although .ci/run measures with another plugin.

    A line that a fixture of the module runs for several tests is reached by all tests of the module.
    """
    (tmp_path / "measures.py").write_text(MEASURES)
    (tmp_path / "milter/holdgate").mkdir(parents=True)
    (tmp_path / "milter/holdgate/__init__.py").touch()
    (tmp_path / "milter/holdgate/code.py").write_text(CODE)
    (tmp_path / "test_code.py").write_text(TESTS)
    (tmp_path / "setup.cfg").write_text("[coverage:run]\nparallel = True\n[tool:pytest]\nmarkers = slow: x\n")
    asked = {
        "tests": ["test_code.py"],
        "options": ["-m", "not slow"],
        "changes": [
            {
                "path": "milter/holdgate/code.py",
                "line": CODE[: CODE.index(old)].count("\n") + 1,
                "text": CODE.replace(old, "return 3"),
            }
            for old in ("return 1", "return 2", "return 4")
        ],
    }
    done = subprocess.run(
        [sys.executable, "-m", "testbed.mutants"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{tmp_path / 'milter'}:{tmp_path}", "PYTEST_ADDOPTS": "-p measures"},
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["noticed"], one["tests"]) for one in answers] == [(True, 1), (False, 1), (True, 3)]
