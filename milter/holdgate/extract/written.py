"""Whether a value in a place for data of programs may contain a personal number that a person wrote."""

import re

FEWEST_DIGITS = 6
# Words with a space beside them, a number in groups, one as long as that of a card, or what may be an IBAN.
_WRITTEN = re.compile(
    r"[^\W\d_]{3}[^\s\w]?\s|\s[^\W\d_]{3}|\d-\d+-\d|(?<![\w.])(?:\d[ -]?){13,19}(?!\w)"
    r"|\b[A-Z]{2}\d\d ?(?:[A-Z0-9]{4} ?){3,7}[A-Z0-9]{0,3}\b"
)
_TIME_OR_ID = re.compile(
    r"\d{4}[-:]\d\d[-:]\d\d(?:[T ][\d:.]+ ?(?:Z|[+-]\d\d:\d\d)?)?|[0-9A-F]{20,}|\{[0-9A-Fa-f-]{32,}\}"
)


def digits(text: str) -> int:
    """Return how many digits a text has, of any script."""
    return sum(map(str.isdecimal, text))


def is_written(value: str) -> bool:
    """Return whether a person could have written a personal number in a value.

    >>> is_written("SSN of Anna: 536904399"), is_written("536-90-4399"), is_written("00A77B3E 12345678")
    (True, True, False)
    >>> is_written("2026-11-23T09:00:00Z"), is_written("{5C22544A-7EE6-4342-B048-85BDC9FD1C3A}")
    (False, False)
    >>> is_written("{her number is 536-90-4399}")
    True
    """
    if digits(value) < FEWEST_DIGITS or _TIME_OR_ID.fullmatch(value):
        return False
    return _WRITTEN.search(value) is not None
