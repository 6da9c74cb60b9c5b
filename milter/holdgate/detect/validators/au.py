"""Numbers issued in Australia."""

import re

from holdgate.detect.validators.payment import luhn

_MEDICARE = re.compile(r"[2-6][0-9]{8}[1-9][1-9]?")
_IHI = re.compile(r"800360[0-9]{10}")
_MEDICARE_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9)


def medicare(value: str) -> bool:
    """Whether the first ten digits are a Medicare card number: 2 to 6 in front, ninth a check (Services Australia).

    The tenth is the number of the issue and the eleventh, if any, the individual reference number; neither is 0.
    """
    if _MEDICARE.fullmatch(value) is None:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(value, _MEDICARE_WEIGHTS, strict=False))
    return total % 10 == int(value[8])


def ihi(value: str) -> bool:
    """Whether it is an Individual Healthcare Identifier: 800360 in front, 16 digits, Luhn (AS 5017, ISO/IEC 7812)."""
    return _IHI.fullmatch(value) is not None and luhn(value)
