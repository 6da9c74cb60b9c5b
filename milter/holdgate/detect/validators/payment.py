"""Payment cards and bank accounts: Luhn (ISO/IEC 7812-1 annex B), issuer ranges, ISO 13616 IBAN."""

import re

from stdnum import iban as stdnum_iban

_DOUBLED = bytes(digit * 2 - 9 if digit > 4 else digit * 2 for digit in range(10))

# Issuer ranges as the networks publish them, with the lengths that each uses.
_BRANDS = re.compile(
    r"4\d{12}(?:\d{3}){0,2}"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|095|[689]\d)\d{11,16}"  # Diners Club
    r"|6(?:011|5\d\d|4[4-9]\d|22[1-9])\d{12,15}"  # Discover
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB
    r"|62\d{14,17}"  # UnionPay
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"  # Maestro
    r"|220[0-4]\d{12}"  # Mir
    r"|(?:60|65|81|82|508)\d{13,14}"  # RuPay
)


def luhn(value: str) -> bool:
    """Whether the last digit is the Luhn check digit of those before it."""
    total = 0
    for position, character in enumerate(reversed(value)):
        digit = ord(character) - 48
        total += _DOUBLED[digit] if position & 1 else digit
    return total % 10 == 0


def card(value: str) -> bool:
    """Whether a card network could have issued the number: Luhn, and not one digit all over."""
    return len(set(value)) > 1 and luhn(value)


def branded_card(value: str) -> bool:
    """Whether it is a card number in an issuer range with a length that this issuer uses."""
    return card(value) and _BRANDS.fullmatch(value) is not None


def iban(value: str) -> bool:
    """Whether it is an IBAN of a country of the ISO 13616 registry, with its structure and mod 97."""
    return bool(stdnum_iban.is_valid(value, check_country=False))


def track(value: str) -> bool:
    """Whether "NUMBER=YYMM" of a magnetic stripe (ISO/IEC 7813) is a card's number and a month."""
    number, _, expiry = value.partition("=")
    return card(number) and "01" <= expiry[2:4] <= "12"
