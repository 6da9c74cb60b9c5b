"""Numbers issued in Indonesia."""

import re

from stdnum.exceptions import ValidationError
from stdnum.id import nik as library

# Codes of the Ministry of Home Affairs (Permendagri 72/2019), and the four provinces of 2022, 93 to 96.
_PROVINCES = re.compile("1[1-9]|21|3[1-6]|5[1-3]|6[1-5]|7[1-6]|8[12]|9[1-6]")


def nik(value: str) -> bool:
    """Whether sixteen digits begin with the code of a province and of a place in it, and have a date of birth.

    Source: PP 37/2007, article 37. python-stdnum (2.2) compares the place with old codes of the statistics office: they
    lack North Kalimantan and differ in Western New Guinea.
    """
    if len(value) != 16 or not value.isascii() or not value.isdecimal():
        return False
    if not _PROVINCES.match(value) or value[2:4] == "00" or value[4:6] == "00":
        return False
    try:
        library.get_birth_date(value)
    except ValidationError:
        return False
    return True
