"""The store: the only module that speaks SQL. Every change of an incident's state goes through `change`.

A state changes by compare-and-swap inside one transaction with its event and the notices it owes, so that of two
deciders one wins and the other is told, and a crash leaves either all of it or nothing.
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Connection,
    Engine,
    Row,
    create_engine,
    delete,
    event,
    func,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from holdgate import maillog
from holdgate.quarantine.incident import Event, Incident, Notice
from holdgate.quarantine.schema import events, incidents, notices, used_seals
from holdgate.quarantine.states import State, may_become

# How long a writer waits for another one, in seconds. A milter callback must answer well within Postfix's 300 s.
BUSY_TIMEOUT = 10


class StoreError(Exception):
    """The store cannot be used: it is missing, not writable, busy, or of another version."""


class ConflictError(Exception):
    """An incident is no longer in a state from which the wanted change is possible; `incident` is how it stands."""

    def __init__(self, incident: Incident) -> None:
        super().__init__(f"incident {incident.id} is {incident.state}")
        self.incident = incident


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something and by which way: a person's name or address, or one of our own daemons."""

    who: str
    how: str


def open_store(url: str) -> "Store":
    """Connect to an existing store. Raises StoreError where its schema is not this version's."""
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
    return Store(engine)


def migrate(url: str) -> None:
    """Bring the schema up to this version, step by step, creating the database if needed. Raises StoreError."""
    config = _alembic(url)
    try:
        with _engine(url).begin() as connection:
            config.attributes["connection"] = connection
            found = MigrationContext.configure(connection).get_current_revision()
            known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
            if found is not None and found not in known:
                raise StoreError(f"{_shown(url)}: its schema {found} is newer than this version of Holdgate")
            command.upgrade(config, "head")
    except SQLAlchemyError as error:
        raise StoreError(f"{_shown(url)}: {error.__cause__ or error}") from error


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


