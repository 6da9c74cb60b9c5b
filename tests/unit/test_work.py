"""The runner of background work, on the test's clock: when items are tried, and that none blocks others."""

import logging
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.work import Batch, Round, Runner


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class AwayError(Exception):
    """The store is away."""


class FirstError(Exception):
    """Another process was first."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


def runner(clock: Clock, **options: Any) -> Runner[str]:
    return Runner(stage="test", key=str, clock=clock, **{"shared": (AwayError,), "expected": (FirstError,)} | options)


TEN = [f"good{number}" for number in range(10)]


@pytest.mark.parametrize("error", [ValueError, AwayError, FirstError])
@pytest.mark.parametrize("place", [0, 5, 10])
def test_an_item_that_always_fails_does_not_delay_ten_others(clock: Clock, place: int, error: type[Exception]) -> None:
    work = runner(clock)
    left = [*TEN[:place], "bad", *TEN[place:]]
    tried: list[str] = []

    def step(item: str) -> None:
        tried.append(item)
        if item == "bad":
            raise error
        left.remove(item)

    assert work.run(left[:], step, budget=60) == Round(done=10, failed=1)
    assert left == ["bad"]
    for _ in range(200):
        clock.now += 1
        work.run(left[:], step, budget=60)
    assert 4 <= tried.count("bad") <= 45


@pytest.mark.parametrize("kind", ["item", "batch"])
def test_an_item_that_fails_its_batch_is_tried_on_its_own(clock: Clock, kind: str) -> None:
    work = runner(clock)
    left = {*TEN, "bad"}
    sizes: list[int] = []

    def together(items: list[str]) -> list[str]:
        sizes.append(len(items))
        if "bad" in items:
            raise ValueError
        return items

    def once() -> None:
        for batch in work.batches(sorted(left), size=4, budget=60):
            if kind == "item":
                batch.each(lambda item: together([item]))
            else:
                batch.together(together, lambda item, outcome: None)
            left.difference_update(batch.items)

    once()
    clock.now += 2
    once()
    assert left == {"bad"}


def test_an_error_is_logged_with_the_id_of_its_item_and_counted(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    work = runner(clock, queue_id=lambda item: f"4{item}", describe=lambda error: "it said no")

    def step(item: str) -> None:
        raise {"a": ValueError, "b": FirstError}[item]("secret")

    with caplog.at_level(logging.INFO, "holdgate"):
        work.run(["a", "b"], step, budget=60)
    assert [record.getMessage() for record in caplog.records] == [
        "4a: work-failed: stage=test item=a error=it said no attempts=1"
    ]


def test_a_round_tries_only_a_few_items_if_all_fail_and_all_are_retried_soon(clock: Clock) -> None:
    work = runner(clock, longest=3600)
    tried: list[str] = []

    def away(item: str) -> None:
        tried.append(item)
        raise AwayError

    for _ in range(1000):
        before = len(tried)
        assert work.run(TEN, away, budget=60).failed <= 3
        assert len(tried) - before <= 3
        clock.now += 1
    assert set(tried) == set(TEN)
    clock.now += 5
    assert work.run(TEN, lambda _: None, budget=60) == Round(done=10)


def test_failures_of_removed_items_are_forgotten(clock: Clock) -> None:
    work = runner(clock)
    for number in range(1000):
        work.run([f"bad{number}"], lambda _: 1 / 0, budget=60)
    clock.now += 60
    assert work.is_due()
    work.run([], lambda _: None, budget=60)
    assert not work.is_due()
    assert work._failures == {}


def test_is_due_reports_whether_a_failed_item_is_due(clock: Clock) -> None:
    work = runner(clock)
    work.run(["bad"], lambda _: 1 / 0, budget=60)
    assert not work.is_due()
    clock.now += 1
    assert work.is_due()


@pytest.mark.parametrize("failing", [True, False])
def test_a_round_ends_after_one_batch_on_request(clock: Clock, failing: bool) -> None:
    work = runner(clock)

    def step(_: str) -> None:
        if failing:
            raise ValueError

    for batch in work.batches(TEN, size=4, budget=60, enough=lambda: True):
        batch.each(step)
    assert (work.round.done, work.round.failed, work.round.left) == ((0, 4, 6) if failing else (4, 0, 6))


def test_a_keyboard_interrupt_ends_a_round(clock: Clock) -> None:
    def step(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner(clock).run(TEN, step, budget=60)


def test_each_item_has_its_own_outcome_of_a_batch_step(clock: Clock) -> None:
    work = runner(clock)
    seen: list[tuple[str, int]] = []

    def then(item: str, outcome: int) -> None:
        if item == "bad":
            raise ValueError
        seen.append((item, outcome))

    for batch in work.batches(["a", "bad", "c"], size=5, budget=60):
        batch.together(lambda items: [len(items), 7, 8], then)
    assert seen == [("a", 3), ("c", 8)]
    assert work.round == Round(done=2, failed=1)


def test_a_batch_step_is_not_run_without_items() -> None:
    batch: Batch[str] = Batch([])
    batch.together(lambda _: pytest.fail("there is nobody"), lambda item, outcome: None)


def test_an_answer_about_other_items_fails_all_items() -> None:
    batch = Batch(["a", "b"])
    batch.together(lambda _: [1], lambda item, outcome: pytest.fail("whose outcome?"))
    assert batch.items == []
    assert [item for item, _ in batch.errors] == ["a", "b"]


OUTCOMES = [None, ValueError, AwayError, FirstError]


@given(
    names=st.lists(st.text("abc", min_size=1, max_size=3), unique=True, max_size=12),
    size=st.integers(1, 5),
    budget=st.floats(0, 10),
    data=st.data(),
)
def test_no_item_is_retried_early_or_skipped_whatever_fails(
    names: list[str], size: int, budget: float, data: st.DataObject
) -> None:
    clock = Clock()
    work = runner(clock, first=1, longest=8)
    left = names[:]
    tried: dict[str, list[float]] = {name: [] for name in names}

    def step(fails: bool) -> Callable[[str], None]:
        def take(item: str) -> None:
            tried[item].append(clock.now)
            clock.now += data.draw(st.integers(0, 12)) / 4
            error = data.draw(st.sampled_from(OUTCOMES)) if fails else None
            if error is not None:
                raise error

        return take

    for fails in [True] * 8 + [False] * 40:
        begun = clock.now
        for number, batch in enumerate(work.batches(left[:], size=size, budget=budget)):
            assert number == 0 or clock.now - begun < budget
            batch.each(step(fails))
            for item in batch.items:
                left.remove(item)
        round_ = work.round
        assert round_.done + round_.failed + round_.left <= len(names)
        clock.now = max(clock.now, begun) + 1
    assert left == []
    for times in tried.values():
        assert all(after - before >= 1 for before, after in pairwise(times))
