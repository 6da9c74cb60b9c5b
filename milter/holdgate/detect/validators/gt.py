"""Numbers issued in Guatemala."""

_MUNICIPALITIES = (17, 8, 16, 16, 14, 14, 19, 8, 24, 21, 9, 30, 33, 21, 8, 17, 14, 5, 11, 11, 7, 17)


def cui(value: str) -> bool:
    """Whether it is a Código Único de Identificación: eight digits, their check digit, department and municipality.

    Source: RENAP (Documento Personal de Identificación); weights 2 to 9, mod 11.
    """
    if len(value) != 13 or not value.isdecimal():
        return False
    department, municipality = int(value[9:11]), int(value[11:13])
    if not 1 <= department <= len(_MUNICIPALITIES) or not 1 <= municipality <= _MUNICIPALITIES[department - 1]:
        return False
    return sum(int(n) * w for w, n in enumerate(value[:8], 2)) % 11 == int(value[8])
