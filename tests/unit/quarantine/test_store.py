import multiprocessing
import os
import pwd
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, make_url

from holdgate.quarantine import agenda, database
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Answer, Ask, Incident, NewNotice, new_incident_id
from holdgate.quarantine.schema import metadata
from holdgate.quarantine.states import OPEN, TRANSITIONS, State, has_transition
from holdgate.quarantine.store import Actor, ConflictError, Store, StoreError, migrate, open_store, settle
from testbed.postgres import PASSWORD, PostgresServer

ACTOR = Actor("anna@corp.example", "test")


def incident(**values: object) -> Incident:
    given: dict[str, Any] = {
        "queue_id": "4abcDEF",
        "sender": "a@corp.example",
        "recipients": ["b@partner.example"],
        "policy": "p",
    }
    return Incident(**(given | values))


def test_a_recorded_incident_is_read_back(store: Store) -> None:
    whole = incident(
        subject="größer", findings=[{"identifier": "iban"}], profiles={"dlp-pii": "low"}, size=7, status="limited"
    )
    store.record(whole, ACTOR)
    assert store.incident(whole.id) == whole
    assert store.find(whole.id.lower()) == [whole]
    assert store.find("4abcDEF") == [whole]
    assert store.find("nothing") == []
    assert [(e.event, e.who, e.how) for e in store.history(whole.id)] == [("recorded", "anna@corp.example", "test")]


def test_the_store_file_is_created_group_writable(tmp_path: Path) -> None:
    path = tmp_path / "holdgate.db"
    previous = os.umask(0o077)
    try:
        migrate(f"sqlite:///{path}")
    finally:
        os.umask(previous)
    store = open_store(f"sqlite:///{path}")
    store.record(incident(), ACTOR)
    # SQLite's other files have the same permissions: each daemon is another user of the group.
    modes = {found.name: stat.S_IMODE(found.stat().st_mode) for found in tmp_path.iterdir()}
    assert modes == {"holdgate.db": 0o660, "holdgate.db-wal": 0o660, "holdgate.db-shm": 0o660}
    store.close()


def test_a_recorded_incident_survives_a_power_cut(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path}/holdgate.db")
    engine = database.connect(f"sqlite:///{tmp_path}/holdgate.db")
    # https://sqlite.org/pragma.html#pragma_synchronous: 2 is FULL; in WAL mode, NORMAL can lose commits.
    for _ in range(2):
        with engine.connect() as connection:
            asked = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
        assert asked == PRAGMAS
        engine.dispose()


def test_only_a_transaction_that_is_synced_later_is_not_synced_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(f"sqlite:///{tmp_path}/holdgate.db")
    store = open_store(f"sqlite:///{tmp_path}/holdgate.db")
    levels = []
    for engine in (store._engine, database.unsynced(store._engine), store._engine):
        with engine.begin() as connection:
            levels.append(connection.exec_driver_sql("PRAGMA synchronous").scalar())
    assert levels == [2, 1, 2]
    synced: list[Path] = []
    monkeypatch.setattr(os, "fdatasync", lambda number: synced.append(Path(f"/proc/self/fd/{number}").readlink()))
    one = incident()
    store.record(one, ACTOR, is_synced=False)
    assert store.incident(one.id) == one
    store.sync()
    assert synced == [tmp_path / "holdgate.db-wal"]

    def fails(_: int) -> None:
        raise OSError("disk")

    monkeypatch.setattr(os, "fdatasync", fails)
    with pytest.raises(StoreError, match="OSError"):
        store.sync()
    store.close()
    (tmp_path / "holdgate.db-wal").unlink(missing_ok=True)
    store.sync()  # all of it is in the file


PRAGMAS = {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1}


@pytest.mark.parametrize(
    ("given", "used"),
    [("/etc/holdgate/pgpass.{user}", "/etc/holdgate/pgpass.%s"), ("/etc/holdgate/pgpass", "/etc/holdgate/pgpass")],
)
def test_a_passfile_path_may_contain_the_user_name(given: str, used: str) -> None:
    url = database._with_passfile(make_url(f"postgresql://holdgate@db.corp.example/holdgate?passfile={given}"))
    assert url.query["passfile"] == used.replace("%s", pwd.getpwuid(os.geteuid()).pw_name)


