import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from holdgate.quarantine.incident import Incident, Owed, new_incident_id
from holdgate.quarantine.schema import metadata
from holdgate.quarantine.states import OPEN, TRANSITIONS, State, may_become
from holdgate.quarantine.store import Actor, ConflictError, Store, StoreError, migrate, open_store

ACTOR = Actor("anna@corp.example", "test")


def incident(**values: object) -> Incident:
    given = {"queue_id": "4abcDEF", "sender": "a@corp.example", "recipients": ["b@partner.example"], "policy": "p"}
    return Incident(**(given | values))  # type: ignore[arg-type]


def test_what_is_recorded_is_read_back(store: Store) -> None:
    whole = incident(
        subject="größer", findings=[{"identifier": "iban"}], profiles={"dlp-pii": "low"}, size=7, status="limited"
    )
    store.record(whole, ACTOR)
    assert store.incident(whole.id) == whole
    assert store.find(whole.id.lower()) == [whole]
    assert store.find("4abcDEF") == [whole]
    assert store.find("nothing") == []
    assert [(e.event, e.who, e.how) for e in store.history(whole.id)] == [("recorded", "anna@corp.example", "test")]


def test_a_change_writes_state_event_and_notice_together(store: Store) -> None:
    held = replace(incident(), state=State.HELD)
    store.record(held, ACTOR)
    changed = store.change(
        held, State.REJECTED, ACTOR, note="no", owed=[Owed("rejected", "a@corp.example")], comment="no"
    )
    assert (changed.state, changed.comment) == (State.REJECTED, "no")
    assert store.owes_notices(held.id)
    (notice,) = store.notices_due(datetime.now(UTC))
    assert (notice.kind, notice.recipient, notice.attempts) == ("rejected", "a@corp.example", 0)
    store.notice_failed(notice, datetime.now(UTC) + timedelta(hours=1))
    assert store.notices_due(datetime.now(UTC)) == []
    assert store.owes_notices(held.id)
    store.notice_sent(notice, ACTOR)
    assert not store.owes_notices(held.id)
    assert [event.event for event in store.history(held.id)] == ["recorded", "rejected", "notice sent"]


def test_of_two_deciders_one_wins(store: Store) -> None:
    held = replace(incident(), state=State.HELD)
    store.record(held, ACTOR)
    store.change(held, State.APPROVED, ACTOR)
    with pytest.raises(ConflictError) as caught:
        store.change(held, State.REJECTED, ACTOR, owed=[Owed("rejected", "a@corp.example")])
    assert caught.value.incident.state is State.APPROVED
    assert not store.owes_notices(held.id)
    assert [event.event for event in store.history(held.id)] == ["recorded", "approved"]


def test_many_deciders_at_once_leave_one_outcome(store: Store) -> None:
    held = replace(incident(), state=State.HELD)
    store.record(held, ACTOR)
    won: list[State] = []
    start = threading.Barrier(8)

    def decide(state: State) -> None:
        start.wait()
        try:
            store.change(held, state, ACTOR)
            won.append(state)
        except ConflictError:
            pass

    threads = [
        threading.Thread(target=decide, args=(state,))
        for state in (State.APPROVED, State.REJECTED, State.EXPIRED, State.VANISHED) * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.find(held.id)[0].state is won[0]
    assert len(store.history(held.id)) == 2


@pytest.mark.parametrize("old", State)
@pytest.mark.parametrize("new", State)
def test_only_the_ways_of_the_table_are_open(store: Store, old: State, new: State) -> None:
    standing = replace(incident(), state=old)
    store.record(standing, ACTOR)
    if may_become(old, new):
        assert store.change(standing, new, ACTOR).state is new
    else:
        with pytest.raises(ValueError, match="no way"):
            store.change(standing, new, ACTOR)


def test_every_open_state_can_end_and_no_way_leads_back_to_held_but_from_vanished() -> None:
    assert {state for state in State if State.VANISHED in TRANSITIONS[state]} == OPEN
    assert {state for state in State if State.HELD in TRANSITIONS[state]} == {State.PENDING, State.VANISHED}
    assert TRANSITIONS[State.RELEASED] == TRANSITIONS[State.RETURNED] == frozenset()


def test_overdue_are_held_ones_only(store: Store) -> None:
    now = datetime.now(UTC)
    due = replace(incident(), state=State.HELD, deadline_at=now - timedelta(seconds=1))
    later = replace(incident(), state=State.HELD, deadline_at=now + timedelta(seconds=60))
    decided = replace(incident(), state=State.APPROVED, deadline_at=now - timedelta(seconds=1))
    for one in (due, later, decided):
        store.record(one, ACTOR)
    assert [one.id for one in store.overdue(now)] == [due.id]
    assert store.count() == {State.HELD: 2, State.APPROVED: 1}
    assert [one.id for one in store.incidents([State.HELD], limit=1)] == [later.id]


def test_times_keep_their_zone(store: Store) -> None:
    zone = datetime(2026, 1, 1, 12, tzinfo=UTC).astimezone()
    one = incident(created_at=zone)
    store.record(one, ACTOR)
    read = store.incident(one.id)
    assert read is not None
    assert read.created_at == zone
    with pytest.raises(StoreError, match="ValueError"):
        store.record(incident(created_at=datetime(2026, 1, 1)), ACTOR)


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/holdgate.db"
    with pytest.raises(StoreError, match="not there yet"):
        open_store(url)
    migrate(url)
    migrate(url)
    with create_engine(url).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"9999.*holdgate migrate"):
        open_store(url)
    with pytest.raises(StoreError, match="newer than this version"):
        migrate(url)


def test_a_store_that_cannot_be_reached_is_said_without_its_password() -> None:
    with pytest.raises(StoreError, match="unable to open"):
        migrate("sqlite:////nonexistent/holdgate.db")


def test_the_migrations_build_what_the_schema_says(tmp_path: Path) -> None:
    migrated, declared = f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/b.db"
    migrate(migrated)
    metadata.create_all(create_engine(declared))
    one, other = inspect(create_engine(migrated)), inspect(create_engine(declared))
    for table in metadata.tables:
        # In any order: a step adds its columns at the end.
        shape = [
            sorted((c["name"], str(c["type"]), c["nullable"], c["primary_key"]) for c in place.get_columns(table))
            for place in (one, other)
        ]
        assert shape[0] == shape[1]
        assert one.get_indexes(table) == other.get_indexes(table)
        keys = [
            {(k["referred_table"], *k["constrained_columns"]) for k in p.get_foreign_keys(table)} for p in (one, other)
        ]
        assert keys[0] == keys[1]


def test_incident_ids_can_be_read_out_on_the_telephone() -> None:
    ids = {new_incident_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(one) == 14 and not set(one) & set("ILOU") for one in ids)
