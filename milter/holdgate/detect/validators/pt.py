"""Numbers issued in Portugal that python-stdnum does not know."""

from holdgate.detect.validators.digits import weighted


def niss(value: str) -> bool:
    """Whether the last of eleven digits is the check digit of a social security number (primes as weights, 9 - mod 10)."""
    return value[0] in "12" and 9 - weighted(value[:10], (29, 23, 19, 17, 13, 11, 7, 5, 3, 2)) % 10 == int(value[10])
