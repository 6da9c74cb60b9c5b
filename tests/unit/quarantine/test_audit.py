"""The audit trail: changes, additions and removals are detected; erasure by retention is valid."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import IntegrityError

from holdgate.quarantine import database, structure
from holdgate.quarantine.anchor import Anchor
from holdgate.quarantine.audit import GENESIS, link, note_digest
from holdgate.quarantine.incident import Answer, Ask, Incident, NewNotice
from holdgate.quarantine.schema import UtcDateTime, incidents, notices, requests
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Actor, Store, migrate, open_store
from holdgate.quarantine.verification import Head, verify
from tests.support.tampering import Tamperer, relink, visiting

ACTOR = Actor("anna@corp.example", "page", "192.0.2.1")


@pytest.fixture
def trail(store: Store) -> Store:
    for number in range(3):
        held = replace(Incident(queue_id=f"4{number}", sender="a@x", recipients=["b@y"], policy="p"), state=State.HELD)
        store.record(held, ACTOR, note="recorded by hand")
        closed = store.change(held, State.REJECTED, ACTOR, note="a reason")
        store.change(closed, State.RETURNED, ACTOR, closed_at=datetime.now(UTC))
    return store


@pytest.fixture
def moderated(trail: Store) -> Store:
    """The same with people who were asked, an answer, and mail that was sent, put off and dropped."""
    now = datetime.now(UTC)
    held = replace(Incident(queue_id="4a", sender="a@x", recipients=["b@y"], policy="p"), state=State.HELD)
    trail.record(held, ACTOR, outbox=[NewNotice("held", "a@x")])
    asks = [Ask("boss@corp.example", "moderator"), Ask("second@corp.example", "moderator")]
    held = trail.amend(held, "asked", ACTOR, asks=asks, asked_at=now, deadline_at=now)
    first, _ = trail.requests.of(held.id)
    trail.requests.opened(first, ACTOR)
    sent, put_off, dropped = trail.outbox.due(datetime.now(UTC))
    trail.outbox.sent(sent, ACTOR)
    trail.outbox.failed(put_off, ACTOR, now)
    trail.outbox.drop(dropped, ACTOR)
    trail.change(held, State.APPROVED, ACTOR, answers={first.number: Answer.APPROVE}, decided_by="boss@corp.example")
    trail.outbox.enqueue(held.id, NewNotice("answer", "a@x"), ACTOR)
    trail.add_event(held.id, "revealed", ACTOR, "why not")
    assert trail.audit.verify().problem == ""
    return trail


@pytest.fixture
def visitor(store_url: str) -> Iterator[Engine]:
    """A person who writes directly into the store's database."""
    with visiting(store_url) as engine:
        yield engine


@pytest.fixture
def tamperer(visitor: Engine, trail: Store) -> Tamperer:
    return Tamperer(visitor)


def test_an_untouched_trail_verifies(trail: Store) -> None:
    found = trail.audit.verify()
    assert (found.count, found.problem) == (9, "")
    assert trail.audit.heads() == {"": found.head}
    assert found.chains == {"": Head(9, found.head)}
    assert trail.audit.verify(found.head).problem == ""
    assert "not in the chain" in trail.audit.verify("0" * 63 + "1").problem