def test_invalid_unicode_can_be_stored_and_found(store: Store) -> None:
    odd = incident(subject="a\0b\udcff\ud800c", queue_id="4\udcff")
    store.record(odd, ACTOR, note="\udcff")
    assert [one.subject for one in store.find("4\udcff")] == ["a\ufffdb\ufffd\ufffdc"]


def test_a_change_writes_state_event_and_notice_together(store: Store) -> None:
    held = replace(incident(), state=State.HELD)
    store.record(held, ACTOR)
    changed = store.change(
        held, State.REJECTED, ACTOR, note="no", outbox=[NewNotice("rejected", "a@corp.example")], comment="no"
    )
    assert (changed.state, changed.comment) == (State.REJECTED, "no")
    assert store.outbox.awaiting_report() == {held.id}
    (notice,) = store.outbox.due(datetime.now(UTC))
    assert (notice.kind, notice.recipient, notice.attempts) == ("rejected", "a@corp.example", 0)
    store.outbox.failed(notice, ACTOR, datetime.now(UTC) + timedelta(minutes=10))
    assert store.outbox.due(datetime.now(UTC)) == []
    assert store.outbox.awaiting_report() == {held.id}
    store.outbox.sent(notice, ACTOR)
    assert store.outbox.awaiting_report() == set()
    history = [event.event for event in store.history(held.id)]
    assert history == ["recorded", "rejected", EventName.NOTICE_DEFERRED, "notice sent"]


def test_only_one_of_two_decisions_is_stored(store: Store) -> None:
    held = replace(incident(), state=State.HELD)
    store.record(held, ACTOR)
    store.change(held, State.APPROVED, ACTOR)
    with pytest.raises(ConflictError) as caught:
        store.change(held, State.REJECTED, ACTOR, outbox=[NewNotice("rejected", "a@corp.example")])
    assert caught.value.incident.state is State.APPROVED
    assert store.outbox.awaiting_report() == set()
    assert [event.event for event in store.history(held.id)] == ["recorded", "approved"]


@pytest.mark.parametrize(("conflicts", "attempts"), [(0, 1), (1, 2), (49, 50)])
def test_a_step_is_repeated_after_a_conflict(conflicts: int, attempts: int) -> None:
    tried: list[None] = []

    def step() -> str:
        tried.append(None)
        if len(tried) <= conflicts:
            raise ConflictError(Incident("4", "", [], "p"))
        return "done"

    assert settle(step) == "done"
    assert len(tried) == attempts


@pytest.mark.parametrize(("error", "attempts"), [(ConflictError(Incident("4", "", [], "p")), 50), (KeyError(), 1)])
def test_a_step_that_always_conflicts_raises_the_error(error: Exception, attempts: int) -> None:
    tried: list[None] = []

    def step() -> None:
        tried.append(None)
        raise error

    with pytest.raises(type(error)) as caught:
        settle(step)
    assert caught.value is error
    assert len(tried) == attempts


def test_many_simultaneous_decisions_leave_one_outcome(store: Store) -> None:
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


def _change(url: str, waiting: list[Incident], state: State, outcomes: "Queue[tuple[str, State, bool]]") -> None:
    store = open_store(url)
    for one in waiting:
        try:
            store.change(one, state, ACTOR, outbox=[NewNotice(str(state), "a@corp.example")])
            outcomes.put((one.id, state, True))
        except ConflictError as error:
            outcomes.put((one.id, error.incident.state, False))
    store.close()


def test_the_first_of_two_simultaneous_processes_decides(store_url: str) -> None:
    """The desk takes a decision while the queue's reconciler finds that the message is missing."""
    waiting = [replace(incident(), state=State.HELD) for _ in range(20)]
    # SQLite's connections must not be open in a process that is forked.
    with closing(open_store(store_url)) as store:
        for one in waiting:
            store.record(one, ACTOR)
    context = multiprocessing.get_context("fork")
    outcomes = context.Queue()
    deciders = [
        context.Process(target=_change, args=(store_url, waiting, state, outcomes))
        for state in (State.APPROVED, State.VANISHED)
    ]
    for decider in deciders:
        decider.start()
    results = [outcomes.get(timeout=60) for _ in range(2 * len(waiting))]
    for decider in deciders:
        decider.join()
    with closing(open_store(store_url)) as store:
        for one in waiting:
            now = store.incident(one.id)
            assert now is not None
            # Both got the same result: one of them decided, and the other is told who decided.
            assert sorted(won for name, _, won in results if name == one.id) == [False, True]
            assert {state for name, state, _ in results if name == one.id} == {now.state}
            assert [event.event for event in store.history(one.id)] == ["recorded", now.state]
        assert store.audit.verify().problem == ""


