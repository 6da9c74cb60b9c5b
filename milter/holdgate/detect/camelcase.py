"""Field names in camelCase ("creditCardNumber"), split into words."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

# The last word border of a name where field names occur: before a sign, or in a row of headings.
# A number at the end counts the parts of a value: "ssn1".
# No piece is longer than a name: a long run of letters, searched from each border in it, would take quadratic time.
_BORDER: Final = re.compile(rb"(?:aA[A0]{0,40}+a{0,40}+(?:0{0,40}+|[0Aa]{0,40}+)|[aA]00?)[\"'\])\\]{0,2} ?[:=>,;|\t\n]")
_ALNUM: Final = b"0Aa"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LONGEST: Final = 40
# A first word of one letter belongs to a brand ("iPhone"), not to a field name.
_LEAST_FIRST: Final = 2
# With more names than this, a text is not searched: these are not field names, but encoded data.
_MOST: Final = 4_000


class Name(NamedTuple):
    """A name: its start, its words in lower case with spaces between and around them, and the place of each character.

    A character's place is where it is in the name; that of a space is the end of the word before it.
    """

    start: int
    spaced: str
    places: tuple[int, ...]


def split(text: str, mask: bytes) -> list[Name]:
    """Return the camelCase names in `text`, which has this mask (see `candidates`)."""
    found: list[Name] = []
    position = 0
    for border in _BORDER.finditer(mask):
        start = border.start()
        if start < position:
            continue
        while start > position and mask[start - 1] in _ALNUM:
            start -= 1
        name = _NAME.match(text, start)
        if name is None:
            continue
        position = max(name.end(), border.start() + 2)
        words = _words(name[0]) if len(name[0]) <= _LONGEST else None
        if words is not None:
            found.append(Name(start, *words))
            if len(found) >= _MOST:
                break
    return found


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, tuple[int, ...]] | None:
    pieces = [word.span() for word in _WORD.finditer(name)]
    if len(pieces) < 2 or pieces[0][1] < _LEAST_FIRST:
        return None
    spaced = " "
    places = [0]
    for start, end in pieces:
        spaced += name[start:end].lower() + " "
        places.extend(range(start, end))
        places.append(end)
    return spaced, tuple(places)
