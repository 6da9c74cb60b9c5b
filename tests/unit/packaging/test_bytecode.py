"""The bytecode that is made at installation: the same program, without docstrings."""

import ast
import importlib.util
import runpy
import subprocess
import sys
from pathlib import Path
from types import CodeType

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[3] / "debian/bytecode.py"))
SOURCE = '''"""Of the module."""
class A:
    """Of the class."""

def f(x):
    """Of the function."""
    assert x, "still there"
    return "a string is no docstring"
'''


def made(directory: Path) -> Path:
    directory.mkdir(parents=True)
    path = directory / "module.py"
    path.write_text(SOURCE)
    (directory / "list").write_text(f"{path}\n")
    script = Path(__file__).parents[3] / "debian/bytecode.py"
    subprocess.run([sys.executable, script, directory / "list"], check=True)
    return Path(importlib.util.cache_from_source(str(path)))


@pytest.mark.parametrize(("place", "is_kept"), [("library", False), ("holdgate", True)])
def test_docstrings_are_removed_except_those_of_holdgate_modules(tmp_path: Path, place: str, is_kept: bool) -> None:
    target = made(tmp_path / "site-packages" / place)
    assert (b"Of the module." in target.read_bytes()) is is_kept
    for text in (b"Of the class.", b"Of the function."):
        assert text not in target.read_bytes()
    for text in (b"still there", b"a string is no docstring"):
        assert text in target.read_bytes()


def test_python_uses_the_bytecode_and_notices_a_changed_source(tmp_path: Path) -> None:
    directory = tmp_path / "site-packages/library"
    target = made(directory)
    before = target.read_bytes()
    command = [sys.executable, "-c", "import module; print(module.f.__doc__, module.f(1))"]
    output = subprocess.check_output(command, cwd=directory, text=True)
    assert output == "None a string is no docstring\n"
    assert target.read_bytes() == before
    (directory / "module.py").write_text(SOURCE.replace("no docstring", "changed"))
    assert subprocess.check_output(command, cwd=directory, text=True).endswith("changed\n")


def test_line_numbers_are_those_of_the_source() -> None:
    tree = SCRIPT["without_docstrings"](ast.parse(SOURCE))
    code = compile(tree, "module", "exec")
    (function,) = [one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == "f"]
    assert function.co_firstlineno == 5
    assert {line for _, _, line in function.co_lines()} >= {7, 8}


def test_a_body_with_only_a_docstring_stays_valid() -> None:
    tree = SCRIPT["without_docstrings"](ast.parse('def f():\n    """Nothing else."""\n'))
    assert ast.unparse(tree) == "def f():\n    pass"
