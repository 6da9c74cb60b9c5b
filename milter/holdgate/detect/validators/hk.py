"""Numbers issued in Hong Kong."""

_SPACE = 36


def identity_card(value: str) -> bool:
    """Whether the check character in brackets fits: A–Z count 10–35, a missing first letter 36, weights 9 to 1, mod 11.

    Source: Immigration Department of Hong Kong, "Hong Kong Identity Card", layout and check digit; A stands for 10.
    """
    if not value.isascii() or not value.isalnum():
        return False
    numbers = [int(character, 36) for character in value]
    if len(numbers) == 8:
        numbers.insert(0, _SPACE)
    return len(numbers) == 9 and sum(n * (9 - i) for i, n in enumerate(numbers)) % 11 == 0
