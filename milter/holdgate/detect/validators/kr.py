"""Numbers issued in South Korea."""

_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)


def _checked(value: str, most: int) -> bool:
    if len(value) != 13 or not value.isdecimal():
        return False
    total = sum(int(n) * w for n, w in zip(value[:12], _WEIGHTS, strict=True))
    return (most - total % 11) % 10 == int(value[12])


def rrn(value: str) -> bool:
    """Whether the last digit is the check digit of a resident registration number issued before October 2020.

    Source: Enforcement Rule of the Resident Registration Act (주민등록법 시행규칙); later numbers are random.
    """
    return _checked(value, 11)


def frn(value: str) -> bool:
    """Whether the last digit is the check digit of a foreigner registration number (as `rrn`, plus 2)."""
    return _checked(value, 13)
