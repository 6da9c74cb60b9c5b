"""Deadlines in working time: moves a time by a duration of which only working days count.

A working day lasts from midnight to midnight in the site's time zone. So two working days from Friday 15:00 end on
Tuesday 15:00, independent of working hours.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from holdgate.config import ModerationSettings

_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# Maximum number of consecutive days off; after it every day counts, so that each deadline is reached.
_LONGEST_REST = 366


@dataclass(frozen=True, slots=True)
class WorkTime:
    """Which days count: `days` are weekdays (0 is Monday; empty: all), `holidays` dates that do not count."""

    zone: tzinfo
    days: frozenset[int] = frozenset()
    holidays: frozenset[date] = frozenset()

    @classmethod
    def of(cls, settings: ModerationSettings, zone: tzinfo) -> "WorkTime":
        """Return the object for the settings."""
        return cls(zone, frozenset(_NAMES.index(day) for day in settings.working_days), frozenset(settings.holidays))

    def later(self, start: datetime, duration: timedelta) -> datetime:
        """Return the time when `duration` of working time has passed since `start`; aware times, the result in UTC."""
        if not self.days:
            return (start + duration).astimezone(UTC)
        left = duration
        for begin, end in self._stretches(start, 1):
            if begin + left <= end:
                return begin + left
            left -= end - begin
        raise AssertionError("the stretches never end")

    def earlier(self, end: datetime, duration: timedelta) -> datetime:
        """Return the time from which `duration` of working time passes until `end`; aware times, the result in UTC."""
        if not self.days:
            return (end - duration).astimezone(UTC)
        left = duration
        for begin, stop in self._stretches(end, -1):
            if stop - left >= begin:
                return stop - left
            left -= stop - begin
        raise AssertionError("the stretches never end")

    def _stretches(self, moment: datetime, step: int) -> Iterator[tuple[datetime, datetime]]:
        """Yield working days from `moment`, forwards or backwards, as pairs of UTC times; the first is cut short."""
        day, rest = moment.astimezone(self.zone).date(), 0
        while True:
            works = rest >= _LONGEST_REST or self._works(day, self.days, self.holidays)
            rest = 0 if works and rest < _LONGEST_REST else rest + 1
            if works:
                begin, end = self._midnight(day), self._midnight(day + timedelta(days=1))
                begin, end = (max(begin, moment), end) if step > 0 else (begin, min(end, moment))
                if begin < end:
                    yield begin.astimezone(UTC), end.astimezone(UTC)
            day += timedelta(days=step)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    @staticmethod
    def _works(day: date, days: Collection[int], holidays: Collection[date]) -> bool:
        return day.weekday() in days and day not in holidays
