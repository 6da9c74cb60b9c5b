"""Packages import in one direction, and each external resource has one owner."""

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "milter/holdgate"

# Which packages each package may import, in addition to the base modules. See docs/explanation/flow.md.
MAY_IMPORT = {
    "gate": {"scan", "policy", "quarantine", "relations", "machines"},
    "machines": {"relations", "quarantine"},
    "relations": {"quarantine"},
    "scan": {"extract", "detect", "rewrite"},
    "rewrite": {"extract", "detect"},
    "extract": set(),
    "detect": set(),
    "policy": set(),
    "quarantine": set(),
    "queue": {"quarantine"},
    "desk": {"quarantine", "queue", "scan", "policy", "machines"},
    "cli": {"gate", "scan", "extract", "detect", "policy", "quarantine", "queue", "desk", "relations", "machines"},
}
# Which families of readers each family may import.
READERS_MAY_IMPORT = {
    "texts": set(),
    "archives": {"texts"},
    "data": {"archives", "texts"},
    "pictures": {"texts"},
    "pdf": {"pictures", "texts"},
    "openxml": {"archives", "pictures", "texts"},
    "office": {"archives", "data", "openxml", "pictures", "texts"},
}
# What a member of a family may import from its own package: the base class, but no other member.
FAMILIES = {"policy/actions": {"policy.action", "policy.asking"}, "desk/channels": {"desk.channel", "desk.post"}}
BASE_MODULES = {
    "atomic",
    "config",
    "configfile",
    "daemon",
    "envelope",
    "findings",
    "headers",
    "journal",
    "keyfile",
    "maillog",
    "mask",
    "metrics",
    "milters",
    "mistakes",
    "phrases",
    "node",
    "notation",
    "persons",
    "plugins",
    "renamed",
    "risks",
    "seal",
    "sockets",
    "submission",
    "tables",
    "translated",
    "watch",
    "work",
    "__init__",
}

# External resources with one owner: a package, or one of its modules. Two of them have one reader and one writer.
OWNERS: dict[str, str | tuple[str, ...]] = {
    "Milter": "gate/callbacks.py",
    "milter": "gate/callbacks.py",
    "sqlalchemy": "quarantine",
    "alembic": "quarantine",
    "prometheus_client": "metrics.py",
    "ahocorasick": "detect",
    "stdnum": "detect",
    "phonenumbers": "detect",
    "Cryptodome": "detect/validators/crypto.py",
    "pypdfium2": ("extract", "rewrite"),
    "olefile": "extract",
    "pypff": "extract/readers/office/pst.py",
    "libarchive": "extract",
    "PIL": ("extract", "rewrite"),
    "tesserocr": "extract",
    "zxingcpp": "extract/codes.py",
    "selectolax": "extract",
    "pyseccomp": "scan",
    "smtplib": "submission.py",
    "starlette": "desk/web",
    "uvicorn": "desk/web",
    "aiosmtpd": "desk/mailbox.py",
    "jinja2": "desk/templates.py",
}
# Modules that may name an owner's exceptions or types and do not own the resource.
GUESTS: set[tuple[str, str]] = {
    ("smtplib", "gate/submit.py"),
    ("smtplib", "desk/web/signin.py"),
    ("smtplib", "desk/post.py"),
    ("smtplib", "desk/canary.py"),
    ("smtplib", "queue/submitting.py"),
}

