"""When a message counts as certainly missing: one that moves, or that Postfix still receives, does not."""

from datetime import UTC, datetime, timedelta

import pytest

from holdgate.quarantine.incident import Standing
from holdgate.quarantine.states import State
from holdgate.queue import missing
from holdgate.queue.missing import Missing

AFTER = timedelta(hours=1)


class Clocks:
    """The time of day and the machine's running time, in the module's place of both."""

    def __init__(self) -> None:
        self.day, self.running = datetime(2026, 3, 1, 12, tzinfo=UTC), 1000.0

    def now(self, _zone: object) -> datetime:
        return self.day

    def monotonic(self) -> float:
        return self.running

    def run(self, seconds: float) -> None:
        self.day += timedelta(seconds=seconds)
        self.running += seconds


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    made = Clocks()
    monkeypatch.setattr(missing, "datetime", made)
    monkeypatch.setattr(missing, "time", made)
    return made


def incident(clocks: Clocks, name: str, state: State) -> Standing:
    return Standing(name, f"4{name}", 1000, state, clocks.day)


def test_a_held_message_is_missing_after_three_listings_in_a_row(clocks: Clocks) -> None:
    one, other = (incident(clocks, name, State.HELD) for name in ("a", "b"))
    looked = Missing(AFTER)
    assert looked.certain([one, other]) == []
    assert looked.certain([other]) == [], "the first was listed again"
    assert looked.certain([one, other]) == [other]
    assert (looked.waits, looked.needs_listing) == (True, True)
    assert looked.certain([one, other]) == [other], "as long as its incident is open"
    looked.forget(other.id)
    assert looked.certain([one]) == [one]
    assert (looked.waits, looked.needs_listing) == (True, False)
    looked.forget(one.id)
    assert (looked.waits, looked.needs_listing) == (False, False)


def test_a_message_that_was_never_held_is_missing_after_its_time_limit(clocks: Clocks) -> None:
    one, looked = incident(clocks, "a", State.PENDING), Missing(AFTER)
    for _ in range(5):
        assert looked.certain([one]) == []
        assert (looked.waits, looked.needs_listing) == (False, False)
    clocks.run(AFTER.total_seconds())
    assert looked.certain([one]) == [], "it may be missing for so long"
    clocks.run(0.001)
    assert looked.certain([one]) == [one]


def test_the_time_limit_starts_again_for_a_message_that_returned(clocks: Clocks) -> None:
    one, looked = incident(clocks, "a", State.PENDING), Missing(AFTER)
    clocks.day -= timedelta(days=1)
    looked.certain([one])
    clocks.run(1800)
    looked.certain([])  # it was listed
    looked.certain([one])
    clocks.run(3600)
    assert looked.certain([one]) == []
    clocks.run(1)
    assert looked.certain([one]) == [one]
