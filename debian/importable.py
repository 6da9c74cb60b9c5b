#!/usr/bin/python3
"""Imports all of Holdgate, and each library module that it uses: nothing that is needed is missing in the package.

    debian/importable.py PLACE FILE

Run by debian/rules with the package's own interpreter. Imports within functions count too. FILE gets the paths of
the loaded sources, one per line, as they will be below PLACE: debian/holdgate.postinst compiles these and no others.
"""

import ast
import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

import holdgate
from holdgate.config import RulesSettings
from holdgate.detect import Detector
from holdgate.detect.preload import preload

# Never imported by a program: each is a migration that Alembic runs.
_MIGRATIONS = "holdgate.quarantine.migrations"
# What a checkout alone needs: it makes the catalogues that the package has made already. Only the compiler reads the
# names of its own types.
_OF_CHECKOUT = {"babel", "mypy_extensions"}


def modules() -> list[str]:
    """Return the names of all of Holdgate's modules."""
    found = pkgutil.walk_packages(holdgate.__path__, "holdgate.", onerror=lambda _name: None)
    return [one.name for one in found if not one.name.startswith(_MIGRATIONS)]


def named(path: Path) -> Iterator[str]:
    """Yield the modules that a source file imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def loaded() -> Iterator[Path]:
    """Yield the Python sources below the interpreter's own prefix that are loaded."""
    for module in list(sys.modules.values()):
        path = Path(getattr(module, "__file__", None) or "/")
        if path.suffix == ".py" and path.is_relative_to(sys.prefix):
            yield path


def main() -> None:
    """Import all; print what cannot be imported, and exit with 1."""
    place, target = sys.argv[1:]
    ours = modules()
    wanted = {*ours, "psycopg", "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite"}
    known = sys.stdlib_module_names | _OF_CHECKOUT
    for path in Path(next(iter(holdgate.__path__))).rglob("*.py"):
        wanted |= {name for name in named(path) if name.split(".")[0] not in known}
    failed = []
    for name in sorted(wanted):
        try:
            importlib.import_module(name)
        except Exception as error:
            failed.append(f"{name}: {type(error).__name__}: {error}")
    if failed:
        sys.exit("these cannot be imported; see debian/prune.list:\n" + "\n".join(failed))
    # Validators and their tables are loaded by name.
    Detector.from_rules(RulesSettings().shipped())
    preload()
    sources = sorted(str(Path(place) / path.relative_to(sys.prefix)) for path in loaded())
    Path(target).write_text("".join(f"{source}\n" for source in sources), encoding="utf-8")
    print(f"{len(wanted)} modules can be imported, {len(sources)} sources are loaded")


if __name__ == "__main__":
    main()
