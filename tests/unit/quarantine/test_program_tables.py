"""The tables about mail of programs: tokens, amended messages, allowed classes; each function at its bounds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, insert

from holdgate.quarantine import history
from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.machine_tokens import Bearer
from holdgate.quarantine.replacements import UNDER_WAY, BusyError, OtherContentError, Replacement
from holdgate.quarantine.schema import machine_messages
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store

ACTOR = Actor("billing", "machine")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def message(store: Store, account: int = 7, thread: int = 5, state: State = State.HELD, at: datetime = NOW) -> Incident:
    """Record a held message of a program."""
    one = Incident("4id", "agent@corp.example", ["bob@partner.example"], "p", state=state, created_at=at)
    store.record(one, ACTOR)
    row = {"incident_id": one.id, "account": account, "thread": thread, "recipients": [11, 12], "contents": []}
    with store._engine.begin() as connection:
        connection.execute(insert(machine_messages).values(recorded_at=NOW, settled=False, **row))
    return one


def events(store: Store, incident: Incident) -> list[tuple[str, str]]:
    return [(one.event, one.note) for one in store.history(incident.id)][1:]


# -- tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_belongs_to_one_account_until_it_is_revoked(store: Store) -> None:
    tokens = store.machine_tokens
    for digest, bearer in (("a", Bearer("billing", 7)), ("b", Bearer("billing", 7)), ("c", Bearer("crm", 8))):
        tokens.add(digest, bearer)
    assert tokens.bearer("a") == Bearer("billing", 7)
    assert tokens.bearer("c") == Bearer("crm", 8)
    assert tokens.bearer("x") is None
    assert tokens.revoke(7) == 2
    assert tokens.revoke(7) == 0
    assert (tokens.bearer("a"), tokens.bearer("c")) == (None, Bearer("crm", 8))


def test_an_account_sees_its_own_messages_newest_first(store: Store) -> None:
    old = message(store, at=NOW - HOUR)
    new = message(store)
    other = message(store, account=8)
    tokens = store.machine_tokens
    assert [one.id for one in tokens.messages(7, 10)] == [new.id, old.id]
    assert [one.id for one in tokens.messages(7, 1)] == [new.id]
    assert [one.id for one in tokens.messages(7, 10, 1)] == [old.id]
    assert tokens.messages(9, 10) == []
    found = tokens.message(7, old.id)
    assert found is not None
    assert found.id == old.id
    assert tokens.message(8, old.id) is None
    assert tokens.message(7, other.id) is None


# -- amended messages -------------------------------------------------------------------------------------------------


def begun(store: Store, incident: Incident, key: str = "k", digest: str = "d", at: datetime = NOW) -> Replacement:
    return store.replacements.begin(incident.id, key, digest, ACTOR, at)


def test_a_submission_is_stored_with_its_event_and_found_by_its_mark(store: Store) -> None:
    one = message(store)
    first = begun(store, one)
    assert (first.incident_id, first.key, first.digest, first.who) == (one.id, "k", "d", "billing")
    assert (first.queue_id, first.held_as, first.is_done, first.submitted_at) == ("", "", False, NOW)
    assert (len(first.token), len(first.copy)) == (32, 8)
    assert store.replacements.of([one.id]) == {one.id: first}
    assert store.replacements.of([]) == {}
    assert events(store, one) == [("replacement submitted", "SHA-256 d")]
    assert store.replacements.marked(first.mark) == first
    assert store.replacements.marked(f"{one.id} {first.token}-other") == first, "another copy of the same"


@pytest.mark.parametrize("change", ["", "{id}", "{id} {token}", "{id} {token}-", "{id} x-1", "x {token}-1", "{long}"])
def test_an_invalid_mark_matches_no_submission(store: Store, change: str) -> None:
    one = message(store)
    first = begun(store, one)
    mark = change.format(id=one.id, token=first.token, long=f"{one.id} {first.token}-{'1' * 100}")
    assert store.replacements.marked(mark) is None


def test_another_submission_is_blocked_for_ten_minutes() -> None:
    assert UNDER_WAY.total_seconds() == 600


def test_a_mark_may_have_99_characters(store: Store) -> None:
    one = message(store)
    base = f"{one.id} {begun(store, one).token}-"
    assert store.replacements.marked(base + "1" * (99 - len(base))) is not None
    assert store.replacements.marked(base + "1" * (100 - len(base))) is None


def test_a_key_may_be_sent_again_only_with_the_same_content(store: Store) -> None:
    one = message(store)
    first = begun(store, one)
    again = begun(store, one, at=NOW + SECOND)
    assert again.token == first.token
    assert again.copy != first.copy
    assert store.replacements.of([one.id]) == {one.id: again}
    with pytest.raises(OtherContentError):
        begun(store, one, digest="e")
    assert store.replacements.accepted(again, "4new")
    assert begun(store, one, at=NOW + HOUR) == replace(again, queue_id="4new"), "Postfix has it: nothing is sent"
    assert len(events(store, one)) == 2


@pytest.mark.parametrize(("later", "is_busy"), [(UNDER_WAY - SECOND, True), (UNDER_WAY, False), (HOUR, False)])
def test_another_submission_is_blocked_until_the_first_cannot_arrive_any_more(
    store: Store, later: timedelta, is_busy: bool
) -> None:
    one = message(store)
    first = begun(store, one)
    if is_busy:
        with pytest.raises(BusyError):
            begun(store, one, key="l", digest="e", at=NOW + later)
        return
    second = begun(store, one, key="l", digest="e", at=NOW + later)
    assert (second.token, second.key, second.digest) == (first.token, "l", "e")


def test_another_submission_is_refused_once_postfix_has_the_first(store: Store) -> None:
    one = message(store)
    store.replacements.accepted(begun(store, one), "4new")
    with pytest.raises(BusyError):
        begun(store, one, key="l", digest="e", at=NOW + HOUR)


def test_only_the_last_copy_counts(store: Store) -> None:
    one = message(store)
    first = begun(store, one)
    second = begun(store, one, at=NOW + SECOND)
    table = store.replacements
    assert not table.accepted(first, "4first")
    assert not table.held(first, "other")
    table.cancel(first)
    assert table.accepted(second, "4second")
    assert table.held(second, "other")
    table.cancel(second)  # Postfix has it
    table.done(second)
    (found,) = table.of([one.id]).values()
    assert (found.queue_id, found.held_as, found.is_done) == ("4second", "other", True)


def test_a_submission_that_postfix_rejected_is_removed(store: Store) -> None:
    one, other = message(store), message(store)
    begun(store, other)
    store.replacements.cancel(begun(store, one))
    assert store.replacements.of([one.id, other.id]).keys() == {other.id}


def test_submissions_for_messages_that_are_still_held_are_listed(store: Store) -> None:
    table = store.replacements
    assert table.accepted_while_held() == []
    waiting, submitted, done, approved = (message(store) for _ in range(4))
    rows = {one.id: begun(store, one) for one in (waiting, submitted, done, approved)}
    for one in (waiting, done, approved):
        table.accepted(rows[one.id], "4new")
    table.done(rows[done.id])
    store.change(store.incident(approved.id) or approved, State.APPROVED, ACTOR)
    assert [one.incident_id for one in table.accepted_while_held()] == [waiting.id]


def test_old_submissions_are_removed(store: Store) -> None:
    old, new = message(store), message(store)
    begun(store, old, at=NOW - SECOND)
    begun(store, new)
    assert store.replacements.purge(NOW) == 1
    assert store.replacements.of([old.id, new.id]).keys() == {new.id}


# -- allowed classes --------------------------------------------------------------------------------------------------


def grant(store: Store, one: Incident, *, is_thread: bool, at: datetime = NOW, until: datetime = NOW + HOUR) -> bool:
    return store.allowances.grant(one.id, ACTOR, at, until, "note", is_thread=is_thread)


@pytest.mark.parametrize(("thread", "has_thread"), [(5, True), (0, False)])
def test_may_be_of_reports_which_classes_can_be_allowed(store: Store, thread: int, has_thread: bool) -> None:
    one = message(store, thread=thread)
    assert store.allowances.may_be_of(one.id) == (True, has_thread)
    assert store.allowances.may_be_of("none") == (False, False)


def test_an_incident_has_one_allowance_of_each_kind_at_a_time(store: Store) -> None:
    one = message(store)
    assert grant(store, one, is_thread=True)
    assert not grant(store, one, is_thread=True)
    assert grant(store, one, is_thread=False)
    assert not grant(store, one, is_thread=False)
    assert events(store, one) == [("class allowed", "note")] * 2
    assert grant(store, one, is_thread=True, at=NOW + HOUR, until=NOW + 2 * HOUR), "the first has expired"
    other = message(store)
    assert grant(store, other, is_thread=True)


def test_a_thread_cannot_be_allowed_for_a_message_without_one(store: Store) -> None:
    one = message(store, thread=0)
    with pytest.raises(ValueError, match="no Message-ID"):
        grant(store, one, is_thread=True)
    assert grant(store, one, is_thread=False)


def test_allowances_are_listed_by_expiry_until_they_end_or_are_revoked(store: Store) -> None:
    one, other = message(store), message(store)
    grant(store, one, is_thread=True, until=NOW + 2 * HOUR)
    grant(store, other, is_thread=False)
    table = store.allowances
    first, second = table.active(NOW)
    assert (first.incident_id, first.is_thread, first.who) == (other.id, False, "billing")
    assert (first.created_at, first.ends_at) == (NOW, NOW + HOUR)
    assert (second.incident_id, second.is_thread) == (one.id, True)
    assert [found.incident_id for found in table.active(NOW + HOUR)] == [one.id], "it ends at its last moment"
    assert table.revoke(first.number, ACTOR, NOW)
    assert not table.revoke(first.number, ACTOR, NOW)
    assert not table.revoke(second.number, ACTOR, NOW + 2 * HOUR)
    assert not table.revoke(999, ACTOR, NOW)
    assert [found.number for found in table.active(NOW)] == [second.number]
    assert events(store, other)[-1] == ("class revoked", f"allowance {first.number}")
    assert len(events(store, one)) == 1


def test_an_allowance_matches_its_recipients_and_thread_only(store: Store) -> None:
    thread, everything, foreign = message(store), message(store), message(store, account=8)
    table = store.allowances
    grant(store, thread, is_thread=True)
    grant(store, foreign, is_thread=False)
    assert table.passing(7, [5], [11, 13], NOW) == {11}
    assert table.passing(7, [6], [11], NOW) == frozenset()
    assert table.passing(7, [], [11], NOW) == frozenset()
    assert table.passing(8, [], [11, 12, 13], NOW) == {11, 12}
    assert table.passing(7, [5], [11], NOW + HOUR) == frozenset()
    grant(store, everything, is_thread=False)
    assert table.passing(7, [], [11], NOW) == {11}
    for one in table.active(NOW):
        table.revoke(one.number, ACTOR, NOW)
    assert table.passing(7, [5], [11], NOW) == frozenset()


def test_expired_allowances_are_removed(store: Store) -> None:
    one, other = message(store), message(store)
    grant(store, one, is_thread=False, until=NOW + SECOND)
    grant(store, other, is_thread=False)
    assert store.allowances.purge(NOW + SECOND) == 0
    assert store.allowances.purge(NOW + HOUR) == 1
    assert [found.incident_id for found in store.allowances.active(NOW)] == [other.id]


# -- two at once ------------------------------------------------------------------------------------------------------


def test_each_step_about_an_incident_waits_for_the_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL the lock is on the row; SQLite has one writer."""
    locked: list[str] = []
    lock = history.lock

    def noted(connection: Connection, incident_id: str) -> None:
        locked.append(incident_id)
        lock(connection, incident_id)

    one = message(store)
    monkeypatch.setattr(history, "lock", noted)
    begun(store, one)
    grant(store, one, is_thread=False)
    store.allowances.revoke(store.allowances.active(NOW)[0].number, ACTOR, NOW)
    assert locked == [one.id] * 3
