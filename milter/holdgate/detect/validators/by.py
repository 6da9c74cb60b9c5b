"""Numbers issued in Belarus."""


def personal_number(value: str) -> bool:
    """Whether the last of fourteen characters of an identification number is its check digit (7, 3, 1 in turn, mod 10).

    Letters count from A = 10, as in ICAO Doc 9303. Source: Ministry of Internal Affairs of Belarus, personal number.
    """
    if len(value) != 14 or not value.isascii() or not value.isalnum() or not value[13].isdecimal():
        return False
    return sum(int(n, 36) * (7, 3, 1)[i % 3] for i, n in enumerate(value[:13])) % 10 == int(value[13])
