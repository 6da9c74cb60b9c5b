"""Every module can be imported: with the oldest and the newest Python, too (tests/systemd/test_pythons.py)."""

import importlib
import pkgutil

import pytest

import holdgate

# Alembic runs these in its own context.
RUN_BY_ALEMBIC = ("holdgate.quarantine.migrations.env", "holdgate.quarantine.migrations.versions.0")
MODULES = [module.name for module in pkgutil.walk_packages(holdgate.__path__, "holdgate.")]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.startswith(RUN_BY_ALEMBIC)])
def test_a_module_can_be_imported(name: str) -> None:
    importlib.import_module(name)
