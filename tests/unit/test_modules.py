"""Every module can be imported, also with the oldest and the newest Python (tests/systemd/test_pythons.py)."""

import importlib
import pkgutil

import holdgate

# Alembic runs these in its own context.
RUN_BY_ALEMBIC = ("holdgate.quarantine.migrations.env", "holdgate.quarantine.migrations.versions.0")
MODULES = [module.name for module in pkgutil.walk_packages(holdgate.__path__, "holdgate.")]


def test_every_module_can_be_imported() -> None:
    failed = {}
    for name in MODULES:
        if not name.startswith(RUN_BY_ALEMBIC):
            try:
                importlib.import_module(name)
            except Exception as error:
                failed[name] = repr(error)
    assert failed == {}
