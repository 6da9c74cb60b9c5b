"""Who gets the next place: no sender waits for all mail of another."""

import threading
from collections.abc import Callable, Sized
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.scan import turns as turns_module
from holdgate.scan.turns import NoTurnError, Turns
from testbed.ports import wait_for


def wait_for_count(items: Sized, count: int, what: str) -> None:
    wait_for(lambda: len(items) == count, what)


def test_the_last_slot_is_for_a_small_message_of_an_owner_without_a_slot() -> None:
    turns = Turns(3, kept=1)
    for _ in range(2):
        turns.acquire("many", is_small=False, wait_limit=0)
    for who, is_small in (("many", True), ("many", False), ("other", False)):
        with pytest.raises(NoTurnError):
            turns.acquire(who, is_small=is_small, wait_limit=0)
    turns.acquire("other", is_small=True, wait_limit=0)


def test_the_last_slot_but_one_is_for_a_small_message_of_a_sender_without_a_slot() -> None:
    turns = Turns(3, kept=2)
    turns.acquire("relay", "slow@corp.example", is_small=False, wait_limit=0)
    for sender, is_small in (("slow@corp.example", True), ("other@corp.example", False)):
        with pytest.raises(NoTurnError):
            turns.acquire("relay", sender, is_small=is_small, wait_limit=0)
    turns.acquire("relay", "other@corp.example", is_small=True, wait_limit=0)
    # The last one stays for another client, however many senders this one names.
    with pytest.raises(NoTurnError):
        turns.acquire("relay", "third@corp.example", is_small=True, wait_limit=0)
    turns.acquire("other", is_small=True, wait_limit=0)


def test_senders_of_one_client_take_turns() -> None:
    turns = Turns(1, kept=0)
    turns.acquire("relay", "many", is_small=True, wait_limit=0)
    order = ["many"]

    def take(sender: str) -> None:
        turns.acquire("relay", sender, is_small=True, wait_limit=30)
        order.append(sender)

    threads = [threading.Thread(target=take, args=[sender]) for sender in ("many", "many", "few")]
    for count, thread in enumerate(threads, 1):
        thread.start()
        wait_for_count(turns._waiting, count, "it to wait")
    for count in range(2, 5):
        turns.release("relay", 1.0, order[-1])
        wait_for_count(order, count, "the next one to have a place")
    for thread in threads:
        thread.join()
    assert order == ["many", "few", "many", "many"]


def test_a_slot_that_is_not_reserved_is_for_any_owner() -> None:
    turns = Turns(1, kept=0)
    turns.acquire("one", is_small=False, wait_limit=0)
    with pytest.raises(NoTurnError):
        turns.acquire("two", is_small=True, wait_limit=0.01)
    turns.release("one", 1.0)
    turns.acquire("two", is_small=False, wait_limit=0)


def test_an_owner_who_used_little_time_comes_first() -> None:
    turns = Turns(1, kept=0)
    order = ["many"]
    turns.acquire("many", is_small=True, wait_limit=0)
    turns.release("many", 20.0)
    turns.acquire("many", is_small=True, wait_limit=0)

    def take(who: str) -> None:
        turns.acquire(who, is_small=True, wait_limit=30)
        order.append(who)

    threads = [threading.Thread(target=take, args=[who]) for who in ("many", "few", "many", "none")]
    for count, thread in enumerate(threads, 1):
        thread.start()
        wait_for_count(turns._waiting, count, "it to wait")
    for count in range(2, 6):
        turns.release(order[-1], 1.0)
        wait_for_count(order, count, "the next one to have a place")
    for thread in threads:
        thread.join()
    assert order == ["many", "few", "none", "many", "many"]


def test_a_waiter_that_gave_up_gets_no_slot() -> None:
    turns = Turns(1, kept=0)
    turns.acquire("one", is_small=True, wait_limit=0)
    with pytest.raises(NoTurnError):
        turns.acquire("two", is_small=True, wait_limit=0.01)
    turns.release("one", 0.0)
    assert (turns._free, turns._held, turns._waiting) == (1, {}, [])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40), st.integers(1, 4), st.integers(0, 2))
def test_the_number_of_slots_stays_constant(wishes: list[tuple[str, bool]], places: int, kept: int) -> None:
    turns = Turns(places, kept=kept)
    held: list[str] = []
    for who, is_small in wishes:
        try:
            turns.acquire(who, is_small=is_small, wait_limit=0)
            held.append(who)
        except NoTurnError:
            if held:
                turns.release(held.pop(0), 0.1)
        assert turns._free == places - len(held) >= 0
    while held:
        turns.release(held.pop(), 0.1)
    assert (turns._free, turns._held) == (places, {})


def test_owners_are_eventually_forgotten() -> None:
    turns = Turns(1, kept=0)
    for number in range(5_000):
        turns.acquire(str(number), is_small=True, wait_limit=0)
        turns.release(str(number), 1.0)
    assert len(turns._used) <= 2_000


def test_used_time_halves_every_30_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("holdgate.scan.turns.time.monotonic", lambda: clock[0])
    turns = Turns(1, kept=0)

    def used(who: str, seconds: float) -> None:
        turns.acquire(who, "s", is_small=True, wait_limit=0)
        turns.release(who, seconds, "s")

    used("many", 8.0)
    used("little", 0.0044)
    clock[0] += 29.9
    used("other", 1.0)
    assert (turns._used["many"], turns._used["many", "s"]) == (8.0, 8.0), "not yet"
    clock[0] += 30.1
    used("other", 1.0)
    assert turns._used["many"] == turns._used["many", "s"] == pytest.approx(2.0)
    assert "little" in turns._used, "0.001 s is left of it"
    assert turns._used["other"] == pytest.approx(1.0 * 0.5**2 + 1.0)
    clock[0] += 30.0
    used("other", 0.0)
    assert turns._used["many"] == pytest.approx(1.0)
    assert "little" not in turns._used
    assert turns._used["other"] == pytest.approx(1.25 / 2)


def test_over_the_limit_the_owners_with_the_least_used_time_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdgate.scan.turns._REMEMBERED", 2)
    turns = Turns(1, kept=0)
    for who, seconds in (("a", 3.0), ("b", 9.0)):
        turns.acquire(who, is_small=True, wait_limit=0)
        turns.release(who, seconds)
    assert set(turns._used) == {"a", ("a", ""), "b", ("b", "")}, "four is not too many"
    turns.acquire("c", is_small=True, wait_limit=0)
    turns.release("c", 1.0)
    assert turns._used == {"b": 9.0, ("b", ""): 9.0}


def test_a_waiter_that_gets_its_slot_while_it_gives_up_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(1, kept=0)
    turns.acquire("one", is_small=True, wait_limit=0)

    class LateLock:
        """A lock whose wait ends without success, in the moment in which the place becomes free."""

        def __init__(self) -> None:
            self.asked = 0

        def acquire(self, timeout: float = -1) -> bool:
            self.asked += 1
            if self.asked == 2:
                assert timeout == 2.5
                turns.release("one", 0.0)
                return False
            return True

        def release(self) -> None:
            pass

    waiting: Callable[..., Any] = turns_module._Waiting
    monkeypatch.setattr(turns_module, "_Waiting", lambda *who: waiting(*who, called=cast(Any, LateLock())))
    turns.acquire("two", is_small=True, wait_limit=2.5)
    assert (turns._free, turns._held, turns._waiting) == (0, {"two": 1}, [])
