"""Numbers issued in Mexico."""


def clabe(value: str) -> bool:
    """Whether the last of eighteen digits is the check digit of a bank account key (weights 3, 7, 1, mod 10).

    Source: Banco de México, Circular 14/2017, annex 2 (CLABE).
    """
    if len(value) != 18 or not value.isdecimal():
        return False
    total = sum(int(n) * (3, 7, 1)[i % 3] % 10 for i, n in enumerate(value[:17]))
    return -total % 10 == int(value[17])
