"""Numbers issued in Latvia to persons; python-stdnum does not distinguish them from those of companies."""

import re

from stdnum.lv import pvn

_DIGITS = re.compile("[0-9]{11}")


def personal_code(value: str) -> bool:
    """Whether it is a personal code: a birth date or, since 2017, 32 in front, and a check digit (PMLP)."""
    if not _DIGITS.fullmatch(value):
        return False
    return value[0] <= "3" and (value[6] in "012" or value.startswith("32")) and bool(pvn.is_valid(value))
