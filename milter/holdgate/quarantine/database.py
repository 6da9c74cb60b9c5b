"""The database of the store: connecting to it, and migrating its schema to this version."""

import os
import pwd
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from select import POLLIN, poll
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    URL,
    Connection,
    Delete,
    Engine,
    Table,
    create_engine,
    delete,
    event,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

from holdgate.quarantine import versions

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

# How long a writer waits for another one, and for PostgreSQL's synchronous standby, and any transaction for a locked
# table, in seconds. A milter callback must respond well within Postfix's 300 s.
BUSY_TIMEOUT = 10

# For PostgreSQL only: after how many idle seconds the server ends a transaction and its locks, when a server that does
# not answer counts as lost (libpq's names and units), and the lock for exclusive access.
_IDLE_TIMEOUT = 60
_CONNECTION: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
# A pooler that gives each transaction another connection does not keep prepared statements.
_CONNECTION |= {"prepare_threshold": None}
# Transactions begin with Holdgate's statements, not with the driver's.
_CONNECTION |= {"autocommit": True}
_EXCLUSIVE_KEY = 0x686F6C6467617465  # "holdgate"
_TURNS_KEY = _EXCLUSIVE_KEY + 1
_IDLE = f"SET LOCAL idle_in_transaction_session_timeout = '{_IDLE_TIMEOUT}s'"
_LOCK_TIMEOUT = f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT}s'"
_PATIENT = f"{_IDLE}; {_LOCK_TIMEOUT}"
_BEGIN_READING = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_PATIENT}"
BEGIN_WRITING = f"BEGIN ISOLATION LEVEL READ COMMITTED; {_PATIENT}"
_BEGIN_EXCLUSIVE = f"{BEGIN_WRITING}; SELECT pg_advisory_xact_lock({_EXCLUSIVE_KEY})"


# Placeholder for the process's user in the passfile of a URL.
_USER = "{user}"

# Raised by the store's methods if the database fails: busy, full, unreachable. The caller retries.
DatabaseError = SQLAlchemyError


class StoreError(Exception):
    """The store cannot be used: it is missing, not writable, busy, or of another version."""


def connect(url: str, *, exact: bool = False) -> Engine:
    """Connect to an existing database.

    Raises StoreError if its schema is not this version's, nor one that a newer version has only added to. With `exact`,
    it must be this version's.
    """
    engine = _engine(url)
    try:
        with engine.execution_options(reads=True).connect() as connection:
            found = _revision(connection)
            is_newer = versions.is_newer(found)
            is_usable = is_newer and not exact and versions.is_usable(connection)
    except SQLAlchemyError as error:
        raise unusable(url, error) from error
    wanted = versions.head()
    if is_newer and not is_usable:
        raise StoreError(
            f"{shown(url)}: its schema {found} is newer than this version of Holdgate, which needs {wanted}; "
            "install the newer version on this machine"
        )
    if found != wanted and not is_newer:
        raise StoreError(
            f"{shown(url)}: its schema is {found or 'not created yet'}, this version needs {wanted}; "
            "run: holdgate migrate"
        )
    return engine


def open_any(url: str) -> Engine:
    """Connect to a database with any contents, and create it if it is a file. Raises SQLAlchemy's errors."""
    _make_file(url)
    return _engine(url)


