"""Postal addresses as they are written in the United States, the United Kingdom, Germany and France.

Street and number alone are in every text; a postcode in its place beside them makes an address.
Sources: USPS Publication 28, Royal Mail PAF digest, DIN 5008, La Poste SNA (NF Z10-011).
"""

import re
from collections.abc import Iterator
from typing import Final

from holdgate.detect.finders.finder import FIVE_DIGITS, OUTCODE, Dictionaries, Place, Text

_STATES: Final = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA"
    "|PR|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY"
)
_STREETS: Final = (
    "Street|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Drive|Dr|Lane|Ln|Court|Ct|Circle|Cir|Place|Pl|Square|Sq|Terrace|Ter"
    "|Trail|Trl|Parkway|Pkwy|Highway|Hwy|Way|Close|Crescent|Gardens|Grove|Mews|Row|Hill|Park|Walk|Broadway"
)
_UNIT: Final = r"(?:,?\s+(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Room|#)\.?\s*#?\w{1,6})?"
_STREET: Final = (
    rf"\d{{1,6}}[A-Za-z]?,?\s+(?:[NSEW]{{1,2}}\.?\s+)?(?:[A-Z0-9][\w'.\-]*\s+){{1,4}}(?:{_STREETS})\b\.?{_UNIT}"
)
_US: Final = re.compile(
    rf"(?:{_STREET}|P\.?\s?O\.?\s?Box\s+\d{{1,6}})[,\s]+[A-Z][A-Za-z.'\- ]{{1,30}},?\s+(?:{_STATES})\.?,?\s+"
    r"\d{5}(?:-\d{4})?(?!\d)"
)
_GB: Final = re.compile(
    rf"(?:Flat\s+\w{{1,4}},?\s+)?{_STREET}(?:[,\s]+[A-Z][A-Za-z.'\-]{{1,20}}){{0,5}}[,\s]+"
    r"(?:GIR ?0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d{1,2}|\d[A-HJKPSTUW]|[A-HK-Y]\d[ABEHMNPRV-Y])"
    r" ?\d[ABD-HJLNP-UW-Z]{2})\b"
)
_DE: Final = re.compile(
    r"[A-ZÄÖÜ][\wäöüß.\-]*(?:\s[A-ZÄÖÜ][\wäöüß.\-]*){0,2}?(?:[Ss]tr(?:aße|asse|\.)|[Ww]eg|[Pp]latz|[Aa]llee|[Gg]asse|[Rr]ing"
    r"|[Dd]amm|[Uu]fer|[Cc]haussee|[Hh]of)\s+\d{1,4}\s?[a-zA-Z]?(?:\s?[-/]\s?\d{1,4})?,?\s+(?:D-)?\d{5}\s+[A-ZÄÖÜ][\wäöüß.\-]+"
)
_FR: Final = re.compile(
    r"\d{1,4}(?:\s?(?:bis|ter|quater))?,?\s+(?:[Rr]ue|[Aa]venue|[Aa]v\.|[Bb]oulevard|[Bb]d|[Pp]lace|[Aa]llée|[Cc]hemin|[Ii]mpasse"
    r"|[Qq]uai|[Cc]ours|[Rr]oute|[Ss]quare)\s+[\w'’.\- ]{2,40}[,\s]+(?:F-)?\d{5}\s+[A-ZÉÈ][\w'’\-]+"
)
# Where a postcode may stand; the address is then looked for in the characters before it and a few behind.
_ENDS: Final = (
    (FIVE_DIGITS, re.compile(rb"AA\.?,? 00000(?![0Aa])"), (_US,)),
    (FIVE_DIGITS, re.compile(rb"00000 A"), (_DE, _FR)),
    # In the characters before the last three, a letter begins the digits of the postcode.
    (OUTCODE, re.compile(rb"0AA(?:(?<=A.0AA)|(?<=A..0AA)|(?<=A...0AA))(?![0Aa])"), (_GB,)),
)
_BEFORE: Final = 140
_AFTER: Final = 40
_SPACES: Final = re.compile(r"[\s,]+")


def find(text: Text, _: Dictionaries) -> Iterator[Place]:
    """Yield each address; its value is in lower case with single spaces."""
    for sign, pattern, layouts in _ENDS:
        if not text.signs & sign:
            continue
        reach = 0
        for code in pattern.finditer(text.mask):
            start = max(reach, code.start() - _BEFORE)
            window = text.text[start : code.end() + _AFTER]
            found = next((found for layout in layouts if (found := layout.search(window)) is not None), None)
            if found is not None:
                reach = start + found.end()
                yield Place(start + found.start(), reach, _SPACES.sub(" ", found[0].lower()))
