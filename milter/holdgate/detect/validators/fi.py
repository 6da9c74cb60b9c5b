"""Numbers issued in Finland: python-stdnum needs the sign between the parts, which a compact value lacks."""

import re

from holdgate.detect.validators.digits import is_date

_HETU = re.compile("[0-9]{6}[A-FU-Y]?[0-9]{3}[0-9A-Y]")

_CONTROL = "0123456789ABCDEFHJKLMNPRSTUVWXY"


def hetu(value: str) -> bool:
    """Whether it is a personal identity code: date, individual number from 002, control character (DVV, mod 31).

    The sign of the century (-, +) is not in a compact value of ten; a letter for it makes eleven. Individual numbers
    of 900-999 are temporary or for tests.
    """
    if not _HETU.fullmatch(value):
        return False
    day, month, year, individual = value[:2], value[2:4], value[4:6], value[-4:-1]
    century = 2000 if len(value) == 11 and value[6] in "ABCDEF" else 1900
    return (
        int(individual) >= 2
        and is_date(century + int(year), int(month), int(day))
        and value[-1] == _CONTROL[int(day + month + year + individual) % 31]
    )
