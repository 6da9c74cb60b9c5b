"""Machine-readable travel documents (ICAO Doc 9303)."""

from typing import Final

from holdgate.detect.validators.digits import weighted

_FILLER: Final = "<"
_WEIGHTS: Final = (7, 3, 1) * 3
# The beginnings of document number, date of birth and date of expiry, and the places of their check digits.
_FIELDS: Final = ((0, 9), (10, 16), (17, 23))
_LENGTH: Final = 24


def mrz(value: str) -> bool:
    """Whether number, birth and expiry have correct check digits after them (part 3, section 4.9).

    A number that is longer than its field has a filler in place of its digit, and is checked elsewhere: it is refused.
    """
    return len(value) == _LENGTH and all(_checks(value[start:end], value[end]) for start, end in _FIELDS)


def _checks(field: str, check: str) -> bool:
    if not field.replace(_FILLER, "").isalnum() or not field.isascii():
        return False
    return str(weighted(field.replace(_FILLER, "0"), _WEIGHTS) % 10) == check
