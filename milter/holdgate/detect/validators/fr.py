"""Numbers issued in France that python-stdnum does not know."""


def id_card(value: str) -> bool:
    """Whether nine characters of an identity card (since 2021) mix letters and digits, two digits at least."""
    return sum(map(str.isdigit, value)) >= 2
