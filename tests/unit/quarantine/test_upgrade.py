"""The store of every earlier version is migrated to this one with all its content."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Boolean, Column, DateTime, Integer, MetaData

from holdgate.quarantine import database
from holdgate.quarantine.states import State
from holdgate.quarantine.store import migrate, open_store

MIGRATIONS = Path(database.__file__).with_name("migrations")
ID = "7Q3K-91XM-2PZD"


def revisions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return [script.revision for script in reversed(list(ScriptDirectory.from_config(config).walk_revisions()))]


def fill(url: str) -> None:
    """Write one held incident with its history into the tables of that version."""
    engine = database._engine(url)
    tables = MetaData()
    tables.reflect(engine)
    known: dict[str, object] = {
        "id": ID,
        "incident_id": ID,
        "state": "held",
        "queue_id": "4gXvQb1Rz2z5",
        "sender": "anna@corp.example",
    }
    known |= {"action": "quarantine", "status": "complete", "recipients": ["bob@partner.example"], "subject": "Grüße"}
    with engine.begin() as connection:
        for name in ("incidents", "events"):
            columns = tables.tables[name].columns
            row = {c.name: known.get(c.name, _some(c)) for c in columns if not c.nullable and c.name != "number"}
            connection.execute(tables.tables[name].insert().values(**row))
    engine.dispose()


def _some(column: Column[Any]) -> object:
    """Return a value that fits a column's type."""
    if isinstance(column.type, DateTime):
        return datetime(2026, 11, 1, 12, 0, tzinfo=UTC).replace(tzinfo=None)
    if isinstance(column.type, JSON):
        return {} if column.name == "profiles" else []
    if isinstance(column.type, Boolean):
        return False
    return 0 if isinstance(column.type, Integer) else ""


REVISIONS = revisions()


# From the first one all migrations are run; the newest can still be changed.
@pytest.mark.parametrize("revision", [REVISIONS[0], *REVISIONS[-3:]])
def test_the_content_of_an_earlier_version_is_kept(url: str, revision: str) -> None:
    is_kept(url, revision)


@pytest.mark.slow(seconds=2)
def test_the_content_of_every_other_version_is_kept(new_url: Callable[[], str]) -> None:
    for revision in REVISIONS[1:-3]:
        is_kept(new_url(), revision)


def is_kept(url: str, revision: str) -> None:
    migrate(url, revision)
    fill(url)
    migrate(url)
    store = open_store(url)
    (incident,) = store.incidents()
    assert (incident.id, incident.state, incident.queue_id) == (ID, State.HELD, "4gXvQb1Rz2z5"), revision
    assert (incident.sender, incident.recipients) == ("anna@corp.example", ["bob@partner.example"]), revision
    assert incident.subject == "Grüße", revision
    assert len([event for event in store.history(ID) if event.event != "bound"]) == 1, revision
    store.close()
