"""Eight digits that are a date, which is frequent where a number without a check digit could be."""

import re

_DAY_FIRST = re.compile(
    r"(?:(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])(?:1[3-9]|2\d|3[01]))(?:19|20)\d\d"
)
_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")


def no_date(value: str) -> bool:
    """Whether it is anything but a date of this or the last century written as eight digits, year first."""
    return _DATE.fullmatch(value) is None


def only_date(value: str) -> bool:
    """Whether eight digits are a date of this or the last century, with its year first or last."""
    return _DATE.fullmatch(value) is not None or _DAY_FIRST.fullmatch(value) is not None