def test_the_database_refuses_to_change_or_delete_events(trail: Store, visitor: Engine) -> None:
    statements = ["DELETE FROM events", "UPDATE events SET who = 'x'", "UPDATE events SET hash = ''"]
    if visitor.dialect.name == "postgresql":
        statements.append("TRUNCATE events")
    for statement in statements:
        with pytest.raises(IntegrityError, match="events are only added"), visitor.begin() as connection:
            connection.execute(text(statement))
    assert trail.audit.verify().problem == ""


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET who = 'bob@corp.example' WHERE number = 4",
        "UPDATE events SET event = 'approved' WHERE number = 5",
        "UPDATE events SET at = '2020-01-01 00:00:00.000000' WHERE number = 1",
        "UPDATE events SET origin = '' WHERE number = 9",
        "UPDATE events SET note = 'another reason' WHERE number = 5",
        "UPDATE events SET note = '', salt = '' WHERE number = 5",
        "UPDATE events SET incident_id = (SELECT MAX(id) FROM incidents) WHERE number = "
        "(SELECT MIN(number) FROM events WHERE incident_id <> (SELECT MAX(id) FROM incidents))",
        "DELETE FROM events WHERE number = 1",
        "DELETE FROM events WHERE number = 5",
        "DELETE FROM events WHERE number = 9",
        "INSERT INTO events SELECT 10, incident_id, at, event, who, how, note, origin, salt, note_digest, hash, "
        "rows_digest, chain, seen FROM events WHERE number = 9",
        "UPDATE events SET number = number + 100 WHERE number > 5",
        "UPDATE events SET rows_digest = '' WHERE number = 9",
        "UPDATE chains SET count = 8",
        "INSERT INTO chains (name, number, hash, count) SELECT 'more', number, hash, count FROM chains",
        "DELETE FROM chains",
        "UPDATE chains SET name = 'other'",
        "UPDATE events SET chain = 'other' WHERE number = 9",
        "UPDATE events SET seen = '[]' WHERE number = 9",
    ],
)
def test_changed_events_fail_verification(trail: Store, tamperer: Tamperer, statement: str) -> None:
    with tamperer.begin() as connection:
        connection.execute(text(statement))
    assert trail.audit.verify().problem


# Another value for a column, by its type.
OTHER = {
    "BOOLEAN": "TRUE",
    "DATETIME": "'2020-01-01 00:00:00.000000'",
    "JSON": "'[1]'",
    "INTEGER": "77",
    "BIGINT": "77",
}


def test_a_change_of_any_bound_column_fails_verification(moderated: Store, tamperer: Tamperer) -> None:
    unseen = []
    for table in (incidents, requests, notices):
        (key,) = table.primary_key.columns
        for column in table.columns:
            name = "DATETIME" if isinstance(column.type, UtcDateTime) else str(column.type).partition("(")[0]
            value = OTHER.get(name, "'other'")
            with tamperer.engine.connect() as connection:
                tamperer.unbind(connection)
                last = f"(SELECT MAX({key.name}) FROM {table.name})"
                connection.execute(text(f"UPDATE {table.name} SET {column.name} = {value} WHERE {key.name} = {last}"))
                if not verify(connection, []).problem:
                    unseen.append((table.name, column.name))
                connection.rollback()
    assert unseen == []
    assert moderated.audit.verify().problem == ""


@pytest.mark.parametrize(
    "statements",
    [
        ["DELETE FROM notices WHERE number = 1"],
        ["DELETE FROM notices", "DELETE FROM requests"],
        [
            "INSERT INTO requests (incident_id, moderator, level, role, instead_of, asked_at, deadline_at, answer) "
            "SELECT id, 'ceo@corp.example', 0, 'moderator', '', created_at, created_at, 'approve' FROM incidents"
        ],
        [
            "UPDATE requests SET number = 99 WHERE number = 2",
            "UPDATE requests SET number = 2 WHERE number = 3",
            "UPDATE requests SET number = 3 WHERE number = 99",
        ],
        ["UPDATE requests SET answer = ''"],
        ["DELETE FROM notices", "DELETE FROM requests", "DELETE FROM events", "DELETE FROM incidents"],
        ["UPDATE incidents SET erased_at = created_at", "UPDATE events SET note = '', salt = ''"],
    ],
)
def test_changed_rows_fail_verification(moderated: Store, tamperer: Tamperer, statements: list[str]) -> None:
    with tamperer.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    assert moderated.audit.verify().problem


def test_a_recomputed_chain_does_not_match_the_rows(moderated: Store, tamperer: Tamperer) -> None:
    with tamperer.begin() as connection:
        connection.execute(text("UPDATE incidents SET decided_by = 'bob@corp.example'"))
        relink(connection, rebind=False)
    assert "were changed after event" in moderated.audit.verify().problem


def test_a_completely_recomputed_trail_does_not_match_a_head_kept_elsewhere(
    moderated: Store, tamperer: Tamperer
) -> None:
    head = moderated.audit.heads()[""]
    with tamperer.begin() as connection:
        connection.execute(text("UPDATE incidents SET decided_by = 'bob@corp.example'"))
        relink(connection, rebind=True)
    assert moderated.audit.verify().problem == ""
    assert moderated.audit.verify(head).problem
    assert "the head of yesterday" in moderated.audit.verify(anchors=[Anchor(head, "the head of yesterday")]).problem


