"""A set of words in one string of bytes: 50,000 names take 0.5 MB, as a frozenset they take 6."""

from array import array
from collections.abc import Collection, Iterable, Iterator
from itertools import accumulate
from typing import Final
from zlib import crc32

_END: Final = b"\n"
# So many words have one place, in which a word is searched for from the start.
_WORDS_A_PLACE: Final = 4


class WordSet(Collection[str]):
    """A set of words that never changes. A word cannot contain a line feed."""

    def __init__(self, words: Iterable[str]) -> None:
        encoded = {word.encode() for word in words}
        self._count = len(encoded)
        self._mask = (1 << (self._count // _WORDS_A_PLACE).bit_length()) - 1
        places: list[list[bytes]] = [[] for _ in range(self._mask + 1)]
        for word in sorted(encoded):
            places[crc32(word) & self._mask].append(word)
        # Of each place: a line feed, and its words with one after each.
        texts = [_END + b"".join(word + _END for word in place) for place in places]
        self._starts = array("I", accumulate(map(len, texts), initial=0))
        self._words = b"".join(texts)

    def __contains__(self, word: object) -> bool:
        """Whether it has exactly this word."""
        if not isinstance(word, str):
            return False
        encoded = word.encode("utf-8", "surrogatepass")
        if _END in encoded:
            return False
        place = crc32(encoded) & self._mask
        return self._words.find(_END + encoded + _END, self._starts[place], self._starts[place + 1]) >= 0

    def __iter__(self) -> Iterator[str]:
        """Yield the words in no particular order."""
        return (word for word in self._words.decode().split("\n") if word)

    def __len__(self) -> int:
        """Return how many words it has."""
        return self._count
