"""Sign-in codes on both kinds of store: limited, valid once, and valid at each desk."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from holdgate.quarantine import codes
from holdgate.quarantine.codes import ATTEMPTS, LIFETIME, SignInCode, SignInCodes
from holdgate.quarantine.store import Store, open_store

ANNA, BOB = "anna@corp.example", "bob@corp.example"


class Clock:
    """The database's clock."""

    now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self, _connection: object) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(codes, "clock", made)
    return made


@pytest.fixture
def two(store_url: str, clock: Clock) -> Iterator[list[SignInCodes]]:
    """The codes as two desks see them."""
    stores: list[Store] = [open_store(store_url), open_store(store_url)]
    yield [store.codes for store in stores]
    for store in stores:
        store.close()


def code(name: str, address: str = ANNA) -> SignInCode:
    return SignInCode(name, address, f"proof of {name}")


def given(name: str) -> Callable[[SignInCode], bool]:
    """Say yes to the code of an attempt."""
    return lambda one: one.proof == f"proof of {name}"


def test_a_code_is_valid_once_at_any_desk(two: list[SignInCodes]) -> None:
    assert two[0].add(code("a"), "192.0.2.1")
    assert not two[1].redeem("a", ANNA, given("other"))
    assert not two[1].redeem("a", BOB, given("a"))
    assert two[1].redeem("a", ANNA, given("a"))
    assert not two[0].redeem("a", ANNA, given("a"))


def test_a_code_expires_after_ten_minutes_as_the_page_states(two: list[SignInCodes], clock: Clock) -> None:
    two[0].add(code("a"), "192.0.2.1")
    two[0].add(code("b"), "192.0.2.1")
    clock.now += timedelta(minutes=10) - timedelta(seconds=1)
    assert two[1].redeem("a", ANNA, given("a"))
    clock.now += timedelta(seconds=1)
    assert not two[1].redeem("b", ANNA, given("b"))


def test_wrong_codes_are_counted_across_all_desks(two: list[SignInCodes]) -> None:
    two[0].add(code("a"), "192.0.2.1")
    two[0].add(code("b"), "192.0.2.1")
    for number in range(ATTEMPTS):
        assert not two[number % 2].redeem("a", ANNA, given("b"))
    assert not two[0].redeem("a", ANNA, given("a"))
    assert not two[0].redeem("a", ANNA, given("b"))
    # Neither those attempts nor others' cost the owner the codes in their mailbox.
    assert two[1].redeem("without a mail", ANNA, given("a"))


def test_each_client_and_each_address_has_a_limit_of_codes(two: list[SignInCodes], clock: Clock) -> None:
    first = [two[number % 2].add(code(f"a{number}"), "192.0.2.1") for number in range(5)]
    assert first == [True] * 3 + [False] * 2
    others = [two[number % 2].add(code(f"b{number}"), f"198.51.100.{number}") for number in range(8)]
    assert others == [True] * 6 + [False] * 2
    assert two[0].add(code("c", BOB), "192.0.2.1")
    # An attempt that had no mail uses one that is in the owner's mailbox, wherever it comes from.
    assert two[1].redeem("b7", ANNA, given("a1"))
    assert not two[0].redeem("a1", ANNA, given("a1"))
    assert two[0].redeem("a4", ANNA, given("b2"))
    assert not two[1].redeem("b6", ANNA, given("c"))
    clock.now += LIFETIME
    assert two[0].add(code("a9"), "192.0.2.1")


def test_the_number_of_stored_codes_has_a_limit(
    two: list[SignInCodes], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "_ALL", 3)
    people = [f"{number}@corp.example" for number in range(5)]
    for number, person in enumerate(people):
        clock.now += timedelta(seconds=1)
        assert two[0].add(code(f"a{number}", person), "192.0.2.1")
    found = [two[0].redeem(f"a{number}", person, given(f"a{number}")) for number, person in enumerate(people)]
    assert found == [False, False, True, True, True]


def test_only_one_of_two_simultaneous_uses_of_a_code_succeeds(two: list[SignInCodes]) -> None:
    two[0].add(code("a"), "192.0.2.1")
    with ThreadPoolExecutor(2) as both:
        done = list(both.map(lambda one: one.redeem("a", ANNA, given("a")), two))
    assert sorted(done) == [False, True]


def test_simultaneous_requests_do_not_exceed_the_limit_of_codes(two: list[SignInCodes]) -> None:
    with ThreadPoolExecutor(8) as pool:
        mailed = list(
            pool.map(lambda number: two[number % 2].add(code(f"a{number}"), f"198.51.100.{number}"), range(16))
        )
    assert sum(mailed) == 9
