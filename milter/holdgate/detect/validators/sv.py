"""Numbers issued in El Salvador."""


def dui(value: str) -> bool:
    """Whether the last of nine digits of a Documento Único de Identidad is its check digit (weights 9 to 2, mod 10).

    Source: Registro Nacional de las Personas Naturales (RNPN).
    """
    if len(value) != 9 or not value.isdecimal() or len(set(value)) == 1:
        return False
    return -sum(int(n) * (9 - i) for i, n in enumerate(value[:8])) % 10 == int(value[8])
