"""Numbers issued in Mexico."""

from stdnum.mx import curp as library


def curp(value: str) -> bool:
    """Whether a population register key has a date, a state and its check digit; the sex is H, M or, since 2023, X.

    Source: Instructivo normativo para la asignación de la CURP (DOF 18/06/2018). python-stdnum (2.2) refuses X.
    """
    known = f"{value[:10]}H{value[11:]}" if value[10:11] == "X" else value
    return library.is_valid(known, validate_check_digits=False) and library.calc_check_digit(value) == value[-1]


def clabe(value: str) -> bool:
    """Whether the last of eighteen digits is the check digit of a bank account key (weights 3, 7, 1, mod 10).

    Source: Banco de México, Circular 14/2017, annex 2 (CLABE).
    """
    if len(value) != 18 or not value.isdecimal():
        return False
    total = sum(int(n) * (3, 7, 1)[i % 3] % 10 for i, n in enumerate(value[:17]))
    return -total % 10 == int(value[17])
