"""Numbers issued in Germany that python-stdnum does not know."""

import re

from holdgate.detect.validators.digits import weighted

_HEALTH = re.compile("[A-Z][0-9]{9}")
_PENSION = re.compile("[0-9]{8}[A-Z][0-9]{3}")
_DOCUMENT = re.compile("[0-9A-Z]{9}[0-9]D?")
_LICENCE = re.compile("[0-9A-Z]{9}[0-9X][0-9A-Z]")

_PENSION_WEIGHTS = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)


def _cross_sum(number: int) -> int:
    return number // 10 + number % 10


def _letter_as_digits(value: str, position: int) -> str:
    """Return `value` with the letter at `position` replaced by its place in the alphabet, two digits."""
    return f"{value[:position]}{ord(value[position]) - 64:02d}{value[position + 1 :]}"


def kvnr(value: str) -> bool:
    """Whether the last of a letter and nine digits is the check digit (§ 290 SGB V; weights 1, 2, cross sums, mod 10).

    The letter counts as its place in the alphabet, two digits.
    """
    if not _HEALTH.fullmatch(value):
        return False
    digits = _letter_as_digits(value, 0)
    return sum(_cross_sum(int(d) * (1 + i % 2)) for i, d in enumerate(digits[:-1])) % 10 == int(digits[-1])


def rvnr(value: str) -> bool:
    """Whether a pension insurance number has a birth date and its check digit (VKVV § 2 and § 4).

    Twelve characters: area, day, month, year, first letter of the name at birth, serial, check digit. A day above 31
    distinguishes numbers of the same day; a month of 0 or day of 0 is used if the date is unknown.
    """
    if not _PENSION.fullmatch(value):
        return False
    digits = _letter_as_digits(value, 8)
    day, month = int(value[2:4]), int(value[4:6])
    if day > 62 or month > 12:
        return False
    products = (int(d) * weight for d, weight in zip(digits, _PENSION_WEIGHTS, strict=False))
    return sum(map(_cross_sum, products)) % 10 == int(digits[-1])


def document(value: str) -> bool:
    """Whether the tenth character of a passport or identity card is the check digit (ICAO 9303 part 3, 4.9)."""
    return _DOCUMENT.fullmatch(value) is not None and weighted(value[:9], (7, 3, 1) * 3) % 10 == int(value[9])


def drivers_licence(value: str) -> bool:
    """Whether the tenth of eleven characters is the check digit (weights 9 to 1, mod 11, ten is X; FeV Anlage 8)."""
    if not _LICENCE.fullmatch(value):
        return False
    return value[9] == "0123456789X"[weighted(value[:9], range(9, 0, -1)) % 11]
