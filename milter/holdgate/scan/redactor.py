"""Masks a message's matches in the sender's text, such as subject and names, before it is shown.

A value that matches in one place is masked in every other place, including a file name without evidence for it.
"""

from collections.abc import Callable, Iterable, Sequence

from holdgate.detect import Confidence, Match
from holdgate.extract.part import Part
from holdgate.mask import mask, mask_numbers, mask_unsearched_text

# A span of text to mask: its first character, the one after its last, and the identifier.
Place = tuple[int, int, str]

# How many values are searched for in other places, and their maximum length.
_VALUES = 500
_SHORTEST, LONGEST = 4, 200
# The sender is shown with name and address: people decide by them, and the envelope, the log and the notices contain
# the address too.
_WHO = frozenset({"email-address", "person-name", "organisation"})
_NONE: frozenset[str] = frozenset()
# Programs put long numbers into Message-IDs, and sometimes one has the form of a card number.
_LONGEST_IN_ID = 16


class Redactor:
    """The matches of one message, to be masked in other texts."""

    def __init__(
        self, find: Callable[[str], Sequence[Match]], parts: Iterable[Part], matches: Iterable[list[Match]]
    ) -> None:
        self._find = find
        self._values: dict[str, str] = {}
        self._done: dict[str, str] = {}
        pairs = [(part, match) for part, found in zip(parts, matches, strict=True) for match in found]
        self._nothing = not pairs
        # By falling confidence: if there are too many, the least certain ones are dropped.
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
        """Return a text with matches masked or, if the message has none, with numbers masked."""
        if not text:
            return text
        if text not in self._done:
            self._done[text] = mask_numbers(text) if self._nothing else self.masked(text)
        return self._done[text]

    def redact_from(self, text: str) -> str:
        """Return the value of a From field masked in the same way, except for name and address."""
        return mask_unsearched_text(text, addresses=False) if self._nothing else self.masked(text, _WHO)

    def redact_message_id(self, text: str) -> str:
        """Return a Message-ID masked in the same way; mail refers to it, so only certain matches are masked."""
        if self._nothing:
            return mask_numbers(text)
        # Without the "@" it is not an address, so the text before it is searched separately.
        found = self._find(text.replace("@", " "))
        return self._hidden(text, [one for one in found if one.end - one.start <= _LONGEST_IN_ID or _is_sure(one)])

    def masked(self, text: str, kept: frozenset[str] = _NONE) -> str:
        """Return a text with all matches in it masked too, except for the identifiers `kept`."""
        return mask_numbers(self._hidden(text, self._find(text), kept))

    def _hidden(self, text: str, matches: Iterable[Match], kept: frozenset[str] = _NONE) -> str:
        pieces: list[str] = []
        position = 0
        for start, end, _ in self.places(text, matches, kept):
            pieces += [text[position:start], mask(text[start:end])]
            position = end
        return "".join(pieces) + text[position:]

    def places(self, text: str, matches: Iterable[Match], kept: frozenset[str] = _NONE) -> list[Place]:
        """Return the spans to mask, in order: matches and each repetition of a value. Overlapping spans are merged."""
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
