"""The modules that are compiled have nothing that mypyc compiles to something else than Python does."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ENGINE = re.findall(r'^    "([\w/]+)",$', (ROOT / "setup.py").read_text(encoding="utf-8"), re.MULTILINE)


def rebound(source: str) -> Iterator[str]:
    """Yield the names that except clauses of one function bind to different types.

    mypyc 2.4.1 gives the name the type of the first clause (findings/mypyc-second-except-has-the-first-type.sh).
    """
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef):
            types: dict[str, str] = {}
            for clause in ast.walk(function):
                if isinstance(clause, ast.ExceptHandler) and clause.name and clause.type:
                    kind = ast.unparse(clause.type)
                    if types.setdefault(clause.name, kind) != kind:
                        yield f"{clause.name} in {function.name}"


@pytest.mark.parametrize("module", ENGINE)
def test_no_compiled_function_binds_two_exception_types_to_one_name(module: str) -> None:
    assert list(rebound((ROOT / f"milter/holdgate/{module}.py").read_text(encoding="utf-8"))) == []


TWO = """
def f():
    try:
        g()
    except OSError as {}:
        pass
    except {} as {}:
        pass
"""


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("error", "ValueError", "error"), ["error in f"]),
        (("error", "ValueError", "other"), []),
        (("error", "OSError", "error"), []),
    ],
)
def test_two_except_clauses_need_different_names(words: tuple[str, str, str], names: list[str]) -> None:
    assert list(rebound(TWO.format(*words))) == names
