"""Numbers issued in the United Kingdom."""

import re

from stdnum.gb import utr

_NEVER_PREFIXES = frozenset(("BG", "GB", "KN", "NK", "NT", "TN", "ZZ"))
_NINO = re.compile(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]")
_EXAMPLE_NINO = re.compile(r"QQ[0-9]{6}[A-D]")
# Surname filled up with 9, decade, month (50 more for women), day, year, initials, a digit, two check characters.
_DRIVING_LICENCE = re.compile(
    r"(?:[A-Z]{5}|[A-Z]{4}9|[A-Z]{3}99|[A-Z]{2}999|[A-Z]9999)"
    r"[0-9](?:[05][1-9]|[16][0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]"
    r"(?:[A-Z][A-Z9]|99)[0-9A-Z][0-9A-Z]{2}(?:[0-9][0-9])?"
)


def nino(value: str) -> bool:
    """Whether it is built like a National Insurance number (HMRC NIM39110); it has no check digit."""
    return _NINO.fullmatch(value) is not None and value[:2] not in _NEVER_PREFIXES


def nino_or_example(value: str) -> bool:
    """Whether it is a National Insurance number or begins with QQ, as HMRC's printed examples do."""
    return nino(value) or _EXAMPLE_NINO.fullmatch(value) is not None


def driving_licence(value: str) -> bool:
    """Whether it is built like a driver number of Great Britain (DVLA), with or without the two-digit issue number."""
    return _DRIVING_LICENCE.fullmatch(value) is not None


def utr_with_k(value: str) -> bool:
    """Whether it is a Unique Taxpayer Reference with the K that HMRC writes after it on some letters."""
    return value.endswith("K") and bool(utr.is_valid(value[:-1]))
