"""The small tables: reply addresses and origins, ended sessions, daily summaries, used seals, relations."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from holdgate.quarantine.database import DatabaseError, read_rows
from holdgate.quarantine.incident import Actor, Ask, Incident
from holdgate.quarantine.relations import SLICES, Weight, number
from holdgate.quarantine.replies import ReplyOrigin
from holdgate.quarantine.schema import ended_sessions, used_seals, witnesses
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, StoreError

ACTOR = Actor("holdgate-desk", "desk")
BOSS = "boss@corp.example"
NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def requested(store: Store) -> int:
    """The number of a request."""
    one = Incident("4id", "anna@corp.example", ["bob@partner.example"], "p", state=State.HELD)
    store.record(one, ACTOR)
    store.amend(one, "asked", ACTOR, deadline_at=NOW + HOUR, asks=[Ask(BOSS, "moderator")])
    return store.requests.of(one.id)[0].number


# -- replies ----------------------------------------------------------------------------------------------------------


def test_a_reply_address_finds_its_request_in_any_letter_case(store: Store, requested: int) -> None:
    store.replies.announce("r-Token", requested)
    store.replies.announce("r-token", requested)
    found = store.replies.request("R-TOKEN")
    assert found is not None
    assert (found.number, found.moderator) == (requested, BOSS)
    assert store.replies.request("r-tokens") is None


def test_the_recorded_origin_is_found_by_its_word_until_it_is_used(store: Store, requested: int) -> None:
    seen = [ReplyOrigin(requested, BOSS, "boss", "192.0.2.7"), ReplyOrigin(requested, "", "", "")]
    first, second = map(store.replies.record_origin, seen)
    assert first != second
    assert [store.replies.origin(word) for word in (first, second)] == seen
    assert store.replies.origin(first[:-1]) is None
    store.replies.use(first)
    assert store.replies.origin(first) is None
    assert store.replies.origin(second) == seen[1]


def test_a_recorded_origin_is_valid_as_long_as_postfix_keeps_mail(store: Store, requested: int) -> None:
    word = store.replies.record_origin(ReplyOrigin(requested, BOSS, "", ""))
    with store._engine.begin() as connection:
        expires = connection.execute(select(witnesses.c.expires_at)).scalar_one()
        assert abs(expires - datetime.now(UTC) - timedelta(days=7)) < HOUR
        connection.execute(update(witnesses).values(expires_at=NOW - HOUR))
    assert store.replies.origin(word) is None
    store.replies.record_origin(ReplyOrigin(requested, BOSS, "", ""))
    with store._engine.begin() as connection:
        assert connection.execute(select(func.count()).select_from(witnesses)).scalar_one() == 1


# -- sessions and seals -----------------------------------------------------------------------------------------------


def test_an_ended_session_is_stored_until_it_would_expire(store: Store) -> None:
    store.sessions.end("one", NOW + HOUR)
    store.sessions.end("one", NOW + HOUR)
    store.sessions.end("two", NOW - HOUR)
    assert [store.sessions.has(name) for name in ("one", "two", "three")] == [True, True, False]
    store.sessions.end("three", NOW + HOUR)
    assert [store.sessions.has(name) for name in ("one", "two", "three")] == [True, False, True]
    with store._engine.begin() as connection:
        assert "one" not in connection.execute(select(ended_sessions.c.digest)).scalars().all()


def test_seals_used_together_are_recorded_only_if_all_are_unused(store: Store) -> None:
    assert store.seals.use(["a", "b"], NOW + HOUR)
    assert not store.seals.use(["c", "b"], NOW + HOUR)
    assert store.seals.use(["c"], NOW + HOUR)
    assert not store.seals.use(["a"], NOW + HOUR)
    with store._engine.begin() as connection:
        connection.execute(update(used_seals).where(used_seals.c.digest == "a").values(expires_at=NOW - HOUR))
    assert store.seals.use(["a"], NOW + HOUR), "a seal that is too old is refused for its age"


# -- daily summaries --------------------------------------------------------------------------------------------------


def test_a_summary_is_due_at_its_time_and_the_next_one_later(store: Store) -> None:
    digests = store.digests
    digests.subscribe(BOSS, NOW, NOW + HOUR)
    digests.subscribe("other@corp.example", NOW, NOW + 3 * HOUR)
    digests.subscribe(BOSS, NOW, NOW + 9 * HOUR)  # who wants them already keeps their time
    assert digests.due(NOW) == []
    (due,) = digests.due(NOW + HOUR)
    assert (due.person, due.since, due.due_at) == (BOSS, NOW, NOW + HOUR)
    assert [one.person for one in digests.due(NOW + 9 * HOUR)] == [BOSS, "other@corp.example"]
    assert digests.is_still_due(due)
    digests.done(due, NOW + HOUR, NOW + 25 * HOUR)
    assert not digests.is_still_due(due)
    assert digests.due(NOW + 2 * HOUR) == []
    (again,) = [one for one in digests.due(NOW + 25 * HOUR) if one.person == BOSS]
    assert again.since == NOW + HOUR
    digests.done(due, NOW, NOW)  # another process has already sent it
    assert digests.is_still_due(again)


def test_a_person_who_unsubscribes_gets_no_summary(store: Store) -> None:
    store.digests.subscribe(BOSS, NOW, NOW)
    store.digests.subscribe("other@corp.example", NOW, NOW)
    store.digests.end(BOSS)
    assert [store.digests.has(one) for one in (BOSS, "other@corp.example")] == [False, True]
    assert [one.person for one in store.digests.due(NOW)] == ["other@corp.example"]


# -- relations --------------------------------------------------------------------------------------------------------

ANNA, EVE, BOB, LAST = 7, 8, 100, (1 << 32) - 1


def keys(*pairs: tuple[int, int]) -> list[int]:
    return [number(owner, target) for owner, target in pairs]


def add(store: Store, pairs: Collection[tuple[int, int]], day: int = 100, weight: float = 1.0) -> set[int]:
    return store.relations.add({number(*pair): Weight(weight, day) for pair in pairs}, 10.0)


def test_a_weight_halves_after_its_day_and_not_before(store: Store) -> None:
    one = Weight(8.0, 100)
    assert [one.on(day, 10.0) for day in (90, 100, 110, 120)] == [8.0, 8.0, 4.0, 2.0]
    assert one.plus(1.0, 110, 10.0) == Weight(5.0, 110)
    assert one.plus(1.0, 100, 10.0) == Weight(9.0, 100)
    assert one.plus(1.0, 90, 10.0) == Weight(8.5, 100)


def test_a_relation_seen_again_has_more_weight_and_is_not_new(store: Store) -> None:
    first, second = keys((ANNA, BOB), (ANNA, LAST))
    assert add(store, [(ANNA, BOB)]) == {first}
    assert add(store, [(ANNA, BOB), (ANNA, LAST)], day=110) == {second}
    assert add(store, []) == set()
    assert store.relations.of([first, second, number(EVE, BOB)]) == {
        first: Weight(1.5, 110),
        second: Weight(1.0, 110),
    }


def test_relations_belong_to_one_owner(store: Store) -> None:
    add(store, [(ANNA, 0), (ANNA, BOB), (ANNA, LAST), (EVE, BOB), (0, LAST), (LAST, LAST)])
    _, found = store.relations.look((), [ANNA, EVE, 9, LAST], 10)
    assert {owner: sorted(targets) for owner, targets in found.items()} == {
        ANNA: [0, BOB, LAST],
        EVE: [BOB],
        9: [],
        LAST: [LAST],
    }
    assert len(store.relations.look((), [ANNA], 2)[1][ANNA]) == 2
    assert store.relations.look((), (), 10) == ({}, {})


def test_many_relations_are_read_completely(store: Store) -> None:
    pairs = [(ANNA, target) for target in range(1203)]
    add(store, pairs)
    assert len(store.relations.of(keys(*pairs))) == 1203
    assert store.relations.count() == 1203


def test_old_relations_are_purged_in_parts(store: Store) -> None:
    share = (1 << 32) // SLICES
    add(store, [(share - 1, BOB), (share, BOB), (LAST, LAST)], day=100)
    add(store, [(1, BOB)], day=101)
    assert store.relations.purge(100, 0) == 0
    assert store.relations.purge(101, 0) == 1
    assert store.relations.purge(101, 1) == 1
    assert store.relations.purge(101, SLICES - 1) == 1
    assert list(store.relations.of(keys((1, BOB)))) == keys((1, BOB))
    assert store.relations.count() == 1


def test_forgetting_a_person_removes_them_as_owner_and_as_target(store: Store) -> None:
    add(store, [(ANNA, BOB), (ANNA, LAST), (EVE, BOB), (EVE, LAST), (LAST, BOB)])
    assert sum(store.relations.forget([ANNA], [])) == 2
    assert sum(store.relations.forget([], [BOB])) == 2
    assert list(store.relations.of(keys((EVE, LAST), (EVE, BOB), (LAST, BOB)))) == keys((EVE, LAST))
    assert store.relations.has_any()
    assert store.relations.forget_all() == 1
    assert not store.relations.has_any()


def test_a_failed_read_is_a_database_error_and_the_next_one_succeeds(store: Store) -> None:
    add(store, [(ANNA, BOB)])
    with pytest.raises(DatabaseError):
        read_rows(store.relations._reader, "SELECT nothing FROM nowhere")
    assert len(store.relations.of(keys((ANNA, BOB)))) == 1


def test_numbers_and_owners_are_read_together(store: Store) -> None:
    add(store, [(ANNA, BOB), (ANNA, LAST), (EVE, BOB)])
    known, gone = store.relations.look(keys((EVE, BOB), (EVE, LAST)), [ANNA, EVE], 1)
    assert set(known) == set(keys((EVE, BOB)))
    assert {owner: sorted(targets) for owner, targets in gone.items()} == {ANNA: [BOB], EVE: [BOB]}
    many = [(ANNA, target) for target in range(1203)]
    assert len(store.relations.look(keys(*many), [EVE], 1)[0]) == 1
    owners = list(range(1000))
    add(store, [(owner, BOB) for owner in owners])
    assert sum(len(gone) for gone in store.relations.look(keys((EVE, BOB)), owners, 1)[1].values()) >= 1000


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda: DatabaseError("x"), "SQLAlchemyError"),
        (lambda: OperationalError("INSERT", {"digest": "secret"}, Exception("secret")), "OperationalError"),
    ],
    ids=["plain", "with values"],
)
def test_a_store_error_names_the_kind_of_error_and_no_value(
    store: Store, monkeypatch: pytest.MonkeyPatch, made: Callable[[], Exception], reason: str
) -> None:
    error = made()

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(store.seals._engine, "begin", fail)
    with pytest.raises(StoreError, match=f"^{reason}$"):
        store.seals.use(["a"], NOW)
    error.__cause__ = TimeoutError("secret")
    with pytest.raises(StoreError, match=r"^TimeoutError$"):
        store.seals.use(["a"], NOW)
