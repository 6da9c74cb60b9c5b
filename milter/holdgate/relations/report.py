"""Reports how much was learned, and whether it is enough to evaluate mail."""

from dataclasses import dataclass

from holdgate.phrases import counted
from holdgate.quarantine.relations import Relations
from holdgate.relations.keys import Hasher
from holdgate.relations.teaching import COUNTED

DAYS = 28
_NEEDED_DAYS = 10
_NEEDED_MESSAGES = 200
# Maximum share of last week's recipients to whom their senders had not written before.
_FIRST_SHARE = 0.25
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Day:
    """What was learned from the mail of one day."""

    day: int
    messages: int
    recipients: int
    first: int


@dataclass(frozen=True, slots=True)
class Report:
    """What was learned recently. `relations` counts the rows of the table, `missing` states what is not enough."""

    relations: int
    days: list[Day]
    missing: list[str]

    @property
    def is_enough(self) -> bool:
        """Whether it is enough to set the mode to "on"."""
        return not self.missing


def report(hasher: Hasher, table: Relations, today: int) -> Report:
    """Return what was learned up to today."""
    asked = [(day, name) for day in range(today - DAYS + 1, today + 1) for name in COUNTED]
    keys = {(day, name): hasher.mark(f"day {name}", str(day)) for day, name in asked}
    found = table.of(list(keys.values()))
    counts = {place: round(found[key].weight) for place, key in keys.items() if key in found}
    days = [
        Day(day, *(counts.get((day, name), 0) for name in COUNTED))
        for day in range(today - DAYS + 1, today + 1)
        if (day, "messages") in counts
    ]
    return Report(table.count(), days, _missing(days, today))


def _missing(days: list[Day], today: int) -> list[str]:
    missing = []
    if len(days) < _NEEDED_DAYS:
        missing.append(f"mail of {counted(len(days), 'day')} was learned; at least {_NEEDED_DAYS} days are needed")
    if (messages := sum(day.messages for day in days)) < _NEEDED_MESSAGES:
        missing.append(f"messages learned: {messages}; at least {_NEEDED_MESSAGES} are needed")
    week = [day for day in days if day.day > today - _WEEK]
    recipients, first = sum(day.recipients for day in week), sum(day.first for day in week)
    if not week:
        missing.append(f"nothing was learned in the last {_WEEK} days")
    elif recipients and first / recipients > _FIRST_SHARE:
        missing.append(
            f"{first * 100 // recipients} % of the recipients of the last {_WEEK} days were new to their senders; "
            f"at most {_FIRST_SHARE:.0%} should be"
        )
    return missing
