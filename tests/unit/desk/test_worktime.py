from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.config import ModerationSettings
from holdgate.desk.worktime import WorkTime

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = WorkTime(BERLIN, frozenset(range(5)), frozenset({date(2026, 12, 25), date(2027, 1, 1)}))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-11-23 15:00", 2, "2026-11-25 15:00"),  # Monday to Wednesday
        ("2026-11-27 15:00", 2, "2026-12-01 15:00"),  # Friday to Tuesday
        ("2026-11-28 15:00", 1, "2026-12-01 00:00"),  # Saturday: all of Monday counts
        ("2026-12-24 10:00", 1, "2026-12-28 10:00"),  # Thursday over Christmas Day and the weekend
        ("2026-10-23 12:00", 1, "2026-10-26 12:00"),  # over the end of summer time, which is on a Sunday
    ],
)
def test_only_working_days_count(start: str, days: int, end: str) -> None:
    assert WEEK.later(at(start), timedelta(days=days)) == at(end)


def test_without_working_days_every_hour_counts() -> None:
    every = WorkTime(BERLIN)
    assert every.later(at("2026-11-27 15:00"), timedelta(days=2)) == at("2026-11-29 15:00")
    assert every.earlier(at("2026-11-29 15:00"), timedelta(days=2)) == at("2026-11-27 15:00")


def test_the_settings_set_the_working_days() -> None:
    rules = ModerationSettings(working_days=["sun"], holidays=[date(2026, 11, 29)])
    work_time = WorkTime.of(rules, BERLIN)
    # The Sunday after the next one, for the next one is a holiday.
    assert work_time.later(at("2026-11-27 15:00"), timedelta(hours=1)) == at("2026-12-06 01:00")


def test_a_calendar_without_any_working_day_still_has_an_end() -> None:
    sundays = frozenset(date(2026, 1, 4) + timedelta(weeks=week) for week in range(3000))
    never = WorkTime(BERLIN, frozenset({6}), sundays)
    assert never.later(at("2026-11-27 15:00"), timedelta(days=1)) < at("2028-01-01 00:00")


moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
durations = st.timedeltas(timedelta(seconds=1), timedelta(days=30))


@given(moments, durations)
def test_later_is_never_earlier_and_monotonic(start: datetime, duration: timedelta) -> None:
    end = WEEK.later(start, duration)
    assert end - start >= duration
    assert WEEK.later(start, duration + timedelta(seconds=1)) > end
    assert WEEK.later(start + timedelta(seconds=1), duration) >= end


@given(moments, durations)
def test_earlier_is_the_inverse_of_later(start: datetime, duration: timedelta) -> None:
    end = WEEK.later(start, duration)
    # From a day off both lead to the working time around it.
    assert WEEK.later(WEEK.earlier(end, duration), duration) == end
