"""Places on Earth."""

import re
from typing import Final

_NUMBER: Final = re.compile(r"[+-]?\d+\.\d+")


def position(value: str) -> bool:
    """Whether two decimals are a latitude and a longitude (ISO 6709)."""
    numbers = [float(number) for number in _NUMBER.findall(value)]
    return len(numbers) == 2 and abs(numbers[0]) <= 90 and abs(numbers[1]) <= 180
