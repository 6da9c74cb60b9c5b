"""Numbers issued in Hungary that python-stdnum does not know."""

import re

from holdgate.detect.validators.digits import is_date, weighted

_DIGITS = re.compile("[0-9]{9,11}")


def taj(value: str) -> bool:
    """Whether the last of nine digits is the check digit of a social security number (Act XX of 1996, mod 10)."""
    if not _DIGITS.fullmatch(value) or len(value) != 9:
        return False
    return weighted(value[:8], (3, 7) * 4) % 10 == int(value[8]) and value != "000000000"


def tax_id(value: str) -> bool:
    """Whether the last of ten digits is the check digit of a person's tax number (Act XX of 1996, mod 11).

    It begins with 8, then the days from 1 January 1867 to the birth: below 60,000 until the year 2031.
    """
    if not _DIGITS.fullmatch(value) or len(value) != 10:
        return False
    return value[0] == "8" and int(value[1:6]) < 60_000 and weighted(value[:9], range(1, 10)) % 11 == int(value[9])


def personal_id(value: str) -> bool:
    """Whether eleven digits are sex and century, birth date, serial, check digit (Act XX of 1996, mod 11).

    The weights run 1 to 10 for who was born before 1997, and 10 to 1 after.
    """
    if not _DIGITS.fullmatch(value) or len(value) != 11:
        return False
    sex, year, month, day = int(value[0]), int(value[1:3]), int(value[3:5]), int(value[5:7])
    if not 1 <= sex <= 8 or not is_date((2000 if sex in (3, 4) else 1900) + year, month, day):
        return False
    before = sex not in (3, 4) and year <= 96
    weights = range(1, 11) if before else range(10, 0, -1)
    return weighted(value[:10], weights) % 11 == int(value[10])
