"""Numbers issued in Luxembourg that python-stdnum does not know."""

import re

from stdnum import luhn, verhoeff

from holdgate.detect.validators.digits import is_date

_DIGITS = re.compile("[0-9]{13}")


def matricule(value: str) -> bool:
    """Whether thirteen digits are a birth date, a serial, a Luhn and a Verhoeff digit (RGD of 28.11.2013).

    Both check digits are over the first eleven.
    """
    return (
        _DIGITS.fullmatch(value) is not None
        and 1850 <= int(value[:4]) <= 2100
        and is_date(int(value[:4]), int(value[4:6]), int(value[6:8]))
        and bool(luhn.is_valid(value[:12]))
        and bool(verhoeff.is_valid(value[:11] + value[12]))
    )
