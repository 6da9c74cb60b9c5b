"""Numbers issued in Japan."""

_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def drivers_licence(value: str) -> bool:
    """Whether the eleventh of twelve digits is the check digit of those before it (weights 5, 4, 3, 2, 7 … 2, mod 11).

    The first two digits are the prefecture, the next two the year, the last counts replacements.
    Source: https://tetsutalow.github.io/driversnumbercheckdigit (the police publish only the order of the digits).
    """
    if len(value) != 12 or not value.isdecimal():
        return False
    total = sum(int(n) * w for n, w in zip(value[:10], _WEIGHTS, strict=True))
    return (11 - total % 11) % 10 == int(value[10])