def test_a_removed_tail_does_not_match_a_head_kept_elsewhere(trail: Store, tamperer: Tamperer) -> None:
    known = trail.audit.newest()[""]
    assert trail.audit.missing([known]) == []
    with tamperer.begin() as connection:
        last = connection.execute(text("SELECT incident_id FROM events WHERE number = 9")).scalar()
        for table, column in (("events", "incident_id"), ("incidents", "id")):
            connection.execute(text(f"DELETE FROM {table} WHERE {column} = :last"), {"last": last})
        relink(connection, rebind=True)
    assert trail.audit.verify().problem == ""
    assert trail.audit.verify(known.hash).problem
    assert trail.audit.missing([known]) == [known]


SQLITE_CHANGES = [
    "DROP TRIGGER events_stay",
    "CREATE TRIGGER more AFTER UPDATE ON requests BEGIN UPDATE requests SET level = 0; END",
    "CREATE VIEW more AS SELECT 1",
    "ALTER TABLE incidents ADD COLUMN more TEXT",
    "ALTER TABLE requests DROP COLUMN opened_at",
    "DROP INDEX events_incident_id",
    "DROP TABLE notices",
    "ALTER TABLE requests ADD COLUMN more VARCHAR(16) GENERATED ALWAYS AS ('approve') VIRTUAL",
    "CREATE UNIQUE INDEX more ON requests (number)",
]
POSTGRESQL_CHANGES = [
    "DROP TRIGGER events_stay ON events",
    "ALTER TABLE events DISABLE TRIGGER events_stand",
    "CREATE OR REPLACE FUNCTION events_are_only_added() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RETURN NEW; END $$",
    "CREATE RULE more AS ON UPDATE TO requests DO INSTEAD NOTHING",
    "ALTER TABLE requests ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE incidents ADD CHECK (state <> 'rejected') NOT VALID",
    "ALTER TABLE incidents ALTER subject DROP NOT NULL",
    "DROP TABLE notices",
    "ALTER TABLE requests ALTER answer SET DEFAULT 'approve'",
    "ALTER TABLE incidents ALTER state SET DEFAULT 'approved'",
    "DROP INDEX requests_moderator; CREATE INDEX requests_moderator ON requests (moderator, answer) WHERE number > 9",
    "ALTER TABLE notices DROP CONSTRAINT notices_request, ADD CONSTRAINT notices_request FOREIGN KEY (request) "
    "REFERENCES requests (number) ON DELETE CASCADE",
    'ALTER TABLE requests ALTER moderator TYPE VARCHAR(320) COLLATE "C"',
]


@pytest.mark.parametrize("number", range(13))
def test_a_database_with_a_changed_structure_fails_verification(moderated: Store, visitor: Engine, number: int) -> None:
    changes = SQLITE_CHANGES if visitor.dialect.name == "sqlite" else POSTGRESQL_CHANGES
    statement = changes[number % len(changes)]
    with visitor.begin() as connection:
        connection.execute(text(statement))
    assert moderated.audit.verify().problem


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("answer VARCHAR(16)", "answer VARCHAR(16) DEFAULT 'approve'"),
        ("answer VARCHAR(16)", "answer VARCHAR(16) GENERATED ALWAYS AS ('approve') VIRTUAL"),
        ("answer VARCHAR(16)", "answer VARCHAR(16) CHECK (answer <> 'reject')"),
        ("moderator VARCHAR(320)", "moderator VARCHAR(320) COLLATE NOCASE"),
        ("moderator VARCHAR(320) NOT NULL", "moderator VARCHAR(320) NOT NULL ON CONFLICT IGNORE"),
        ("REFERENCES incidents (id)", "REFERENCES incidents (id) ON DELETE CASCADE"),
        ("answer)", "answer DESC)"),
        ("answer)", "answer) WHERE number > 9"),
    ],
)
def test_changes_of_the_sqlite_schema_table_fail_verification(
    tmp_path: Path, empty_store: Path, old: str, new: str
) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    shutil.copy(empty_store, tmp_path / "store.db")
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        statement = "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE tbl_name = 'requests'"
        connection.execute(statement, (old, new))
        connection.execute("PRAGMA writable_schema = RESET")
    store = open_store(url)
    assert store.audit.verify().problem
    store.close()


