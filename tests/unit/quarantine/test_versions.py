"""A node of an older version next to a newer one, which has migrated the store that both share."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import holdgate
from holdgate.quarantine import versions
from holdgate.quarantine.copying import copy
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, StoreError, migrate, open_store
from testbed.postgres import PostgresServer

pytestmark = pytest.mark.postgresql

ACTOR = Actor("holdgate-queue", "queue")
NEXT = f"{int(versions.head()) + 1:04}"
_STEP = f'''
import sqlalchemy as sa
from alembic import op
revision, down_revision = "{NEXT}", "{versions.head()}"
def upgrade():
    op.add_column("incidents", sa.Column("later", sa.JSON))
    op.add_column("incidents", sa.Column("later_at", sa.DateTime))
'''
_REFUSES = f"    op.execute(\"UPDATE compatibility SET oldest = '{NEXT}'\")\n"
_WORK = """
import sys
from datetime import UTC, datetime
from holdgate.quarantine.incident import Actor
from holdgate.quarantine.store import migrate, open_store
url, step, name = sys.argv[1:]
LATER = {"b": [1, "ü"], "a": None}
if step == "migrate":
    migrate(url)
store = open_store(url, "mx2", role="desk")
if step == "migrate":
    one = store.incident(name)
    store.amend(one, "noted", Actor("holdgate-desk", "desk"), later=LATER, later_at=datetime.now(UTC))
else:
    print(store.audit.verify().problem or "verified", store.incident(name).later, store.incident(name).state)
"""

Newer = Callable[[str, str, str], str]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package whose incidents have two more columns."""
    directory = tmp_path_factory.mktemp("newer")
    package = directory / "holdgate"
    shutil.copytree(Path(holdgate.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    _insert(package / "quarantine/schema.py", '    Column("erased_at", UtcDateTime),\n', _COLUMNS)
    _insert(package / "quarantine/incident.py", "    change: dict[str, Any] | None = None\n", _FIELDS)
    return directory


@pytest.fixture
def newer(directory: Path) -> Newer:
    """Work of the newer version."""

    def run(url: str, step: str, name: str) -> str:
        environment = os.environ | {"PYTHONPATH": str(directory)}
        command = [sys.executable, "-c", _WORK, url, step, name]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


_COLUMNS = '    Column("later", JSON(none_as_null=True)),\n    Column("later_at", UtcDateTime),\n'
_FIELDS = "    later: Any = None\n    later_at: datetime | None = None\n"


def _insert(path: Path, after: str, new: str) -> None:
    content = path.read_text(encoding="utf-8")
    assert content.count(after) == 1
    path.write_text(content.replace(after, after + new), encoding="utf-8")


def write_step(directory: Path, content: str) -> None:
    """Write the migration of the newer version."""
    path = directory / f"holdgate/quarantine/migrations/versions/{NEXT}_later.py"
    path.write_text(content, encoding="utf-8")


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    made = postgres.new_database()
    migrate(made)
    return made


def held(store: Store) -> Incident:
    one = Incident("4id", "a@corp.example", ["b@partner.example"], "p", state=State.HELD)
    store.record(one, ACTOR)
    return one


def test_an_older_node_continues_after_a_migration_that_only_adds(newer: Newer, directory: Path, url: str) -> None:
    write_step(directory, _STEP)
    running = open_store(url, "mx1", role="queue")
    one = held(running)
    newer(url, "migrate", one.id)
    started = open_store(url, "mx1", role="milter")
    for store, state in ((running, State.APPROVED), (started, State.RELEASED)):
        current = store.incident(one.id)
        assert current is not None
        store.change(current, state, ACTOR)
        held(store)
    # Data that the newer version wrote is kept, and the trail of both verifies with the newer one, and only with it.
    assert newer(url, "verify", one.id) == "verified {'b': [1, 'ü'], 'a': None} released"
    assert "verify with the newer one" in started.audit.verify().problem
    with pytest.raises(StoreError, match="newer than this version"):
        next(copy(url, "sqlite:///copy.db"))
    for store in (running, started):
        store.close()


def test_an_older_node_writes_nothing_after_any_other_migration(newer: Newer, directory: Path, url: str) -> None:
    write_step(directory, _STEP + _REFUSES)
    running = open_store(url, "mx1", role="queue")
    one = held(running)
    newer(url, "migrate", one.id)
    with pytest.raises(StoreError):
        held(running)  # the milter defers the message
    current = running.incident(one.id)
    assert current is not None
    with pytest.raises(DatabaseError, match="newer version"):
        running.change(current, State.APPROVED, ACTOR)
    with pytest.raises(DatabaseError, match="newer version"):
        running.add_event(one.id, "noted", ACTOR)
    assert running.incidents() == [replace(current)]
    with pytest.raises(StoreError, match="install the newer version"):
        open_store(url, "mx1", role="milter")
    assert newer(url, "verify", one.id) == "verified {'b': [1, 'ü'], 'a': None} held"
    running.close()