def revision(engine: Engine) -> str | None:
    """Return the revision of a database's schema, or None."""
    with engine.execution_options(reads=True).connect() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    """Return the revision that Alembic stored. Alembic, some 10 MB, is loaded for migrations only."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(url: str, to: str = "head") -> tuple[str | None, str | None]:
    """Migrate the schema to this version, step by step, creating the database if needed. Raises StoreError.

    Return the schema before (None: the store was created) and after.
    """
    from alembic import command
    from alembic.script import ScriptDirectory

    config = _alembic()
    _make_file(url)
    engine = _engine(url)
    try:
        with exclusive(engine).begin() as connection:
            config.attributes["connection"] = connection
            found = _revision(connection)
            _lock_incidents(connection)
            known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
            if found is not None and found not in known:
                raise StoreError(
                    f"{shown(url)}: its schema {found} is newer than this version of Holdgate; install the newer one"
                )
            command.upgrade(config, to)
            return found, _revision(connection)
    except SQLAlchemyError as error:
        raise unusable(url, error) from error
    finally:
        engine.dispose()


def _lock_incidents(connection: Connection) -> None:
    """Wait for transactions that write about incidents, and block new ones: each begins with the table of incidents."""
    if is_shared(connection.engine) and inspect(connection).has_table("incidents"):
        connection.exec_driver_sql("LOCK TABLE incidents IN ACCESS EXCLUSIVE MODE")


def _make_file(url: str) -> None:
    """Create SQLite's file if it does not exist, writable for its group: the daemons are several users of one group.

    SQLite gives its journal the same permissions.
    """
    if not url.startswith("sqlite:///"):
        return
    path = Path(url.removeprefix("sqlite:///"))
    # If it cannot be created, SQLite reports why.
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o660)
        os.fchmod(descriptor, 0o660)
        os.close(descriptor)


def driver_message(error: SQLAlchemyError) -> str:
    """Return the driver's error message as one line; SQLAlchemy's repeats the statement."""
    return " ".join(str(error.__cause__ or type(error).__name__).split())


def unusable(url: str, error: SQLAlchemyError) -> StoreError:
    """Return why a database cannot be used, and the remedy if its directory does not exist."""
    directory = Path(make_url(url).database or "/").parent
    with suppress(OSError):  # a directory that this user cannot see
        if url.startswith("sqlite:") and not directory.is_dir():
            return StoreError(f"{shown(url)}: there is no directory {directory}; create it, or correct [store] url")
    return StoreError(f"{shown(url)}: {driver_message(error)}")


def shown(url: str) -> str:
    """Return a URL that is safe to print: without a password."""
    return make_url(url).render_as_string(hide_password=True)


def _alembic() -> "AlembicConfig":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(versions.MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def _engine(url: str) -> Engine:
    return _sqlite(url) if url.startswith("sqlite") else _postgresql(url)


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # WAL: readers do not wait for the writer. FULL: a recorded incident survives a power failure.
        connection.isolation_level = None
        # Read completely: on Python 3.14, an unread result can block the connection's first commit.
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("PRAGMA synchronous = FULL").fetchall()
        connection.execute("PRAGMA foreign_keys = ON").fetchall()
        # What retention erases is overwritten in the file; builds of SQLite differ in the default.
        connection.execute("PRAGMA secure_delete = ON").fetchall()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes the lock at once: a transaction that reads first and writes later can fail without waiting.
        if _reads(connection):
            connection.exec_driver_sql("BEGIN")
            return
        level = "NORMAL" if connection.get_execution_options().get("unsynced", False) else "FULL"
        connection.exec_driver_sql(f"PRAGMA synchronous = {level}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgresql(url: str) -> Engine:
    try:
        engine = create_engine(_driven(url), connect_args=_CONNECTION)
    except ImportError as error:
        raise StoreError(f"{shown(url)}: PostgreSQL needs the driver: pip install 'holdgate[postgresql]'") from error

    # psycopg is there, or the engine would have failed.
    from holdgate.quarantine.confirming import ConfirmingConnection

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, given: Any, named: Any) -> ConfirmingConnection:
        connection = ConfirmingConnection.connect(*given, **named)
        connection.commit_timeout = BUSY_TIMEOUT
        return connection

    @event.listens_for(engine, "checkout")
    def look(connection: Any, _record: Any, _proxy: Any) -> None:
        # A healthy connection has no unrequested data. One that the server has closed has something to read.
        ready = poll()
        ready.register(connection.fileno(), POLLIN)
        if ready.poll(0):
            try:
                connection.execute("SELECT 1")
            except Exception as error:
                raise DisconnectionError(str(error)) from error

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # Readers do not wait for writers and see one moment; a change of the schema, or a VACUUM FULL, blocks them, but
        # not for ever. Writers wait for earlier writers of the same rows, and then see their results. Each transaction
        # sets everything it needs together with its BEGIN: behind a pooler the next one may have another connection.
        if _reads(connection):
            connection.exec_driver_sql(_BEGIN_READING)
        else:
            is_exclusive = connection.get_execution_options().get("exclusive", False)
            connection.exec_driver_sql(_BEGIN_EXCLUSIVE if is_exclusive else BEGIN_WRITING)

    return engine


def read_rows(engine: Engine, query: str, values: Sequence[object] = ()) -> Sequence[Any]:
    """Return the rows of one SELECT, which the driver runs in its own transaction. Raises DatabaseError.

    For PostgreSQL there are no `values`: the query and its limit for a locked table are one simple query, so one round
    trip, which a pooler passes to one connection.
    """
    connection = None
    try:
        connection = engine.raw_connection()
        cursor = connection.cursor()
        if is_shared(engine):
            cursor.execute(f"{_LOCK_TIMEOUT}; {query}")
            cursor.nextset()
        else:
            cursor.execute(query, values)
        rows = cursor.fetchall()
    except engine.dialect.loaded_dbapi.Error as error:
        if connection is not None:
            connection.invalidate()
        raise DatabaseError(str(error)) from error
    finally:
        if connection is not None:
            connection.close()
    return rows


def direct(url: str) -> Any:
    """Return a direct driver connection to PostgreSQL, which is not shared. Raises the driver's errors."""
    engine = create_engine(_driven(url))
    given, named = engine.dialect.create_connect_args(engine.url)
    return engine.dialect.connect(*given, **{**named, **_CONNECTION})


