"""Makes a sender's own words fit to be shown: what was found in the message is masked wherever it stands.

What is a match in one place is masked in every other one too, also in a file name without evidence for it.
"""

from collections.abc import Callable, Iterable, Sequence

from holdgate.detect import Confidence, Match
from holdgate.extract.part import Part
from holdgate.mask import mask, mask_numbers, mask_unsearched_text

# A stretch of text that is masked: its first character, the one behind its last, and the identifier.
Place = tuple[int, int, str]

# How many values are looked for wherever else they stand, and how long one may be.
_VALUES = 500
_SHORTEST, LONGEST = 4, 200
# Who a message is from is told with name and address: people decide by them, and the envelope, the log and the notices
# hold the address too.
_WHO = frozenset({"email-address", "person-name", "organisation"})
_NONE: frozenset[str] = frozenset()
# Programs make Message-IDs of long numbers: one of these passes for the number of a card now and then.
_LONGEST_IN_ID = 16


class Redactor:
    """What was found in one message, ready to be masked in other texts."""

    def __init__(
        self, find: Callable[[str], Sequence[Match]], parts: Iterable[Part], matches: Iterable[list[Match]]
    ) -> None:
        self._find = find
        self._values: dict[str, str] = {}
        self._done: dict[str, str] = {}
        pairs = [(part, match) for part, found in zip(parts, matches, strict=True) for match in found]
        self._nothing = not pairs
        # The surest first: they are not the ones to go where there are too many.
        pairs.sort(key=lambda pair: pair[1].confidence.rank, reverse=True)
        for part, match in pairs:
            value = part.text[match.start : match.end]
            if _SHORTEST <= len(value) <= LONGEST:
                self._values.setdefault(value, match.identifier)
            if len(self._values) == _VALUES:
                break

    @property
    def known(self) -> list[str]:
        """The values that were found."""
        return list(self._values)

    def redact(self, text: str) -> str:
        """Return a text with what was found masked, and what looks like a number where nothing was."""
        if not text:
            return text
        if text not in self._done:
            self._done[text] = mask_numbers(text) if self._nothing else self.masked(text)
        return self._done[text]

    def redact_from(self, text: str) -> str:
        """Return the value of a From field so; the name and the address stay."""
        return mask_unsearched_text(text, addresses=False) if self._nothing else self.masked(text, _WHO)

    def redact_message_id(self, text: str) -> str:
        """Return a Message-ID so: mail refers to it, so that only what is certainly a person's number is masked."""
        if self._nothing:
            return mask_numbers(text)
        # Without the sign that makes an address of it, what stands before it is seen for itself.
        found = self._find(text.replace("@", " "))
        return self._hidden(text, [one for one in found if one.end - one.start <= _LONGEST_IN_ID or _is_sure(one)])

    def masked(self, text: str, kept: frozenset[str] = _NONE) -> str:
        """Return a text with all that is found in it masked too, but for the identifiers `kept`."""
        return mask_numbers(self._hidden(text, self._find(text), kept))

    def _hidden(self, text: str, matches: Iterable[Match], kept: frozenset[str] = _NONE) -> str:
        pieces: list[str] = []
        position = 0
        for start, end, _ in self.places(text, matches, kept):
            pieces += [text[position:start], mask(text[start:end])]
            position = end
        return "".join(pieces) + text[position:]

    def places(self, text: str, matches: Iterable[Match], kept: frozenset[str] = _NONE) -> list[Place]:
        """Return where a text is masked, in order: at its matches and wherever it repeats a value; overlaps are one."""
        places = [(match.start, match.end, match.identifier) for match in matches if match.identifier not in kept]
        for value, identifier in self._values.items():
            start = text.find(value) if identifier not in kept else -1
            while start >= 0:
                places.append((start, start + len(value), identifier))
                start = text.find(value, start + len(value))
        merged: list[Place] = []
        for place in sorted(places, key=lambda place: (place[0], -place[1])):
            if merged and place[0] < merged[-1][1]:
                start, end, identifier = merged[-1]
                merged[-1] = (start, max(end, place[1]), identifier)
            else:
                merged.append(place)
        return merged


def _is_sure(match: Match) -> bool:
    return match.confidence is not Confidence.LOW
