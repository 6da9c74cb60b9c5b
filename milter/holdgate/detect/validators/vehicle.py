"""Numbers of vehicles."""

import re
from typing import Final

_VIN: Final = re.compile(r"(?=[A-Z0-9]*[A-Z])(?=(?:[A-Z0-9]*\d){4})[A-HJ-NPR-Z0-9]{17}")
_LETTERS: Final = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_CHECK: Final = 8


def vin(value: str) -> bool:
    """Whether it is built like a vehicle identification number (ISO 3779): no I, O or Q, letters and digits."""
    return _VIN.fullmatch(value) is not None and value[-4:].isdigit()


def vin_checked(value: str) -> bool:
    """Whether its ninth character is the check digit (49 CFR 565.15), as North America and China ask for."""
    if not vin(value):
        return False
    total = sum(
        (int(character) if character.isdigit() else _LETTERS[character]) * weight
        for character, weight in zip(value, _WEIGHTS, strict=True)
    )
    return value[_CHECK] == "0123456789X"[total % 11]
