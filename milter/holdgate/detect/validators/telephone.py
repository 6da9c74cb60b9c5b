"""Telephone numbers: what the numbering plans allow."""

import re

from holdgate.detect.finders.phone import possible

_NORTH_AMERICA = re.compile(r"1?[2-9]\d\d[2-9]\d{6}(?:X\d{1,6})?")

# A date with its year in front, or two years.
_DATE = re.compile(r"(?:19|20)\d\d(?:(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])|(?:19|20)\d\d\Z)")


def north_america(value: str) -> bool:
    """Whether area and exchange code are possible in the North American Numbering Plan; an extension may follow."""
    return _NORTH_AMERICA.fullmatch(value) is not None


def dialled(value: str) -> bool:
    """Whether it is an international number with the prefix 00 (ITU-T E.123), an extension aside."""
    return value.startswith("00") and possible(value.partition("X")[0][2:])


def grouped(value: str) -> bool:
    """Whether digits in groups can be a telephone number and not a date ("2026-01-15 10") or years."""
    return _DATE.match(value) is None and len(set(value)) > 1
