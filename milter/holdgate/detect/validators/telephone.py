"""Telephone numbers: what the numbering plans allow."""

import re

from holdgate.detect.finders.phone import possible

_NORTH_AMERICA = re.compile(r"1?[2-9]\d\d[2-9]\d{6}(?:X\d{1,6})?")


def north_america(value: str) -> bool:
    """Whether area and exchange code are possible in the North American Numbering Plan; an extension may follow."""
    return _NORTH_AMERICA.fullmatch(value) is not None


def dialled(value: str) -> bool:
    """Whether it is an international number with the prefix 00 (ITU-T E.123), an extension aside."""
    return value.startswith("00") and possible(value.partition("X")[0][2:])
