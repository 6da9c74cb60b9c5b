"""Numbers issued in Kazakhstan."""


def iin(value: str) -> bool:
    """Whether the last of twelve digits is the check digit: weights 1 to 11, or from 3 on when that gives 10; mod 11.

    Source: https://www.oecd.org/tax/automatic-exchange/crs-implementation-and-assistance/tax-identification-numbers/Kazakhstan-TIN.pdf
    """
    if len(value) != 12 or not value.isdecimal():
        return False
    for shift in (0, 2):
        check = sum(int(n) * ((i + shift) % 11 + 1) for i, n in enumerate(value[:11])) % 11
        if check < 10:
            return check == int(value[11])
    return False
