"""Machine-readable zones of travel documents (ICAO Doc 9303): lines with number, birth and expiry.

TD3, MRV-A, TD2 and MRV-B have them in their second line, which begins alike; TD1 has them in its first two.
"""

import re
from collections.abc import Iterator
from typing import Final

from holdgate.detect.finders.finder import Dictionaries, Place, Text

_SECOND: Final = re.compile(
    r"(?<![A-Z0-9<])(?P<number>[A-Z0-9<]{9})(?P<check>[\d<])[A-Z<]{3}(?P<birth>\d{6})(?P<birth_check>\d)[MFX<]"
    r"(?P<expiry>\d{6})(?P<expiry_check>\d)[A-Z0-9<]{7,16}(?![A-Z0-9<])"
)
_TWO_LINES: Final = re.compile(
    r"(?<![A-Z0-9<])[ACIV][A-Z0-9<][A-Z<]{3}(?P<number>[A-Z0-9<]{9})(?P<check>[\d<])[A-Z0-9<]{15}\s{1,3}"
    r"(?P<birth>\d{6})(?P<birth_check>\d)[MFX<](?P<expiry>\d{6})(?P<expiry_check>\d)[A-Z<]{3}[A-Z0-9<]{11}\d(?![A-Z0-9<])"
)
_FILLER: Final = "<"


def find(text: Text, _: Dictionaries) -> Iterator[Place]:
    """Yield each zone; its value is the document's number, birth and expiry, each with its check digit."""
    if _FILLER * 2 not in text.text:
        return
    for pattern in (_TWO_LINES, _SECOND):
        for zone in pattern.finditer(text.text):
            yield Place(zone.start(), zone.end(), "".join(zone.groups()))
