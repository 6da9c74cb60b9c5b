"""Numbers issued in Canada and by its provinces."""

import re
from datetime import date

from holdgate.detect.validators.payment import luhn

_SIN = re.compile(r"[0-79][0-9]{8}")
_OHIP = re.compile(r"([1-9][0-9]{9})[A-Z]{0,2}")
_RAMQ = re.compile(r"[A-Z]{4}[0-9]{8}")
_ONTARIO = re.compile(r"[A-Z][0-9]{14}")
_QUEBEC = re.compile(r"[A-Z][0-9]{6}[01][0-9]{5}")
_NOVA_SCOTIA = re.compile(r"[A-Z]{5}[0-9]{2}[01][0-9]{6}")


def sin(value: str) -> bool:
    """Whether it is a Social Insurance Number: Luhn, and not an 8 in front, which the CRA gives to businesses.

    Numbers with 0 in front are not issued, but are the ones printed as examples (046 454 286): they count.
    """
    return _SIN.fullmatch(value) is not None and len(set(value)) > 1 and luhn(value)


def ohip(value: str) -> bool:
    """Whether the first ten digits are an Ontario health number: Luhn (Ministry of Health, MOD 10 check digit)."""
    found = _OHIP.fullmatch(value)
    return found is not None and len(set(found[1])) > 1 and luhn(found[1])


def _birth(year: str, month: str, day: str) -> bool:
    """Whether year, month (50 more for women) and day, two digits each, are a date in some century.

    1900 + N and 2000 + N are leap years alike, but for 1900 itself.
    """
    try:
        date(2000 + int(year), int(month) % 50, int(day))
    except ValueError:
        return False
    return True


def ramq(value: str) -> bool:
    """Whether digits 5 to 10 of a Quebec health insurance number are a birth date, 50 added to the month for women.

    The Régie does not publish how the last digit is made, so it is not checked.
    """
    return _RAMQ.fullmatch(value) is not None and _birth(value[4:6], value[6:8], value[8:10])


def ontario_licence(value: str) -> bool:
    """Whether the last six digits of an Ontario driver's licence are a birth date (YYMMDD, 50 more for women)."""
    return _ONTARIO.fullmatch(value) is not None and _birth(value[9:11], value[11:13], value[13:15])


def quebec_licence(value: str) -> bool:
    """Whether digits 5 to 10 of a Quebec driver's licence are a birth date (DDMMYY)."""
    return _QUEBEC.fullmatch(value) is not None and _birth(value[9:11], value[7:9], value[5:7])


def nova_scotia_licence(value: str) -> bool:
    """Whether the digits after the five letters of a Nova Scotia driver's licence begin with a birth date (DDMMYY)."""
    return _NOVA_SCOTIA.fullmatch(value) is not None and _birth(value[9:11], value[7:9], value[5:7])
