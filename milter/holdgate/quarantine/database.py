"""The database behind the store: how it is connected, and how its schema is brought up to this version."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError

# How long a writer waits for another one, in seconds. A milter callback must answer well within Postfix's 300 s.
BUSY_TIMEOUT = 10


# What a method of the store raises when the database fails under it: busy, full, gone. To be tried again.
DatabaseError = SQLAlchemyError


class StoreError(Exception):
    """The store cannot be used: it is missing, not writable, busy, or of another version."""


def connect(url: str) -> Engine:
    """Connect to an existing database. Raises StoreError where its schema is not this version's."""
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        raise StoreError(f"{_shown(url)}: {error.__cause__ or error}") from error
    wanted = ScriptDirectory.from_config(_alembic(url)).get_current_head()
    if found != wanted:
        raise StoreError(
            f"{_shown(url)}: its schema is {found or 'not there yet'}, this version needs {wanted}: "
            'run "holdgate migrate"'
        )
    return engine


def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema up to this version, step by step, creating the database if needed. Raises StoreError."""
    config = _alembic(url)
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            found = MigrationContext.configure(connection).get_current_revision()
            known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
            if found is not None and found not in known:
                raise StoreError(f"{_shown(url)}: its schema {found} is newer than this version of Holdgate")
            command.upgrade(config, revision)
    except SQLAlchemyError as error:
        raise StoreError(f"{_shown(url)}: {error.__cause__ or error}") from error
    finally:
        engine.dispose()


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def _alembic(url: str) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    return config


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # WAL: readers do not wait for the writer. FULL: a recorded incident survives a power cut.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes the lock at once: a transaction that reads first and writes later can fail without waiting.
        reads = connection.get_execution_options().get("reads", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine
