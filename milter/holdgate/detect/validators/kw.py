"""Numbers issued in Kuwait."""

_WEIGHTS = (2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def civil_id(value: str) -> bool:
    """Whether the last of twelve digits is the check digit: 11 less the weighted sum mod 11.

    Source: Public Authority for Civil Information, as described at https://prakhar.me/articles/kuwait-civil-id-checksum/
    """
    if len(value) != 12 or not value.isdecimal():
        return False
    total = sum(int(n) * w for n, w in zip(value[:11], _WEIGHTS, strict=True))
    return 11 - total % 11 == int(value[11])
