"""Data of magnetic stripes (ISO/IEC 7813): "%B4111…^EXAMPLE/ANN^2904101…?" and ";4111…=2904101…?"."""

import re
from collections.abc import Iterator
from typing import Final

from holdgate.detect.finders.finder import Dictionaries, Place, Text

_FIRST: Final = re.compile(r"%?B(?P<number>\d{12,19})\^[A-Z0-9 ./'\-]{2,26}\^(?P<rest>\d{7,40})\??")
_BEHIND: Final = b"=0000000"
_SECOND: Final = re.compile(r"(?P<number>\d{12,19})=(?P<rest>\d{7,30})\??")
_SECOND_MASK: Final = re.compile(rb"(?<![0Aa])0{12,19}=0{7}")


def find(text: Text, _: Dictionaries) -> Iterator[Place]:
    """Yield each track; its value is the card's number, a sign, and the year and month of expiry."""
    content = text.text
    if "^" in content:
        for track in _FIRST.finditer(content):
            yield _place(track)
    if _BEHIND in text.mask:
        for found in _SECOND_MASK.finditer(text.mask):
            second = _SECOND.match(content, found.start())
            if second is not None:
                place = _place(second)
                yield place._replace(start=place.start - (content[place.start - 1 : place.start] == ";"))


def _place(track: re.Match[str]) -> Place:
    return Place(track.start(), track.end(), f"{track['number']}={track['rest'][:4]}")