def test_writers_do_not_block_each_other_and_readers_see_one_snapshot(store: Store) -> None:
    now = datetime.now(UTC)
    held = replace(incident(), state=State.HELD, deadline_at=now)
    store.record(held, ACTOR)
    held = store.amend(held, "asked", ACTOR, asks=[Ask("boss@corp.example", "moderator")])
    (request,) = store.requests.of(held.id)
    (notice,) = store.outbox.due(datetime.now(UTC))
    start = threading.Barrier(5)
    failed: list[BaseException] = []

    def again(work: Callable[[], object]) -> None:
        start.wait()
        try:
            for _ in range(20):
                work()
        except BaseException as error:
            failed.append(error)

    def amend() -> None:
        known = store.incident(held.id)
        assert known is not None
        store.amend(known, "approval", ACTOR, answers={request.number: Answer.APPROVE})

    def verify() -> None:
        assert store.audit.verify().problem == ""

    works: list[Callable[[], object]] = [
        amend,
        lambda: store.requests.opened(request, ACTOR),
        lambda: store.outbox.sent(notice, ACTOR),
        lambda: store.record(incident(), ACTOR),
        verify,
    ]
    threads = [threading.Thread(target=again, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert store.audit.verify().problem == ""


def test_a_null_character_is_replaced_before_it_is_stored(store: Store) -> None:
    """PostgreSQL has none, and a Subject of =?utf-8?q?=00?= decodes to one."""
    strange = incident(subject="a\0b", attachments=[{"name": "\0"}])
    store.record(strange, ACTOR, note="c\0d")
    (read,) = store.find("4abcDEF")
    assert (read.subject, read.attachments) == ("a\N{REPLACEMENT CHARACTER}b", [{"name": "\0"}])
    assert store.find("4abc\0") == []
    assert store.audit.verify().problem == ""


@pytest.mark.postgresql
def test_a_locked_table_delays_readers_and_writers_up_to_a_limit(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.new_database()
    migrate(url)
    for name in ("_BEGIN_READING", "BEGIN_WRITING"):
        begin = getattr(database, name)
        assert begin.count("lock_timeout = '10s'") == 1
        monkeypatch.setattr(database, name, begin.replace("lock_timeout = '10s'", "lock_timeout = '50ms'"))
    store, other = open_store(url), open_store(url)
    with other._engine.begin() as connection:  # as a VACUUM FULL does
        connection.exec_driver_sql("LOCK TABLE incidents, events, notices IN ACCESS EXCLUSIVE MODE")
        for call in (store.incidents, lambda: store.outbox.due(datetime.now(UTC)), store.nodes.all):
            with pytest.raises(database.DatabaseError, match="lock timeout"):
                call()
        with pytest.raises((StoreError, database.DatabaseError)):
            store.record(incident(), ACTOR)
    store.record(incident(), ACTOR)
    assert len(store.incidents()) == 1
    store.close()
    other.close()


def test_large_numbers_are_kept(store: Store) -> None:
    late = incident(arrival_time=2**33, size=2**40)
    store.record(late, ACTOR)
    assert store.find(late.id) == [late]


@pytest.mark.parametrize("old", State)
@pytest.mark.parametrize("new", State)
def test_only_the_transitions_of_the_table_are_possible(store: Store, old: State, new: State) -> None:
    existing = replace(incident(), state=old, change={"kinds": ["encrypt"]})
    store.record(existing, ACTOR)
    if has_transition(old, new):
        assert store.change(existing, new, ACTOR).state is new
    else:
        with pytest.raises(ValueError, match="no way"):
            store.change(existing, new, ACTOR)


def test_every_open_state_can_vanish_and_few_states_return_to_held() -> None:
    assert {state for state in State if State.VANISHED in TRANSITIONS[state]} == OPEN
    back = {State.PENDING, State.VANISHED, State.APPROVED}
    assert {state for state in State if State.HELD in TRANSITIONS[state]} == back
    assert TRANSITIONS[State.RELEASED] == TRANSITIONS[State.RETURNED] == frozenset()


def test_only_an_approval_with_changes_can_be_undone(store: Store) -> None:
    plain = replace(incident(), state=State.APPROVED)
    changed = replace(incident(queue_id="4b"), state=State.APPROVED, change={"kinds": ["encrypt"]})
    for one in (plain, changed):
        store.record(one, ACTOR)
    with pytest.raises(ValueError, match="no way"):
        store.change(plain, State.HELD, ACTOR)
    again = store.change(changed, State.HELD, ACTOR)
    assert (again.state, again.change) == (State.HELD, None)


@pytest.mark.parametrize("old", [state for state in State if has_transition(state, State.HELD)])
def test_a_message_that_enters_the_hold_queue_has_no_decision(store: Store, old: State) -> None:
    now = datetime.now(UTC)
    before = replace(
        incident(),
        state=old,
        level=1,
        asked_at=now,
        deadline_at=now,
        remind_at=now,
        decided_at=now,
        decided_by="boss@corp.example",
        decided_how="page",
        comment="Fine.",
        change={"kinds": ["encrypt"]},
        closed_at=now,
    )
    other = replace(incident(), deadline_at=now)
    kinds = ("approved", "rejected", "expired", "withdrawn", "decided")
    for one in (before, other):
        store.record(one, ACTOR, outbox=[NewNotice(kind, "a@corp.example") for kind in (*kinds, "alert")])
        asked = [Ask(f"{answer}@corp.example", "moderator") for answer in Answer]
        asked = [*asked, Ask("silent@corp.example", "moderator")]
        one = store.amend(one, "asked", ACTOR, asks=asked)
        numbers = [request.number for request in store.requests.of(one.id)]
        store.amend(one, "answered", ACTOR, answers=dict(zip(numbers, Answer, strict=False)))
    (existing,) = store.incidents([old]) if old is not State.PENDING else [store.incident(before.id)]
    assert existing is not None
    held = store.change(existing, State.HELD, ACTOR, held_at=now)
    assert held == replace(
        incident(), id=held.id, created_at=before.created_at, state=held.state, held_at=now, revision=3
    )
    assert {request.answer for request in store.requests.of(held.id)} == {Answer.SUPERSEDED}
    due = store.outbox.due(datetime.now(UTC))
    assert {notice.kind for notice in due if notice.incident_id == held.id} == {"alert", "request"}
    # Nothing of another incident is touched.
    assert {request.answer for request in store.requests.of(other.id)} == {None, *Answer}
    assert {notice.kind for notice in due if notice.incident_id == other.id} == {*kinds, "alert", "request"}


def test_a_notice_with_a_future_time_is_due_once_the_clock_is_corrected(store: Store) -> None:
    now = datetime.now(UTC)
    held = incident()
    store.record(held, ACTOR, outbox=[NewNotice("alert", "boss@corp.example")])
    (notice,) = store.outbox.due(datetime.now(UTC))
    store.outbox.failed(notice, ACTOR, now + timedelta(minutes=10))
    assert store.outbox.due(now) == []
    (again,) = store.outbox.due(now + timedelta(minutes=10))
    store.outbox.failed(again, ACTOR, now + timedelta(hours=1))
    assert [one.number for one in store.outbox.due(now)] == [notice.number]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_all_due_incidents_are_found_oldest_first(store: Store, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(agenda, "_PAGE", 2)
    now = datetime.now(UTC)
    for number in range(count):
        due = now - timedelta(minutes=number % 2)
        times: dict[str, Any] = {
            "created_at": now - timedelta(days=1, seconds=number),
            "deadline_at": due,
            "remind_at": due,
        }
        store.record(replace(incident(), state=State.HELD, **times), ACTOR)
    for found in (store.agenda.overdue(now), store.agenda.to_remind(now)):
        assert [one.created_at for one in found] == sorted(one.created_at for one in found)
        assert len(found) == count


def test_only_held_incidents_can_be_overdue(store: Store) -> None:
    now = datetime.now(UTC)
    due = replace(incident(), state=State.HELD, deadline_at=now - timedelta(seconds=1))
    later = replace(incident(), state=State.HELD, deadline_at=now + timedelta(seconds=60))
    decided = replace(incident(), state=State.APPROVED, deadline_at=now - timedelta(seconds=1))
    for one in (due, later, decided):
        store.record(one, ACTOR)
    assert [one.id for one in store.agenda.overdue(now)] == [due.id]
    assert store.count() == {State.HELD: 2, State.APPROVED: 1}
    assert [one.id for one in store.incidents([State.HELD], limit=1)] == [later.id]


def test_times_are_stored_with_their_time_zone(store: Store) -> None:
    zone = datetime(2026, 1, 1, 12, tzinfo=UTC).astimezone()
    one = incident(created_at=zone)
    store.record(one, ACTOR)
    read = store.incident(one.id)
    assert read is not None
    assert read.created_at == zone
    with pytest.raises(StoreError, match="ValueError"):
        store.record(incident(created_at=datetime(2026, 1, 1)), ACTOR)


def test_a_store_of_another_version_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="not created yet"):
        open_store(url)
    migrate(url)
    migrate(url)
    with database._engine(url).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(StoreError, match=r"0001.*holdgate migrate"):
        open_store(url)
    with database._engine(url).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.exec_driver_sql("UPDATE compatibility SET oldest = '9999'")
    with pytest.raises(StoreError, match=r"9999 is newer than this version.*install the newer version"):
        open_store(url)
    with pytest.raises(StoreError, match="newer than this version"):
        migrate(url)


def test_the_error_for_an_unreachable_store_hides_the_password(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no directory"):
        migrate("sqlite:////nonexistent/holdgate.db")
    with pytest.raises(StoreError, match=r"postgresql://user:\*\*\*@/db.*: .*No such file or directory") as caught:
        migrate(f"postgresql://user:hush-hush@/db?host={tmp_path}")
    assert "hush-hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_driver_gives_one_sentence_with_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"PostgreSQL needs the driver: pip install 'holdgate\[postgresql\]'"):
        open_store("postgresql://holdgate@/holdgate")


@pytest.mark.postgresql
def test_the_password_is_read_from_the_passfile(postgres: PostgresServer, tmp_path: Path) -> None:
    passwords = tmp_path / "pgpass"
    url = f"{postgres.new_database('keeper')}&passfile={passwords}"
    passwords.write_text("*:*:*:keeper:wrong\n")
    passwords.chmod(0o600)
    with pytest.raises(StoreError, match="password authentication failed"):
        migrate(url)
    passwords.write_text(f"*:*:*:keeper:{PASSWORD}\n")
    migrate(url)
    open_store(url).close()


def test_the_migrations_create_the_declared_schema(new_url: Callable[[], str]) -> None:
    migrated, declared = new_url(), new_url()
    migrate(migrated)
    engines = [database._engine(one) for one in (migrated, declared)]
    metadata.create_all(engines[1])
    one, other = (inspect(engine) for engine in engines)
    for table in metadata.tables:
        # In any order: a step adds its columns at the end.
        shape = [
            sorted((c["name"], str(c["type"]), c["nullable"]) for c in place.get_columns(table))
            for place in (one, other)
        ]
        assert shape[0] == shape[1]
        primary = [place.get_pk_constraint(table)["constrained_columns"] for place in (one, other)]
        assert primary[0] == primary[1]
        indexes = [{index["name"]: index["column_names"] for index in p.get_indexes(table)} for p in (one, other)]
        assert indexes[0] == indexes[1]
        keys = [
            {(k["referred_table"], *k["constrained_columns"]) for k in p.get_foreign_keys(table)} for p in (one, other)
        ]
        assert keys[0] == keys[1]
    for engine in engines:
        engine.dispose()


def test_incident_ids_contain_no_ambiguous_characters() -> None:
    ids = {new_incident_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(one) == 14 and not set(one) & set("ILOU") for one in ids)


@pytest.mark.parametrize("column", ["sender", "recipients", "findings", "policy", "revision", "id"])
def test_no_step_changes_a_column_that_is_written_once(store: Store, column: str) -> None:
    known = incident()
    store.record(known, ACTOR)
    given: dict[str, Any] = {column: "x"}
    with pytest.raises(ValueError, match=f"no step changes {column}"):
        store.change(known, State.HELD, ACTOR, **given)
    with pytest.raises(ValueError, match=f"no step changes {column}"):
        store.amend(known, "asked", ACTOR, **given)
    assert store.incident(known.id) == known


def test_a_new_file_is_for_its_group_and_overwrites_deleted_content(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    before = os.umask(0)
    try:
        migrate(f"sqlite:///{path}")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o7777 == 0o660
    store = open_store(f"sqlite:///{path}")
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
    store.close()
