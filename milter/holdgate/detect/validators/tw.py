"""Numbers issued in Taiwan."""

# The place of first registration, in the order of the numbers 10 to 35 that the letters stand for.
_PLACES = "ABCDEFGHJKLMNPQRSTUVXYWZIO"


def identity_number(value: str) -> bool:
    """Whether the check digit of a national (A1…, A2…) or resident number (A8…, A9…, formerly AA… to AD…) fits.

    The first letter counts as two digits, a second letter as the units of its number; weights 1, 9, 8 … 1, 1; mod 10.
    Source: Ministry of the Interior, Department of Household Registration; National Immigration Agency (2021 format).
    """
    if len(value) != 10 or value[0] not in _PLACES:
        return False
    place = _PLACES.index(value[0]) + 10
    second = value[1] if value[1].isdecimal() else str(_PLACES.find(value[1]) % 10)
    rest = second + value[2:]
    if not rest.isdecimal():
        return False
    total = (
        place // 10 + place % 10 * 9 + sum(int(n) * w for n, w in zip(rest, (8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True))
    )
    return total % 10 == 0
