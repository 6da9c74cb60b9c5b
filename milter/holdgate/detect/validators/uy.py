"""Numbers issued in Uruguay."""


def cedula(value: str) -> bool:
    """Whether the last digit of a cédula de identidad is its check digit (weights 2, 9, 8, 7, 6, 3, 4, mod 10).

    Source: Dirección Nacional de Identificación Civil. Numbers under a million are written with six digits.
    """
    if len(value) not in (7, 8) or not value.isdecimal():
        return False
    padded = value.zfill(8)
    total = sum(int(n) * w for n, w in zip(padded[:7], (2, 9, 8, 7, 6, 3, 4), strict=True))
    return -total % 10 == int(padded[7])
