"""Numbers issued in Sweden; python-stdnum does not know those of coordination, which add 60 to the day of birth."""

import re

from stdnum import luhn

from holdgate.detect.validators.digits import is_date

_DIGITS = re.compile("(?:1[89]|20)?[0-9]{10}")


def personal_number(value: str) -> bool:
    """Whether ten or twelve digits are a birth date, a serial and a Luhn digit over the last ten (SKV 717)."""
    if not _DIGITS.fullmatch(value):
        return False
    digits = value[-10:]
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    day -= 60 if day > 60 else 0
    century = int(value[:2]) if len(value) == 12 else 20 if year % 4 == 0 else 19
    return is_date(century * 100 + year, month, day) and digits[6:9] != "000" and bool(luhn.is_valid(digits))
