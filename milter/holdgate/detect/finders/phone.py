"""Telephone numbers: candidates by their digits, judged by libphonenumber's numbering plans."""

import re
from collections.abc import Iterator

import phonenumbers

from holdgate.detect.finders.finder import Place, Text

_CANDIDATE = re.compile(
    r"(?<![\w.\-/@+])(?:"
    r"(?:\+|00)[1-9](?:[ .\-/()]{0,2}\d){6,14}"
    r"|(?:1[ .-])?(?:\([2-9]\d\d\)[ .-]?|[2-9]\d\d[.-])\d{3}[ .-]\d{4}"
    r")(?: ?(?:x|ext\.?) ?\d{1,6})?(?![\w@]|[.\-]\d)"
)
_HOME = "US"


def find(text: Text) -> Iterator[Place]:
    """Yield each number that some country's plan allows: with "+" or "00", or grouped as in North America."""
    for found in _CANDIDATE.finditer(text.text):
        raw = found[0]
        try:
            number = phonenumbers.parse("+" + raw[2:] if raw.startswith("00") else raw, _HOME)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(number):
            yield Place(found.start(), found.end(), f"+{number.country_code}{number.national_number}")
