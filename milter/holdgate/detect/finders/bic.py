"""Bank identifier codes (ISO 9362): eight or eleven capitals, with a country code in the middle."""

import re
from collections.abc import Iterator

from holdgate.detect.finders.finder import Dictionaries, Place, Text

_CODE = re.compile(r"(?<![A-Za-z0-9])[A-Z]{4} ?([A-Z]{2}) ?[A-Z2-9][A-NP-Z0-9](?: ?[A-Z0-9]{3})?(?![A-Za-z0-9])")
# Countries with banks that take part in SWIFT but do not issue IBANs, and those that do.
_COUNTRIES = frozenset(
    "US CA MX AU NZ JP CN HK TW SG KR IN TH MY ID PH VN ZA NG KE GH AR CL CO PE UY VE BO EC PY RU BY IR PA KH LK BD NP "
    "MM MO LA MN UZ ET TZ UG ZM ZW MA DZ SN CI CM AO MZ NA BW JM TT BS BB BM KY CW AF SY YE OM FJ PG GG JE IM".split()
) | frozenset(
    "AD AE AL AT AZ BA BE BG BH BR CH CR CY CZ DE DK DO EE EG ES FI FO FR GB GE GI GL GR GT HR HU IE IL IQ IS IT JO KW "
    "KZ LB LC LI LT LU LV LY MC MD ME MK MR MT MU NI NL NO PK PL PS PT QA RO RS SA SC SD SE SI SK SM SO ST SV TL TN TR "
    "UA VA VG XK".split()
)


def find(text: Text, _: Dictionaries) -> Iterator[Place]:
    """Yield each code whose fifth and sixth letters are those of a country."""
    for found in _CODE.finditer(text.text):
        if found[1] in _COUNTRIES:
            yield Place(found.start(), found.end(), found[0].replace(" ", ""))
