"""Makes a sender's own words fit to be shown: in names, a subject, a reason, what was found in the message is masked.

What is a match in one place is masked in every other one too, be it a file name where nothing speaks for it.
"""

from collections.abc import Callable, Iterable, Sequence

from holdgate.detect import Match
from holdgate.extract.part import Part
from holdgate.mask import mask

# How many values are looked for wherever else they stand, and how long one may be.
_VALUES = 500
_SHORTEST, _LONGEST = 4, 200
# Who a message is from is told with the address: the envelope, the log and the notices hold it too.
_ADDRESS = "email-address"


class Wording:
    """What was found in one message, ready to be masked in other texts."""

    def __init__(
        self, find: Callable[[str], Sequence[Match]], parts: Iterable[Part], matches: Iterable[list[Match]]
    ) -> None:
        self._find = find
        self._values: dict[str, str] = {}
        self._done: dict[str, str] = {}
        self._nothing = True
        for part, found in zip(parts, matches, strict=True):
            for match in found:
                self._nothing = False
                value = part.text[match.start : match.end]
                if _SHORTEST <= len(value) <= _LONGEST and len(self._values) < _VALUES:
                    self._values.setdefault(value, match.identifier)

    def safe(self, text: str) -> str:
        """Return a text with what was found masked."""
        if self._nothing or not text:
            return text
        if text not in self._done:
            self._done[text] = self._masked(text, "")
        return self._done[text]

    def safe_from(self, text: str) -> str:
        """Return the value of a From field so; the address stays, for it is known from the envelope too."""
        return text if self._nothing else self._masked(text, _ADDRESS)

    def _masked(self, text: str, kept: str) -> str:
        places = [(match.start, match.end) for match in self._find(text) if match.identifier != kept]
        for value, identifier in self._values.items():
            start = text.find(value) if identifier != kept else -1
            while start >= 0:
                places.append((start, start + len(value)))
                start = text.find(value, start + len(value))
        pieces: list[str] = []
        position = 0
        for start, end in sorted(places):
            if end > position:
                pieces += [text[position:start], mask(text[max(start, position) : end])]
                position = end
        return "".join(pieces) + text[position:]
