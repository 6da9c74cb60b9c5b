#!/usr/bin/python3
"""Makes the bytecode of the package's Python files, as "python3 -m compileall" does, without docstrings.

    bytecode.py LIST     LIST has one file per line

It runs when the package is installed. A process keeps the docstrings of all loaded modules: in a daemon, those of
libraries take 2 MB, and Holdgate's another 1. Those of Holdgate's modules are kept, because its commands print some.
Line numbers and assertions are unchanged. A source is identified by its hash, not by its time, because sources of two
versions may have the same time.
"""

import ast
import importlib.util
import sys
from importlib import _bootstrap_external as loader
from pathlib import Path

_OURS = "/site-packages/holdgate/"


def without_docstrings(tree: ast.Module, *, keep_first: bool = False) -> ast.Module:
    """Remove the docstrings from a tree, with `keep_first` all but that of the module, and return it."""
    for node in ast.walk(tree):
        if keep_first and node is tree:
            continue
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                empty = ast.copy_location(ast.Pass(), first)
                node.body[:1] = [] if len(node.body) > 1 else [empty]
    return tree


def make(path: Path) -> None:
    """Write the bytecode of a file. Raises OSError and SyntaxError."""
    source = path.read_bytes()
    tree = ast.parse(source, str(path))
    tree = without_docstrings(tree, keep_first=_OURS in str(path))
    code = compile(tree, str(path), "exec", dont_inherit=True)
    target = Path(importlib.util.cache_from_source(str(path)))
    target.parent.mkdir(exist_ok=True)
    loader._write_atomic(str(target), loader._code_to_hash_pyc(code, importlib.util.source_hash(source), True), 0o644)


def main() -> None:
    """Do it for all files of the list."""
    for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
        make(Path(line))


if __name__ == "__main__":
    main()
