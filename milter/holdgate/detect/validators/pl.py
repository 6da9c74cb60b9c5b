"""Numbers issued in Poland that python-stdnum does not know."""

import re

from holdgate.detect.validators.digits import weighted

_CARD = re.compile("[A-Z]{3}[0-9]{6}")
_PASSPORT = re.compile("[A-Z]{2}[0-9]{7}")
_ACCOUNT = re.compile("[0-9]{26}")


def id_card(value: str) -> bool:
    """Whether the first digit after three letters is the check digit of an identity card (mod 10)."""
    return _CARD.fullmatch(value) is not None and weighted(value, (7, 3, 1, 9, 7, 3, 1, 7, 3)) % 10 == 0


def passport(value: str) -> bool:
    """Whether the first digit after two letters is the check digit of a passport (mod 10)."""
    return _PASSPORT.fullmatch(value) is not None and weighted(value, (7, 3, 9, 1, 7, 3, 1, 7, 3)) % 10 == 0


def nrb(value: str) -> bool:
    """Whether 26 digits are a bank account number (NRB): an IBAN without its PL, mod 97."""
    return _ACCOUNT.fullmatch(value) is not None and int(f"{value[2:]}2521{value[:2]}") % 97 == 1
