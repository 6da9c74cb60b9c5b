"""Check sums and dates that the numbers of several countries share."""

import datetime
from collections.abc import Iterable


def weighted(value: Iterable[str], weights: Iterable[int]) -> int:
    """Return the sum of characters times weights; 0-9 count as themselves, A-Z as 10-35 (ICAO 9303 part 3, 4.9)."""
    return sum(int(character, 36) * weight for character, weight in zip(value, weights, strict=False))


def is_date(year: int, month: int, day: int) -> bool:
    """Whether there is such a day in the calendar."""
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True