class Store:
    """Incidents, their events and the notices we owe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(reads=True)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # -- incidents ------------------------------------------------------------------------------------------------

    def record(
        self,
        incident: Incident,
        actor: Actor,
        event: str = "recorded",
        note: str = "",
        owed: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Write a new incident, and the notices it makes us owe as pairs of kind and recipient.

        Raises StoreError when it could not be written for good.
        """
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(incidents).values(**asdict(incident)))
                _add_event(connection, incident.id, incident.created_at, event, actor, note)
                _owe(connection, incident.id, incident.created_at, owed)
        except SQLAlchemyError as error:
            raise StoreError(type(error.__cause__ or error).__name__) from error

    def incident(self, incident_id: str) -> Incident | None:
        """Return one incident, or None."""
        with self._reader.connect() as connection:
            row = connection.execute(select(incidents).where(incidents.c.id == incident_id)).one_or_none()
        return None if row is None else _incident(row)

    def find(self, name: str) -> list[Incident]:
        """Return the incidents that a person calls `name`: an incident id in any case, or a queue id."""
        wanted = (incidents.c.id == name.upper()) | (incidents.c.queue_id == name)
        with self._reader.connect() as connection:
            rows = connection.execute(select(incidents).where(wanted).order_by(incidents.c.created_at)).all()
        return [_incident(row) for row in rows]

    def incidents(self, states: Collection[State] | None = None, limit: int | None = None) -> list[Incident]:
        """Return incidents in `states` (None: all), oldest first; with `limit`, the newest so many."""
        query = select(incidents)
        if states is not None:
            query = query.where(incidents.c.state.in_(sorted(states)))
        query = query.order_by(incidents.c.created_at.desc(), incidents.c.id).limit(limit)
        with self._reader.connect() as connection:
            rows = connection.execute(query).all()
        return [_incident(row) for row in reversed(rows)]

    def count(self) -> dict[State, int]:
        """Return how many incidents stand in each state."""
        query = select(incidents.c.state, func.count()).group_by(incidents.c.state)
        with self._reader.connect() as connection:
            return {State(state): number for state, number in connection.execute(query)}

    def overdue(self, now: datetime) -> list[Incident]:
        """Return the held incidents whose deadline has passed."""
        wanted = (incidents.c.state == State.HELD) & (incidents.c.deadline_at <= now)
        with self._reader.connect() as connection:
            return [_incident(row) for row in connection.execute(select(incidents).where(wanted))]

    def change(
        self,
        incident: Incident,
        new: State,
        actor: Actor,
        *,
        note: str = "",
        owed: Iterable[tuple[str, str]] = (),
        **values: Any,
    ) -> Incident:
        """Bring `incident` from the state it is known in to `new`, and set further columns by `values`.

        `owed` are the notices this makes us owe, as pairs of kind and recipient. Raises ConflictError when somebody
        else changed it first, and ValueError for a way that the table of states does not have.
        """
        if not may_become(incident.state, new):
            raise ValueError(f"no way from {incident.state} to {new}")
        now = datetime.now(UTC)
        same = (incidents.c.id == incident.id) & (incidents.c.state == incident.state)
        with self._engine.begin() as connection:
            changed = connection.execute(update(incidents).where(same).values(state=new, **values))
            row = connection.execute(select(incidents).where(incidents.c.id == incident.id)).one()
            if changed.rowcount != 1:
                raise ConflictError(_incident(row))
            _add_event(connection, incident.id, now, new, actor, note)
            _owe(connection, incident.id, now, owed)
        maillog.incident_changed(
            incident.queue_id, incident=incident.id, old=incident.state, new=new, who=actor.who, how=actor.how
        )
        return _incident(row)

    # -- seals ----------------------------------------------------------------------------------------------------

    def use_seals(self, digests: Collection[str], expires_at: datetime) -> bool:
        """Note that these were used; False, and nothing is noted, when one of them was before. Raises StoreError."""
        try:
            with self._engine.begin() as connection:
                connection.execute(delete(used_seals).where(used_seals.c.expires_at < datetime.now(UTC)))
                connection.execute(
                    insert(used_seals), [{"digest": digest, "expires_at": expires_at} for digest in sorted(digests)]
                )
        except IntegrityError:
            return False
        except SQLAlchemyError as error:
            raise StoreError(type(error.__cause__ or error).__name__) from error
        return True

    # -- events ---------------------------------------------------------------------------------------------------

    def add_event(self, incident_id: str, event: str, actor: Actor, note: str = "") -> None:
        """Write a line of history that changes no state."""
        with self._engine.begin() as connection:
            _add_event(connection, incident_id, datetime.now(UTC), event, actor, note)

    def history(self, incident_id: str) -> list[Event]:
        """Return what happened to an incident, oldest first."""
        query = select(events).where(events.c.incident_id == incident_id).order_by(events.c.number)
        with self._reader.connect() as connection:
            rows = connection.execute(query).all()
        return [Event(row.at, row.event, row.who, row.how, row.note) for row in rows]

    # -- notices --------------------------------------------------------------------------------------------------

    def notices_due(self, now: datetime) -> list[Notice]:
        """Return the notices that are not sent yet and whose next attempt has come, oldest first."""
        wanted = notices.c.sent_at.is_(None) & (notices.c.next_attempt_at <= now)
        with self._reader.connect() as connection:
            rows = connection.execute(select(notices).where(wanted).order_by(notices.c.number)).all()
        return [Notice(row.number, row.incident_id, row.kind, row.recipient, row.attempts) for row in rows]

    def owes_notices(self, incident_id: str) -> bool:
        """Say whether a notice about the incident still has to be sent."""
        wanted = (notices.c.incident_id == incident_id) & notices.c.sent_at.is_(None)
        with self._reader.connect() as connection:
            return connection.execute(select(notices.c.number).where(wanted).limit(1)).first() is not None

    def notice_sent(self, notice: Notice, actor: Actor) -> None:
        """Record that Postfix took a notice."""
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            connection.execute(update(notices).where(notices.c.number == notice.number).values(sent_at=now))
            _add_event(
                connection, notice.incident_id, now, "notice sent", actor, f"{notice.kind} to {notice.recipient}"
            )

    def notice_failed(self, notice: Notice, next_attempt_at: datetime) -> None:
        """Record that Postfix did not take a notice, and when it is tried again."""
        same = notices.c.number == notice.number
        with self._engine.begin() as connection:
            connection.execute(
                update(notices).where(same).values(attempts=notice.attempts + 1, next_attempt_at=next_attempt_at)
            )


def _add_event(connection: Connection, incident_id: str, at: datetime, event: str, actor: Actor, note: str) -> None:
    connection.execute(
        insert(events).values(incident_id=incident_id, at=at, event=event, who=actor.who, how=actor.how, note=note)
    )


def _owe(connection: Connection, incident_id: str, now: datetime, owed: Iterable[tuple[str, str]]) -> None:
    for kind, recipient in owed:
        connection.execute(
            insert(notices).values(
                incident_id=incident_id, kind=kind, recipient=recipient, queued_at=now, next_attempt_at=now
            )
        )


def _incident(row: Row[Any]) -> Incident:
    values = dict(row._mapping)
    return Incident(**{**values, "state": State(values["state"])})
