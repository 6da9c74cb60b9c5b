"""Numbers issued in Russia."""


def snils(value: str) -> bool:
    """Whether the last two of eleven digits are the check number of the first nine (weights 9 to 1, mod 101).

    Source: Pension Fund of Russia, Постановление Правления ПФР 31.07.2006 N 192п, annex 1 (numbers above 001-001-998).
    """
    if len(value) != 11 or not value.isdecimal() or value[:9] <= "001001998":
        return False
    return sum(int(n) * (9 - i) for i, n in enumerate(value[:9])) % 101 % 100 == int(value[9:])
