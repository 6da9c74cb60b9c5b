"""Objects that are the same in every test of a process are created once in it.

Each test has its own store. Without this, each would compile the same SQL again, and Python would search all
modules for garbage each time.
"""

import gc
from typing import Any
from weakref import WeakSet

from sqlalchemy import Connection, Engine, create_engine

from holdgate.quarantine import database, structure

# How many new objects Python waits for until it searches for garbage, and how many such searches until a larger one.
_GC_THRESHOLDS = (10_000, 20, 20)

# The engines of SQLite that the current test made.
_open: WeakSet[Engine] = WeakSet()


def share_statements() -> None:
    """Let all engines of SQLite that the store makes share one cache of compiled statements.

    An entry belongs to a dialect, so they share that as well: the first connection completes it.
    """
    first = create_engine("sqlite://")
    first.connect().close()
    compiled: dict[Any, Any] = {}

    def sharing(*arguments: Any, **options: Any) -> Engine:
        engine = create_engine(*arguments, **options)
        if engine.dialect.name == "sqlite":
            engine.dialect = first.dialect
            engine.update_execution_options(compiled_cache=compiled)
            _open.add(engine)
        return engine

    database.create_engine = sharing  # type: ignore[attr-defined]  # the name that the module imports


def share_structure() -> None:
    """Let the structure of a file be compared with the schema once: thousands of tests copy the same empty store."""
    compare = structure.problem
    found: dict[object, str] = {}

    def known(connection: Connection) -> str:
        if connection.dialect.name != "sqlite":
            return compare(connection)
        query = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
        made = tuple(map(tuple, connection.exec_driver_sql(query).all()))
        if made not in found:
            found[made] = compare(connection)
        return found[made]

    structure.problem = known


def close_stores() -> None:
    """Close the connections that the stores of a test left open, whether or not the test closed its store."""
    for engine in list(_open):
        engine.dispose()
    _open.clear()


def settle_heap() -> None:
    """Exclude the existing objects from garbage collection: modules and tests, which stay to the end."""
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    gc.enable()
