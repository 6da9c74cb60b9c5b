"""Numbers issued in China."""

from datetime import date

from stdnum import numdb
from stdnum.cn import ric

# Holders of a residence permit from Hong Kong, Macao and Taiwan (港澳台居民居住证申领发放办法, 2018).
_FROM_ELSEWHERE = ("810000", "820000", "830000")


def resident_id(value: str) -> bool:
    """Whether a citizen identification number has a date, its check character and the code of a place.

    Source: GB 11643-1999. The code is that of the place where the person is registered when they get the number, so it
    can be newer than the person. python-stdnum (2.2) requires that it existed in the year of birth.
    """
    if (
        len(value) != 18
        or not value[:17].isdecimal()
        or not value.isascii()
        or value[17] != ric.calc_check_digit(value)
    ):
        return False
    try:
        born = date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        return False
    if value[:6] in _FROM_ELSEWHERE:
        return True
    *_, (_, place) = numdb.get("cn/loc").info(value[:6])
    return any(born.year <= _last_year(county) for county in place.get("county", "[-0]").split(","))


def _last_year(county: str) -> int:
    """Return the last year of a code's name as python-stdnum has it: `name`, `[1983-]name` or `[1983-2010]name`."""
    period = county[1:].partition("]")[0] if county.startswith("[") else ""
    return int(period.partition("-")[2] or 9999)
