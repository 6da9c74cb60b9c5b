"""Numbers issued in Singapore."""

_WEIGHTS = (2, 7, 6, 5, 4, 3, 2)
_SERIES = {
    "S": (0, "JZIHGFEDCBA"),
    "T": (4, "JZIHGFEDCBA"),
    "F": (0, "XWUTRQPNMLK"),
    "G": (4, "XWUTRQPNMLK"),
    "M": (3, "XWUTRQPNJLK"),
}


def nric(value: str) -> bool:
    """Whether the last letter of an NRIC (S, T) or FIN (F, G, and M since 2022) is its check letter.

    Weights 2, 7, 6, 5, 4, 3, 2, an offset by series, mod 11. The issuer (ICA) publishes the series, not the algorithm:
    https://www.ica.gov.sg/news-and-publications/newsroom/media-release/new-m-fin-series-to-be-introduced-from-1-january-2022
    """
    if len(value) != 9 or value[0] not in _SERIES or not value[1:8].isdecimal():
        return False
    offset, letters = _SERIES[value[0]]
    total = offset + sum(int(n) * w for n, w in zip(value[1:8], _WEIGHTS, strict=True))
    return letters[total % 11] == value[8]
