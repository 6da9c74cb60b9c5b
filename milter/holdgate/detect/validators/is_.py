"""Numbers issued in Iceland to persons; python-stdnum does not distinguish them from those of companies."""

from stdnum.is_ import kennitala


def person(value: str) -> bool:
    """Whether it is the number of a person: a day of birth to 31 (that of a company has 40 added) and a check digit."""
    return value[0] < "4" and bool(kennitala.is_valid(value))