def _driven(url: str) -> URL:
    """Return a URL for psycopg (version 3), whatever SQLAlchemy's default is."""
    return _with_passfile(make_url(url).set(drivername="postgresql+psycopg"))


def _with_passfile(url: URL) -> URL:
    """Insert this process's user into the name of the passfile: libpq refuses one that a second user can read."""
    given = url.query.get("passfile")
    if not isinstance(given, str) or _USER not in given:
        return url
    return url.update_query_dict({"passfile": given.replace(_USER, pwd.getpwuid(os.geteuid()).pw_name)})


def is_shared(engine: Engine) -> bool:
    """Return whether several machines can use the database: SQLite's file belongs to one."""
    return engine.dialect.name != "sqlite"


def unsynced(engine: Engine) -> Engine:
    """Return `engine` with transactions that a crash of the machine can undo until `sync` has returned.

    Other processes see them at once, and a crash of this process undoes none. On PostgreSQL they are durable at once.
    """
    return engine.execution_options(unsynced=True)


def sync(engine: Engine) -> None:
    """Make all transactions durable: SQLite's are in its write-ahead log, or already in its file. Raises OSError."""
    if is_shared(engine):
        return
    with suppress(FileNotFoundError):  # SQLite has moved all of it to its file, and synced that
        descriptor = os.open(f"{engine.url.database}-wal", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)


def empty_log(engine: Engine) -> bool:
    """Empty SQLite's write-ahead log, where erased rows stay otherwise (https://www.sqlite.org/wal.html).

    Return False if readers or a writer were in the way for a second. In PostgreSQL, vacuum removes erased rows. Raises
    DatabaseError.
    """
    if is_shared(engine):
        return True
    with closing(engine.raw_connection()) as connection, raises_database_error(engine):
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout = 1000").fetchall()
        try:
            (row,) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT * 1000}").fetchall()
    is_busy: int = row[0]
    return not is_busy


@contextmanager
def raises_database_error(engine: Engine) -> Iterator[None]:
    """Raise errors of the driver, which is used directly, and of values that do not match, as DatabaseError."""
    try:
        yield
    except (engine.dialect.loaded_dbapi.Error, ValueError, TypeError) as error:
        raise DatabaseError(str(error)) from error


def exclusive(engine: Engine) -> Engine:
    """Return `engine` with exclusive transactions, also on PostgreSQL."""
    return engine.execution_options(exclusive=True)


def take_turns(connection: Connection) -> None:
    """Wait for the other transactions that have called this, and see their results; SQLite's writers always do."""
    if is_shared(connection.engine):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_TURNS_KEY})")


def expired(table: Table, now: datetime) -> Delete:
    """Return the deletion of expired rows; rows that another transaction is deleting are skipped."""
    (key,) = table.primary_key.columns
    old = select(key).where(table.c.expires_at < now).with_for_update(skip_locked=True)
    return delete(table).where(key.in_(old))


def clock(connection: Connection) -> datetime:
    """Return the time of the database's clock, which all machines that share it use."""
    if not is_shared(connection.engine):
        return datetime.now(UTC)
    moment: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return moment.astimezone(UTC)


def _reads(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("reads", False))
