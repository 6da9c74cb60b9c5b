"""Numbers issued in Australia."""

from holdgate.detect.validators.payment import luhn

_MEDICARE_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9)


def medicare(value: str) -> bool:
    """Whether the first ten digits are a Medicare card number: 2 to 6 in front, ninth digit a check (Services Australia).

    An eleventh digit is the individual reference number and is 1 to 9.
    """
    if len(value) not in (10, 11) or not value.isdigit() or value[0] not in "23456" or value[-1] == "0":
        return False
    total = sum(int(digit) * weight for digit, weight in zip(value, _MEDICARE_WEIGHTS, strict=False))
    return total % 10 == int(value[8])


def ihi(value: str) -> bool:
    """Whether it is an Individual Healthcare Identifier: 800360 in front, 16 digits, Luhn (AS 5017, ISO/IEC 7812)."""
    return len(value) == 16 and value.startswith("800360") and value.isdigit() and luhn(value)
