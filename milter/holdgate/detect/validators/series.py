"""Letters in front of a number: a series that an issuer prints, or only a short word that happens to stand there."""

_WORDS = frozenset(
    # English and French words of two letters, and abbreviations of "number", "licence", "passport", that end a label.
    ("AN AS AT BE BY DL DO GO HE ID IF IN IS IT ME MY NO NR OF ON OR PN PP SO TO UP US WE YR").split()
    + ("AU CE DE DU EN ET IL LA LE MA NO NE ON OU PA SA SE SI SU UN").split()
)


def no_word(value: str) -> bool:
    """Whether the first two characters are a series ("GA 302922") and not a short word ("is 302922")."""
    return value[:2] not in _WORDS
