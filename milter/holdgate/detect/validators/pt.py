"""Numbers issued in Portugal that python-stdnum does not know."""

import re

from holdgate.detect.validators.digits import weighted

_NISS = re.compile("[12][0-9]{10}")


def niss(value: str) -> bool:
    """Whether the last of eleven digits is the check digit of a social security number (ISS; primes as weights)."""
    if not _NISS.fullmatch(value):
        return False
    return 9 - weighted(value[:10], (29, 23, 19, 17, 13, 11, 7, 5, 3, 2)) % 10 == int(value[10])
