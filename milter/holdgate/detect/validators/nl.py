"""Numbers issued in the Netherlands, in notations that python-stdnum does not accept."""

from stdnum.nl import bsn


def short_bsn(value: str) -> bool:
    """Whether it is a citizen service number without its leading zero (RvIG, weights 9 to 2 and -1, mod 11)."""
    return bool(bsn.is_valid("0" + value))
