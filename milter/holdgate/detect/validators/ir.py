"""Numbers issued in Iran."""


def melli_code(value: str) -> bool:
    """Whether the last of ten digits is the check digit (weights 10 to 2, mod 11), and they are not all the same.

    Source: National Organization for Civil Registration of Iran (کد ملی).
    """
    if len(value) != 10 or not value.isdecimal() or len(set(value)) == 1:
        return False
    rest = sum(int(n) * (10 - i) for i, n in enumerate(value[:9])) % 11
    return int(value[9]) == (rest if rest < 2 else 11 - rest)
