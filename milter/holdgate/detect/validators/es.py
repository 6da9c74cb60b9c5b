"""Numbers issued in Spain that python-stdnum does not support, or only in one notation."""

import re

from stdnum.es import dni as stdnum_dni

_NUSS = re.compile("[0-9]{12}")


def dni(value: str) -> bool:
    """Whether the letter is the check letter of a DNI; one below ten million may be without its leading zero."""
    return bool(stdnum_dni.is_valid(value.zfill(9)))


def nuss(value: str) -> bool:
    """Whether the last two of twelve digits check the ten before them (Seguridad Social: province, number, mod 97).

    A number below ten million is checked without its leading zero.
    """
    if not _NUSS.fullmatch(value):
        return False
    province, number, control = int(value[:2]), int(value[2:10]), int(value[10:])
    digits = 10_000_000 if number < 10_000_000 else 100_000_000
    return (1 <= province <= 53 or province == 66) and (province * digits + number) % 97 == control
