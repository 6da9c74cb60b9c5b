"""The audit trail: what was changed, added or taken out shows; what retention took does not."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import IntegrityError

from holdgate.quarantine import database
from holdgate.quarantine.audit import GENESIS, link, note_digest
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Actor, Store, migrate, open_store

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
def visitor(url: str) -> Iterator[Engine]:
    """Whoever writes into the database past the store."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg") if "postgresql" in url else url)
    yield engine
    engine.dispose()


@pytest.fixture
def meddler(visitor: Engine, trail: Store) -> Engine:
    """A visitor who knows how to get the triggers out of his way."""
    where = "" if visitor.dialect.name == "sqlite" else " ON events"
    with visitor.begin() as connection:
        connection.execute(text(f"DROP TRIGGER events_stay{where}"))
        connection.execute(text(f"DROP TRIGGER events_stand{where}"))
    return visitor


def test_an_untouched_trail_verifies(trail: Store) -> None:
    found = trail.audit.verify()
    assert (found.count, found.problem) == (9, "")
    assert trail.audit.head() == (found.head, 9)
    assert trail.audit.verify(found.head).problem == ""
    assert "not in the chain" in trail.audit.verify("0" * 63 + "1").problem


def test_the_database_refuses_to_change_and_delete(trail: Store, visitor: Engine) -> None:
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
        "INSERT INTO events SELECT 10, incident_id, at, event, who, how, note, origin, salt, note_digest, hash "
        "FROM events WHERE number = 9",
    ],
)
def test_meddling_shows(trail: Store, meddler: Engine, statement: str) -> None:
    with meddler.begin() as connection:
        connection.execute(text(statement))
    assert trail.audit.verify().problem


def test_who_computes_the_whole_chain_anew_is_caught_by_a_head_kept_elsewhere(trail: Store, meddler: Engine) -> None:
    head, count = trail.audit.head()
    with meddler.begin() as connection:
        connection.execute(text("UPDATE events SET who = 'bob@corp.example'"))
        previous = GENESIS
        for row in connection.execute(text("SELECT * FROM events ORDER BY number")).all():
            at = datetime.fromisoformat(str(row.at)).replace(tzinfo=UTC)
            previous = link(previous, at, dict(row._mapping))
            connection.execute(
                text("UPDATE events SET hash = :hash WHERE number = :number"), {"hash": previous, "number": row.number}
            )
        connection.execute(text("UPDATE chain SET hash = :hash"), {"hash": previous})
    assert trail.audit.verify().problem == ""
    assert trail.audit.verify(head).problem
    assert count == 9


def test_erasing_leaves_the_chain_whole(trail: Store) -> None:
    head, _ = trail.audit.head()
    trail.erase(trail.incidents()[0], ACTOR)
    found = trail.audit.verify(head)
    assert (found.count, found.problem) == (10, "")
    assert sum("a reason" in str(event) for event in trail.audit.export()) == 2


def test_an_export_lets_others_compute_the_chain(trail: Store) -> None:
    previous = GENESIS
    for event in trail.audit.export():
        assert note_digest(event["salt"], event["note"]) == event["note_digest"]
        previous = link(previous, datetime.fromisoformat(event["at"]), event)
        assert previous == event["hash"]
    assert previous == trail.audit.head()[0]


@given(st.text(), st.text(), st.text(), st.text())
def test_salt_and_note_do_not_run_into_each_other(salt: str, note: str, other: str, rest: str) -> None:
    hexadecimal = salt.encode(errors="replace").hex()
    if (hexadecimal, note) != (other.encode(errors="replace").hex(), rest):
        assert note_digest(hexadecimal, note) != note_digest(other.encode(errors="replace").hex(), rest)


def test_events_of_an_older_version_are_linked(url: str, visitor: Engine) -> None:
    database.migrate(url, "0001")
    with visitor.begin() as connection:
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
    assert (store.audit.verify().count, store.audit.verify().problem) == (2, "")
    (older,) = store.unasked()
    assert (older.subject, older.level, older.revision) == ("older", 0, 0)
    store.change(older, State.REJECTED, ACTOR)
    assert store.audit.verify().problem == ""
    store.close()
