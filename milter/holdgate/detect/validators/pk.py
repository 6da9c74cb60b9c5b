"""Numbers issued in Pakistan."""

import re

# The area of registration (8: Azad Jammu and Kashmir), four digits of a place, seven of a family, one for the sex.
_CNIC = re.compile("[1-8][0-9]{11}[1-9]")


def cnic(value: str) -> bool:
    """Whether thirteen digits can be a number of an identity card. python-stdnum (2.2) lacks the area 8."""
    return _CNIC.fullmatch(value) is not None
