"""Numbers issued in the United States."""

import re

from holdgate.detect.validators.payment import luhn

_ITIN_GROUPS = frozenset(f"{group}" for group in (*range(50, 66), *range(70, 89), 90, 91, 92, *range(94, 100)))
_NINE_DIGITS = re.compile(r"[0-9]{9}")
_NPI = re.compile(r"[12][0-9]{9}")
_DEA = re.compile(r"[A-Z][A-Z9]([0-9]{7})")
_ROUTING_WEIGHTS = (3, 7, 1, 3, 7, 1, 3, 7, 1)
# First two digits in use: Federal Reserve districts, thrifts, electronic identifiers, traveller's cheques.
_ROUTING_PREFIXES = frozenset(f"{prefix:02}" for prefix in (*range(1, 13), *range(21, 33), *range(61, 73), 80))


def ssn(value: str) -> bool:
    """Whether it is built like a Social Security number (SSA: areas 000, 666 and 9xx are never issued; no check digit).

    Numbers that were once printed as examples (078-05-1120) count: administrators test with them.
    """
    return (
        value[:3] not in ("000", "666")
        and value[0] != "9"
        and value[3:5] != "00"
        and value[5:] != "0000"
        and len(set(value)) > 1
    )


def ssn_without_zeros(value: str) -> bool:
    """Whether a Social Security number results if the zeros that a spreadsheet dropped are added."""
    return not value.startswith("0") and ssn(value.zfill(9))


def itin(value: str) -> bool:
    """Whether it is built like an ITIN: 9 in front, a group that the IRS issues (Internal Revenue Manual 3.21.263)."""
    if _NINE_DIGITS.fullmatch(value) is None:
        return False
    return value[0] == "9" and value[3:5] in _ITIN_GROUPS and value[5:] != "0000"


def routing_number(value: str) -> bool:
    """Whether it is an ABA routing number: a prefix in use and the weighted sum 3-7-1 (ABA, Key to Routing Numbers)."""
    if _NINE_DIGITS.fullmatch(value) is None or value[:2] not in _ROUTING_PREFIXES:
        return False
    return sum(int(digit) * weight for digit, weight in zip(value, _ROUTING_WEIGHTS, strict=True)) % 10 == 0


def routing_and_account(value: str) -> bool:
    """Whether the first nine digits are a routing number; what follows is the account."""
    return len(value) > 9 and routing_number(value[:9])


def npi(value: str) -> bool:
    """Whether it is a National Provider Identifier: 1 or 2 in front, Luhn over 80840 + value (CMS, NPI check digit).

    The 15-digit form with 80840 in front (as on ISO 7812 cards) is also taken.
    """
    number = value.removeprefix("80840") if len(value) == 15 else value
    return _NPI.fullmatch(number) is not None and luhn(f"80840{number}")


def dea(value: str) -> bool:
    """Whether the last digit is the check digit of a DEA registration: d1+d3+d5 + 2*(d2+d4+d6), mod 10."""
    found = _DEA.fullmatch(value)
    if found is None:
        return False
    digits = found[1]
    odd = int(digits[0]) + int(digits[2]) + int(digits[4])
    even = int(digits[1]) + int(digits[3]) + int(digits[5])
    return (odd + 2 * even) % 10 == int(digits[6]) and len(set(digits)) > 1
