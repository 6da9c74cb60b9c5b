"""Numbers issued in Poland that python-stdnum does not know."""

from holdgate.detect.validators.digits import weighted


def id_card(value: str) -> bool:
    """Whether the first digit after three letters is the check digit of an identity card (weights 7 3 1 9 7 3 1 7 3)."""
    return weighted(value, (7, 3, 1, 9, 7, 3, 1, 7, 3)) % 10 == 0


def passport(value: str) -> bool:
    """Whether the first digit after two letters is the check digit of a passport (weights 7 3 9 1 7 3 1 7 3)."""
    return weighted(value, (7, 3, 9, 1, 7, 3, 1, 7, 3)) % 10 == 0


def nrb(value: str) -> bool:
    """Whether 26 digits are a bank account number (NRB): an IBAN without its PL, mod 97."""
    return int(f"{value[2:]}2521{value[:2]}") % 97 == 1