MODULES = sorted(PACKAGE.rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def named(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def package_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def test_packages_import_in_one_direction() -> None:
    wrong = {}
    for path in MODULES:
        here = package_of(path)
        used = {name.split(".")[1] for name in imports(path) if name.startswith("holdgate.")} - {"__version__"}
        if more := used - BASE_MODULES - {here} - MAY_IMPORT.get(here, set()):
            wrong[named(path)] = more
    assert wrong == {}, "a package must not import these"


MEMBERS = [
    (family, path)
    for family in FAMILIES
    for path in sorted((PACKAGE / family).glob("*.py"))
    if path.name != "__init__.py"
]


@pytest.mark.parametrize(("family", "path"), MEMBERS, ids=[str(path.relative_to(PACKAGE)) for _, path in MEMBERS])
def test_members_of_a_family_import_only_their_base(family: str, path: Path) -> None:
    prefix = f"holdgate.{family.partition('/')[0]}."
    used = {".".join(name.split(".")[1:3]) for name in imports(path) if name.startswith(prefix)}
    assert used <= FAMILIES[family], f"{path.stem} must not import {used}"


# Mail that no policy matches is allowed, and mail that a third party marked is held. Of all other actions
# no module knows the name: the next action would have to be added there.
KNOWN_ACTIONS = {"Allow", "Quarantine", "REGISTRY"}


def test_no_other_module_names_an_action() -> None:
    prefix = "holdgate.policy.actions."
    wrong = {}
    for path in MODULES:
        known = {name.removeprefix(prefix) for name in imports(path) if name.startswith(prefix)} - KNOWN_ACTIONS
        if known and path.parent != PACKAGE / "policy/actions":
            wrong[named(path)] = known
    assert wrong == {}


READERS = PACKAGE / "extract/readers"


def test_families_of_readers_import_in_one_direction() -> None:
    prefix = "holdgate.extract.readers."
    wrong = {}
    for path in READERS.rglob("*/*.py"):
        here = path.parent.name
        used = {name.removeprefix(prefix).split(".")[0] for name in imports(path) if name.startswith(prefix)}
        if more := used - {here} - READERS_MAY_IMPORT[here]:
            wrong[named(path)] = more
    assert wrong == {}, "a family must not import these"


def test_each_external_resource_has_one_owner() -> None:
    used = {(name.split(".")[0], named(path)) for path in MODULES for name in imports(path)}
    wrong = {(name, path) for name, path in used - GUESTS if not path.startswith(OWNERS.get(name, ""))}
    assert wrong == set(), "these belong to another module"


def test_each_module_docstring_begins_with_one_sentence() -> None:
    first = {named(path): (ast.get_docstring(tree(path)) or "").partition("\n")[0] for path in MODULES}
    assert {path: line for path, line in first.items() if not line.endswith((".", ":"))} == {}


def test_the_source_root_is_not_a_package() -> None:
    assert not (PACKAGE.parent / "__init__.py").exists()


# What each daemon does without: workers read messages, Alembic is for migrations, and page and mailbox are loaded where
# the settings have them. Loaded for nothing, each costs every daemon megabytes.
PARSERS = {
    "PIL",
    "ahocorasick",
    "chardet",
    "msoffcrypto",
    "phonenumbers",
    "pypdfium2",
    "pypff",
    "re2",
    "selectolax",
    "stdnum",
}
UNLOADED = {
    "gate.main": PARSERS | {"alembic", "jinja2", "sqlalchemy.dialects.postgresql", "starlette"},
    "desk.main": PARSERS | {"alembic", "aiosmtpd", "sqlalchemy.dialects.postgresql", "starlette", "uvicorn"},
    "desk.mailbox": PARSERS,
    "desk.web.server": PARSERS,
    "queue.main": PARSERS | {"alembic", "jinja2", "prometheus_client", "sqlalchemy", "starlette"},
    "queue.reconciling": PARSERS | {"alembic", "jinja2", "sqlalchemy.dialects.postgresql", "starlette"},
    "scan.main": PARSERS | {"sqlalchemy", "prometheus_client"},
    "scan.serving": {"holdgate.config", "prometheus_client", "sqlalchemy", "phonenumbers", "stdnum"},
}


@pytest.mark.slow
@pytest.mark.parametrize("module", UNLOADED)
def test_a_daemon_loads_only_the_modules_it_needs(module: str) -> None:
    code = f"import sys, holdgate.{module}; print(*sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True, env=environment).split()
    assert set(loaded) & UNLOADED[module] == set()