@pytest.mark.parametrize(
    ("default", "nullable", "key", "is_neutral"),
    [
        (None, True, False, True),
        ("''::character varying", False, False, True),
        ("'0'", False, False, True),
        ("0", False, False, True),
        ("'approve'::character varying", False, False, False),
        ("''::character varying", True, False, False),
        ("1", False, False, False),
        ("nextval('requests_number_seq'::regclass)", False, True, True),
        ("nextval('requests_number_seq'::regclass) - 1", False, True, False),
        ("now()", False, False, False),
    ],
)
def test_a_column_default_must_be_neutral(default: str | None, nullable: bool, key: bool, is_neutral: bool) -> None:
    assert structure._is_neutral(default, nullable=nullable, key=key) is is_neutral


@pytest.mark.parametrize("statement", ["UPDATE incidents SET created_at = 'x'", "UPDATE incidents SET findings = '{'"])
def test_unreadable_rows_are_reported_as_a_problem(tmp_path: Path, empty_store: Path, statement: str) -> None:
    url = f"sqlite:///{tmp_path}/store.db"  # PostgreSQL takes no such values
    shutil.copy(empty_store, tmp_path / "store.db")
    store = open_store(url)
    store.record(Incident(queue_id="4a", sender="a@x", recipients=["b@y"], policy="p"), ACTOR)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    assert "cannot be read" in store.audit.verify().problem
    engine.dispose()
    store.close()


def test_erasing_content_keeps_the_chain_valid(trail: Store) -> None:
    head = trail.audit.heads()[""]
    trail.erase(trail.incidents()[0], ACTOR)
    found = trail.audit.verify(head)
    assert (found.count, found.problem) == (10, "")
    assert sum("a reason" in str(event) for event in trail.audit.export()) == 2


def test_the_chain_can_be_computed_from_an_export(trail: Store) -> None:
    previous = GENESIS
    for event in trail.audit.export():
        assert note_digest(event["salt"], event["note"]) == event["note_digest"]
        previous = link(previous, datetime.fromisoformat(event["at"]), event)
        assert previous == event["hash"]
    assert previous == trail.audit.heads()[""]


@given(st.text(), st.text(), st.text(), st.text())
def test_the_salt_and_the_note_of_a_digest_are_separated(salt: str, note: str, other: str, rest: str) -> None:
    hexadecimal = salt.encode(errors="replace").hex()
    if (hexadecimal, note) != (other.encode(errors="replace").hex(), rest):
        assert note_digest(hexadecimal, note) != note_digest(other.encode(errors="replace").hex(), rest)


def test_events_of_an_older_version_are_linked(url: str) -> None:
    database.migrate(url, "0001")
    with visiting(url) as visitor, visitor.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO incidents (id, state, queue_id, created_at, deadline_at, sender, recipients, auth_user,"
                " client_address, header_from, subject, message_id, size, policy, status, reason, profiles, findings,"
                " action, signals, attachments, encrypted)"
                " VALUES ('AAAA-AAAA-AAAA', 'held', '4a', '2026-01-01 00:00:00.000000', '2026-01-03 00:00:00.000000',"
                " 'a@x', '[\"b@y\"]', '', '', '', 'older', '', 1, 'p', 'complete', '', '{}', '[]',"
                " 'quarantine', '[]', '[]', FALSE)"
            )
        )
        for event in ("recorded", "held"):
            connection.execute(
                text(
                    "INSERT INTO events (incident_id, at, event, who, how, note) VALUES"
                    " ('AAAA-AAAA-AAAA', '2026-01-01 00:00:00.123456', :event, 'm', 'milter', 'note ä')"
                ),
                {"event": event},
            )
    migrate(url)
    store = open_store(url)
    assert (store.audit.verify().count, store.audit.verify().problem) == (3, "")
    assert [event.event for event in store.history("AAAA-AAAA-AAAA")] == ["recorded", "held", "bound"]
    (older,) = store.agenda.awaiting_request()
    assert (older.subject, older.level, older.revision) == ("older", 0, 0)
    store.change(older, State.REJECTED, ACTOR)
    assert store.audit.verify().problem == ""
    store.close()
